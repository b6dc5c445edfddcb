from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.deliveries import HORIZON, Deliveries
from loadtests.frames import Sighting
from loadtests.markers import Marker, mark, markers

NOW = 1_800_000_000.0


def comment(number: int, at: float) -> Marker:
    (found,) = markers(mark(1, number, at).encode())
    return found


def crowded(viewers: int, since: float = NOW - 60.0) -> Deliveries:
    deliveries = Deliveries()
    deliveries.judge(NOW)
    for _ in range(viewers):
        deliveries.joined("main", since)
    return deliveries


def heard(deliveries: Deliveries, by: int, *comments: Marker, room: str = "main") -> None:
    deliveries.fold(Sighting(comments, (), room, by))


@settings(deadline=None)
@given(st.integers(1, 50), st.lists(st.integers(0, 50), max_size=20), st.floats(0.0, 5.0))
def test_while_nobody_comes_or_goes_the_lost_are_counted_exactly(viewers, missing, spread):
    deliveries = crowded(viewers)
    reached = [max(0, viewers - lost) for lost in missing]
    for number, count in enumerate(reached):
        one = comment(number, NOW + spread * number)
        deliveries.said("main", one)
        heard(deliveries, count, one)
    deliveries.judge(NOW + spread * len(missing) + HORIZON + 0.001)  # doubles of this size have steps of 0.2 µs
    assert deliveries.lost == sum(viewers - count for count in reached if count)
    assert deliveries.withheld == reached.count(0)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 25), st.floats(0, 25)), max_size=30), st.lists(st.floats(0, 25), max_size=10))
def test_whoever_comes_or_goes_is_never_taken_for_a_loss(stays, sent):
    """Everybody hears all that is sent while they are there, and nothing is lost."""
    deliveries = Deliveries()
    stays = [(NOW + min(stay), NOW + max(stay)) for stay in stays]
    comments = [comment(number, NOW + at) for number, at in enumerate(sent)]
    steps = [(start, "joined", start) for start, _ in stays] + [(end, "left", start) for start, end in stays]
    steps += [(one.sent, one, sum(start <= one.sent < end for start, end in stays)) for one in comments]
    steps += [(NOW + second, "judge", 0) for second in range(1, 45)]
    for at, what, value in sorted(steps, key=lambda step: (step[0], step[1] != "joined")):
        if what == "judge":
            deliveries.judge(at)
        elif isinstance(what, Marker):
            deliveries.said("main", what)
            heard(deliveries, value, what)
        else:
            getattr(deliveries, what)("main", value)
    assert deliveries.lost == 0
    assert not deliveries._comments


def test_frames_that_batch_differently_add_up():
    deliveries, (one, two) = crowded(10), (comment(1, NOW), comment(2, NOW + 0.1))
    heard(deliveries, 6, one, two)
    heard(deliveries, 4, one)
    heard(deliveries, 3, two)
    deliveries.judge(NOW + HORIZON + 1)
    assert deliveries.lost == 1


def test_a_comment_that_comes_after_the_horizon_is_lost_once():
    deliveries, one = crowded(10), comment(1, NOW)
    heard(deliveries, 9, one)
    deliveries.judge(NOW + HORIZON + 1)
    heard(deliveries, 1, one)
    deliveries.judge(NOW + HORIZON + 2)
    assert deliveries.lost == 1


def test_rooms_are_apart():
    deliveries = crowded(10)
    deliveries.joined("blue", NOW - 60.0)
    heard(deliveries, 1, comment(1, NOW), room="blue")
    deliveries.judge(NOW + HORIZON + 1)
    assert deliveries.lost == 0


def test_a_generator_that_is_late_itself_accuses_nobody():
    deliveries = crowded(10)
    heard(deliveries, 1, comment(1, NOW))
    deliveries.judge(NOW + HORIZON + 1, trusted=False)
    deliveries.judge(NOW + HORIZON + 2)
    assert deliveries.lost == 0
