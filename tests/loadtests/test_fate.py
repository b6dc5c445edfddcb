from __future__ import annotations

from collections import Counter

from loadtests.fate import fate
from loadtests.people import Popularity, zipf
from loadtests.rooms import room_names

VIEWERS = [f"user-{number}" for number in range(20_000)]


def test_a_viewer_has_the_same_fate_with_the_same_seed_and_another_with_another():
    assert [fate(7, who, "bot") for who in VIEWERS[:50]] == [fate(7, who, "bot") for who in VIEWERS[:50]]
    assert not {fate(7, who, "bot") for who in VIEWERS} & {fate(8, who, "bot") for who in VIEWERS}
    assert fate(7, "\ud83d", "bot") < 1  # a name of a platform's


def test_fates_are_spread_evenly_and_one_says_nothing_of_another():
    bots = [fate(3, who, "bot") for who in VIEWERS]
    keen = [fate(3, who, "interested") for who in VIEWERS]
    assert all(0 <= number < 1 for number in bots)
    for tenth in Counter(int(10 * number) for number in bots).values():
        assert abs(tenth - 2000) < 5 * 2000**0.5
    both = sum(one < 0.1 and other < 0.3 for one, other in zip(bots, keen, strict=True))
    assert abs(both - 600) < 5 * 600**0.5


def test_rooms_are_as_full_by_fate_as_by_chance():
    popularity = Popularity(room_names(5))
    drawn = Counter(popularity.draw(fate(1, who, "room 0")) for who in VIEWERS)
    for name, share in zip(room_names(5), zipf(5), strict=True):
        assert abs(drawn[name] - 20_000 * share) < 5 * (20_000 * share) ** 0.5
