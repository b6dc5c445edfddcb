"""Which steps tell causes apart, and in which order they find one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbooks.discrimination import Answer, Ask, Found, Said, answer, order, steps_of, unfound, weak

YES, NO, SOMETIMES, UNKNOWN = Answer.YES, Answer.NO, Answer.SOMETIMES, Answer.UNKNOWN


def said_of(step, healthy=NO, **under):
    return Said(step, under, healthy)


@pytest.mark.parametrize(
    ("share", "said"), [(1.0, YES), (0.8, YES), (0.5, SOMETIMES), (0.2, NO), (0.0, NO), (None, UNKNOWN)]
)
def test_a_share_of_the_time_is_a_yes_or_a_no(share, said):
    assert answer(share) is said


def test_one_step_a_cause_ends_in_none_of_the_known_causes():
    tests = [said_of("slow", latency=YES, kill=NO), said_of("down", latency=NO, kill=YES)]
    way = order(tests, ["latency", "kill"])
    assert way == Ask("slow", Found(("latency",)), Ask("down", Found(("kill",)), Found(())))
    assert steps_of(way) == ["slow", "down"]


def test_a_step_that_halves_the_causes_comes_first():
    halves = said_of("half", a=YES, b=YES, c=NO, d=NO)
    single = [said_of(f"is-{cause}", **{other: YES if other == cause else NO for other in "abcd"}) for cause in "abcd"]
    way = order([*single, halves], list("abcd"))
    assert isinstance(way, Ask)
    assert way.step == "half"
    assert set(steps_of(way)) < {"half", "is-a", "is-b", "is-c", "is-d"}


def test_a_step_that_says_yes_in_health_is_never_taken():
    tests = [said_of("always", healthy=YES, latency=YES, kill=NO), said_of("slow", latency=YES, kill=NO)]
    assert steps_of(order(tests, ["latency", "kill"])) == ["slow"]
    assert order(tests[:1], ["latency"]) == Found(())


def test_a_cause_is_not_named_because_nothing_else_is_left():
    way = order([said_of("slow", latency=YES, kill=NO)], ["latency", "kill"])
    assert way == Ask("slow", Found(("latency",)), Found(()))
    assert unfound(way, ["latency", "kill"]) == ["kill"]


def test_causes_that_no_step_parts_are_named_together():
    way = order([said_of("slow", latency=YES, pause=YES)], ["latency", "pause"])
    assert way == Ask("slow", Found(("latency", "pause")), Found(()))


def test_a_cause_of_which_a_step_is_not_sure_stays_on_both_ways():
    tests = [said_of("slow", latency=YES, cpu=SOMETIMES), said_of("busy", latency=NO, cpu=YES)]
    way = order(tests, ["latency", "cpu"])
    ends = {("slow" in path, "busy" in path): end for path, end in ways(way, [])}
    assert all("cpu" in end for (_, busy), end in ends.items() if busy)


def test_what_tells_nothing_is_named_with_why():
    tests = [
        said_of("always", healthy=YES, latency=YES),
        said_of("both", latency=YES, kill=YES),
        said_of("flaps", latency=SOMETIMES, kill=NO),
        said_of("never", latency=NO, kill=NO),
        said_of("elsewhere", latency=YES, kill=NO, other=YES),
        said_of("good", latency=YES, kill=NO),
    ]
    told = dict(weak(tests, ["latency", "kill"]))
    assert list(told) == ["always", "both", "flaps", "never", "elsewhere"]
    assert "in health" in told["always"]
    assert told["both"] == "says yes under latency and kill alike"
    assert told["elsewhere"] == "says yes under latency and other alike"


def ways(way, said):
    """Every end with the steps that said yes on the way to it."""
    if isinstance(way, Found):
        yield said, way.causes
    else:
        yield from ways(way.yes, [*said, way.step])
        yield from ways(way.no, said)


@st.composite
def matrices(draw):
    causes = [f"c{number}" for number in range(draw(st.integers(1, 10)))]
    answers = st.sampled_from([YES, NO, NO, SOMETIMES, UNKNOWN])
    tests = [
        Said(f"s{number}", {cause: draw(answers) for cause in causes}, draw(st.sampled_from([NO, NO, YES, UNKNOWN])))
        for number in range(draw(st.integers(0, 7)))
    ]
    return causes, tests


@settings(max_examples=150, deadline=None)
@given(matrices())
def test_whatever_is_the_cause_its_answers_lead_to_an_end_that_allows_for_it(matrix):
    causes, tests = matrix
    way, by_name = order(tests, causes), {test.step: test for test in tests}
    assert way == order(tests, causes)
    for cause in causes:
        here, yes = way, list[str]()
        while isinstance(here, Ask):
            said = by_name[here.step].says(cause)
            assert by_name[here.step].usable
            yes += [here.step] if said is not NO else []
            here = here.no if said is NO else here.yes
        assert cause in here.causes or not yes or here.causes == ()
    here = way
    while isinstance(here, Ask):
        here = here.no
    assert here == Found(())  # who hears no all the way is told of no cause


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 8), st.randoms())
def test_with_a_step_for_every_bit_the_cause_is_found_in_as_many_steps_as_it_has_bits(count, random):
    causes = [f"c{number}" for number in range(1, count + 1)]
    bits = max(1, math.ceil(math.log2(count + 1)))
    tests = [
        Said(f"bit{bit}", {cause: YES if (number + 1) >> bit & 1 else NO for number, cause in enumerate(causes)}, NO)
        for bit in range(bits)
    ]
    random.shuffle(tests)
    way = order(tests, causes)
    assert sorted(end for _, end in ways(way, []) if end) == sorted((cause,) for cause in causes)
    assert max(depth(way, 0)) <= bits


def depth(way, at):
    return [at] if isinstance(way, Found) else [*depth(way.yes, at + 1), *depth(way.no, at + 1)]
