from hypothesis import given
from hypothesis import strategies as st

from flashcrowd.errors import ExitCode
from flashcrowd.verdict import Finding, Outcome, Verdict, merge

outcomes = st.lists(st.sampled_from(Outcome))


def test_nothing_judged_is_no_pass():
    assert merge([]) is Outcome.INCONCLUSIVE
    assert Verdict(()).outcome.exit_code is ExitCode.INCONCLUSIVE


@given(outcomes, outcomes)
def test_more_findings_never_make_a_verdict_better_than_its_worst_part(one, other):
    rank = [Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.FAIL]
    if one and other:
        together = merge(one + other)
        assert together is max((merge(one), merge(other)), key=rank.index)


@given(outcomes)
def test_a_verdict_survives_its_file(rows):
    verdict = Verdict(tuple(Finding(f"f{n}", outcome, "m", {"n": n}) for n, outcome in enumerate(rows)))
    assert Verdict.from_dict(verdict.as_dict()) == verdict


def test_an_outcome_in_a_file_is_not_trusted():
    stored = Verdict((Finding("a", Outcome.FAIL, "missed"),)).as_dict() | {"outcome": "pass"}
    assert Verdict.from_dict(stored).outcome is Outcome.FAIL
