from __future__ import annotations

import json
import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.people import Popularity, zipf
from loadtests.room_tally import RoomTally
from loadtests.rooms import room_kind, room_names


@settings(deadline=None)
@given(st.integers(1, 500), st.floats(0.1, 3))
def test_shares_follow_zipfs_law_and_make_a_whole(count, exponent):
    shares = zipf(count, exponent)
    assert abs(sum(shares) - 1) < 1e-9
    assert shares == sorted(shares, reverse=True)
    for rank, share in enumerate(shares, 1):
        assert abs(share / shares[0] - rank**-exponent) < 1e-9


def test_viewers_spread_over_the_rooms_as_the_law_says():
    random.seed(4)
    popularity = Popularity(room_names(50))
    drawn = Counter(popularity.draw() for _ in range(100_000))
    for name, share in zip(room_names(50), zipf(50), strict=True):
        assert abs(drawn[name] - 100_000 * share) < 5 * (100_000 * share) ** 0.5
    assert set(drawn) == set(room_names(50))


def test_of_one_room_everybody_is_in_it():
    assert {Popularity(room_names(1)).draw() for _ in range(100)} == {"main"}


def test_the_first_room_is_the_head_streamers():
    names = room_names(3)
    assert names == ("main", "room-2", "room-3")
    assert [room_kind(name, names) for name in (*names, "elsewhere")] == ["head", "small", "small", "small"]


def filled(times: list[float], connections: int, gone: int) -> RoomTally:
    tally = RoomTally()
    for seconds in times:
        tally.delivered(seconds)
    for _ in range(connections):
        tally.entered()
    for _ in range(min(gone, connections)):
        tally.left()
    tally.lost = gone
    return tally


rooms = st.builds(filled, st.lists(st.floats(0, 5), max_size=20), st.integers(0, 9), st.integers(0, 9))


@settings(deadline=None)
@given(st.lists(rooms, max_size=4))
def test_rooms_of_several_workers_are_as_those_of_one(tallies):
    merged = RoomTally()
    for tally in tallies:
        merged.merge(json.loads(json.dumps(tally.as_dict())))
    assert merged.delivery.count == sum(tally.delivery.count for tally in tallies)
    for name in ("connections", "viewers", "most", "lost"):
        assert getattr(merged, name) == sum(getattr(tally, name) for tally in tallies)


def test_of_a_worker_that_is_gone_only_its_viewers_are():
    merged = RoomTally()
    merged.merge(filled([0.1, 2.0], connections=3, gone=1).as_dict(), present=False)
    assert (merged.viewers, merged.connections) == (0, 3)
    found = merged.summary()
    assert (found["on_time"], found["late"], found["lost"], found["most"]) == (1, 1, 1, 3)
    assert 1.98 < found["delivery"]["max"] < 2.02
