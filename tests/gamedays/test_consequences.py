"""What else is expected of a fault: when it is mitigated, what it spends, what it leaves alone, production's page."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from flashcrowd.verdict import Finding, Outcome
from gamedays import gameday
from gamedays.judging import consequences, production
from gamedays.judging.consequences import Allowance
from gamedays.judging.expectations import FaultPlayed, PageSeen
from gamedays.judging.production import Detection, Noticed, Production
from gamedays.judging.sli import Tally

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE
FAULT_AT = 1_800_000_050.0


@dataclass(frozen=True)
class Case:
    """What is expected besides the SLO, the rehearsal, and the finding."""

    expect: str
    story: dict[str, object]
    name: str
    outcome: Outcome
    says: str


CASES = {
    "mitigated in time": Case("mitigated_within: 10s", {}, "mitigated", PASS, "order-latency had acted 7.5 s after"),
    "mitigated late": Case("mitigated_within: 7s", {}, "mitigated", FAIL, "7.5 s after network.latency on inventory"),
    "nobody paged": Case("mitigated_within: 10s", {"paged": None}, "mitigated", FAIL, "within 10 s: nobody was paged"),
    "no runbook": Case(
        "mitigated_within: 10s", {"runbook": None}, "mitigated", FAIL, "within 10 s: no runbook was followed"
    ),
    "cut off before the mitigation": Case(
        "mitigated_within: 10s", {"interrupted": 56.0, "paged": None}, "mitigated", INCONCLUSIVE, "in place for 6.2 s"
    ),
    "nobody paged and no data": Case(
        "mitigated_within: 10s",
        {"prometheus_lost": 70.0, "paged": None},
        "mitigated",
        INCONCLUSIVE,
        "Prometheus has no data",
    ),
    "within its budget": Case(
        "budget_spent_at_most: 0.05 %", {}, "budget", PASS, "spent 0.031 % of the error budget of 30 days"
    ),
    "beyond its budget": Case("budget_spent_at_most: 0.03 %", {}, "budget", FAIL, "0.031 %"),
    "beyond it although cut off": Case(
        "budget_spent_at_most: 0.001 %", {"interrupted": 60.0}, "budget", FAIL, "at most 0.001 % wanted"
    ),
    "within it so far": Case(
        "budget_spent_at_most: 1 %", {"interrupted": 60.0}, "budget", INCONCLUSIVE, "in place for 10 s only"
    ),
    "budget without data": Case(
        "budget_spent_at_most: 1 %", {"prometheus_lost": 100.0}, "budget", INCONCLUSIVE, "no healthy traffic"
    ),
    "others held": Case("others: untouched", {}, "others/chat-delivery", PASS, "100 % held"),
    "others not known": Case(
        "others: untouched", {"prometheus_lost": 100.0}, "others/chat-delivery", INCONCLUSIVE, "can't be told"
    ),
    "others undecided": Case(
        "others: untouched", {"rate": 0.5}, "others/order-availability", INCONCLUSIVE, "more events"
    ),
    "invariants held": Case("invariants: [oversold, lost]", {}, "invariants", PASS, "oversold, lost held"),
    "all invariants": Case("invariants: all", {"lost": 3}, "invariants", FAIL, "broken: lost"),
    "an invariant that was not decided": Case(
        "invariants: [oversold, limit]", {}, "invariants", INCONCLUSIVE, "not decided: limit"
    ),
    "invariants without a ledger": Case(
        "invariants: [lost]", {"ledger": False}, "invariants", INCONCLUSIVE, "not decided: lost"
    ),
    "production not replayed": Case(
        "detected_within_production: 20m", {}, "detected-production", INCONCLUSIVE, "flashcrowd slo replay RUN"
    ),
}


def find(ended: gameday.Ended, name: str) -> Finding:
    return next(one for one in ended.verdict.findings if one.name == f"expect/order-latency/{name}")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_expectation_has_its_finding(judged, case):
    found = find(judged(expect=f"{{slo: order-latency, {case.expect}}}", **case.story), case.name)
    assert found.outcome is case.outcome, found
    assert case.says in found.message


def test_only_the_slos_that_may_not_be_hit_are_asked_for(judged):
    ended = judged(expect="{slo: order-latency, others: [order-availability]}")
    names = [one.name for one in ended.verdict.findings if "/others/" in one.name]
    assert names == ["expect/order-latency/others/chat-delivery"]


@pytest.mark.parametrize("story", [{"injected": False, "paged": None}, {"bit": False, "paged": None}])
def test_nothing_is_expected_of_a_fault_that_was_none(judged, story):
    wanted = "{slo: order-latency, mitigated_within: 9s, budget_spent_at_most: 1 %, others: untouched}"
    found = [one for one in judged(expect=wanted, **story).verdict.findings if one.name.startswith("expect/")]
    assert [(one.name, one.outcome) for one in found] == [("expect/order-latency", INCONCLUSIVE)]


SEEN = Detection("network.latency on inventory", "order-latency", 99, FAULT_AT, 60.2, onset=FAULT_AT)
REPLAYS = {
    "in time": (replace(SEEN, production=Noticed(900.0, "1h/5m")), PASS, "would page 15 min after"),
    "late": (replace(SEEN, production=Noticed(1300.0, "6h/30m")), FAIL, "at most 20 min wanted"),
    "never": (SEEN, FAIL, "the level is too low for a page"),
    "nothing spoiled": (replace(SEEN, onset=None), FAIL, "nothing was spoiled"),
    "no data": (replace(SEEN, unknown="Prometheus has no data"), INCONCLUSIVE, "Prometheus has no data"),
    "of another fault": (replace(SEEN, injected=1.0), INCONCLUSIVE, "the replay says nothing of it"),
}


@pytest.mark.parametrize(("seen", "outcome", "says"), REPLAYS.values(), ids=REPLAYS)
def test_the_page_of_production_is_judged_from_the_replay(rehearsed, seen, outcome, says):
    run = rehearsed(expect="{slo: order-latency, detected_within_production: 20m}")
    run.write_json(production.FILE, Production("google-30d", 259200.0, (seen,)).as_dict())
    found = find(gameday.judge(run.path), "detected-production")
    assert (found.outcome, says in found.message) == (outcome, True), found


def test_a_control_is_not_asked_for_the_page_of_production(judged):
    ended = judged(control="no-runbook", expect="{slo: order-latency, detected_within_production: 20m}")
    assert not [one for one in ended.verdict.findings if one.name.endswith("/detected-production")]


FAULT = FaultPlayed("network.latency on inventory", 100.0, 160.0, 160.0, lasts=60.0, bit=True)
PAGE = PageSeen("ChatDeliveryBurn", "chat-delivery", "chat-delivery", 120.0)
WHOLE = Tally(0.0, 1000.0, 65.0, 1.0)


@pytest.mark.parametrize(
    ("tally", "page", "outcome"),
    [
        (WHOLE, None, PASS),
        (WHOLE, PAGE, FAIL),
        (replace(WHOLE, bad=500.0), None, FAIL),
        (replace(WHOLE, bad=500.0, covered=0.1), None, FAIL),
        (replace(WHOLE, covered=0.5), None, INCONCLUSIVE),
        (replace(WHOLE, total=0.0, covered=0.0), None, INCONCLUSIVE),
    ],
)
def test_an_slo_is_untouched_when_nothing_of_it_was_seen_to_break(tally, page, outcome):
    def judge(bad: float, total: float) -> tuple[Outcome, str]:
        return (INCONCLUSIVE if not total else FAIL if bad else PASS), "judged"

    assert consequences.untouched("x", "chat-delivery", FAULT, tally, page, judge).outcome is outcome


def test_what_is_spent_is_measured_in_what_a_period_allows_at_this_traffic():
    allowed = Allowance(budget=0.01, rate=100.0, period=1000.0)  # 1,000 bad events
    found = consequences.spent("x", 0.5, FAULT, replace(WHOLE, bad=499.0), allowed)
    assert (found.outcome, found.evidence["spent"]) == (PASS, 0.499)
    assert consequences.spent("x", 0.5, FAULT, replace(WHOLE, bad=501.0), allowed).outcome is FAIL
    assert consequences.spent("x", 0.5, FAULT, WHOLE, replace(allowed, rate=None)).outcome is INCONCLUSIVE


def test_of_no_invariants_at_all_none_is_held():
    assert consequences.held("x", "all", ()).outcome is INCONCLUSIVE
