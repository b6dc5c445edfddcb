from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from flashcrowd.verdict import Outcome
from gamedays.judging.expectations import FaultPlayed, PageSeen, judge_expectation, recovery
from gamedays.judging.sli import Sli
from gamedays.plan import Expectation

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE
FAULT = FaultPlayed("network.latency on inventory", 100.0, 160.0, 160.0, lasts=60.0, bit=True)
PAGE = PageSeen("OrderLatencyBurn", "order-latency", "order-latency", 107.0)
WANTED = Expectation(slo="order-latency", detected_within="20s", runbook="order-latency", recovered_within="35s")


def sli(bad_until: float = 115.0, ends: float = 170.0, total: float | None = 20.0) -> Sli:
    """Half of the events are bad from the injection on."""
    rows = [
        (float(at), None if total is None else total / 2 if 100 <= at < bad_until else 0.0, total)
        for at in range(90, int(ends))
    ]
    return Sli("order-latency", 1.0, tuple(rows))


WATCHED = sli()


@dataclass(frozen=True)
class Case:
    findings: dict[str, Outcome]
    fault: FaultPlayed = FAULT
    pages: tuple[PageSeen, ...] = (PAGE,)
    seen: Sli = WATCHED
    wanted: Expectation = WANTED
    silenced: tuple[PageSeen, ...] = ()
    says: str = ""


def every(outcome: Outcome, *names: str) -> dict[str, Outcome]:
    return dict.fromkeys(names, outcome)


ALL = every(PASS, "detected", "runbook", "recovered", "held")
MISSED = every(FAIL, "detected", "runbook", "recovered")
CASES = {
    "in time": Case(ALL, says="paged 7.0 s after"),
    "at the last moment": Case(ALL, pages=(replace(PAGE, at=120.0),), seen=sli(135.0)),
    "detected late": Case({**ALL, "detected": FAIL}, pages=(replace(PAGE, at=120.5),), says="20 s after"),
    "recovered late": Case({**ALL, "recovered": FAIL}, seen=sli(136.0), says="36 s after"),
    "recovered only when it healed": Case(
        {"detected": PASS, "runbook": PASS, "recovered": FAIL}, seen=sli(160.0), says="none before the fault healed"
    ),
    "never paged": Case(MISSED, pages=(), says="nobody was paged"),
    "silenced": Case(
        MISSED,
        pages=(),
        silenced=(replace(PAGE, silenced="silenced by anna: moving"),),
        says="no page within 20 s of network.latency on inventory: OrderLatencyBurn fired, silenced by anna: moving",
    ),
    "silenced for another SLO": Case(
        MISSED,
        pages=(),
        silenced=(replace(PAGE, slo="x", silenced="silenced"),),
        says="of network.latency on inventory |",
    ),
    "paged before the fault": Case(MISSED, pages=(replace(PAGE, at=99.9),)),
    "paged after it had healed": Case(MISSED, pages=(replace(PAGE, at=160.1),)),
    "paged for another SLO": Case(MISSED, pages=(replace(PAGE, slo="chat-delivery"),)),
    "another runbook": Case({**ALL, "runbook": FAIL}, pages=(replace(PAGE, runbook="x"),), says="the runbook x"),
    "no runbook": Case({**ALL, "runbook": FAIL}, pages=(replace(PAGE, runbook=None),), says="names no runbook"),
    "paged, then no data": Case(
        {"detected": PASS, "runbook": PASS, "recovered": INCONCLUSIVE},
        seen=sli(total=None),
        says="recovery can't be told: Prometheus has no data",
    ),
    "no page and no data": Case(
        every(INCONCLUSIVE, "detected", "runbook", "recovered"), pages=(), seen=sli(total=None), says="no data"
    ),
    "no page and half of the data": Case(
        every(INCONCLUSIVE, "detected", "runbook", "recovered"), pages=(), seen=sli(ends=110.0)
    ),
    "ended early": Case(
        every(INCONCLUSIVE, "detected", "runbook", "recovered"),
        fault=replace(FAULT, healed=110.0, ended=110.0),
        pages=(),
        says="the fault was in place for 10 s only",
    ),
    "ended between page and recovery": Case(
        {"detected": PASS, "runbook": PASS, "recovered": INCONCLUSIVE},
        fault=replace(FAULT, healed=None, ended=112.0),
        says="12 s only",
    ),
    "no events after the page": Case(
        {"detected": PASS, "runbook": PASS, "recovered": FAIL},
        seen=Sli("order-latency", 1.0, tuple((float(at), 0.0, 0.0) for at in range(90, 170))),
    ),
    "never injected": Case(
        {"": INCONCLUSIVE}, fault=replace(FAULT, injected=None, healed=None), says="was never injected"
    ),
    "did not bite": Case({"": INCONCLUSIVE}, fault=replace(FAULT, bit=False), pages=(), says="did not bite"),
    "bit unseen, but somebody was paged": Case(ALL, fault=replace(FAULT, bit=False)),
    "only the runbook, and nobody paged": Case(
        {"runbook": FAIL}, wanted=Expectation(slo="order-latency", runbook="order-latency"), pages=()
    ),
    "only the recovery": Case(
        {"recovered": PASS, "held": PASS}, wanted=Expectation(slo="order-latency", recovered_within="35s")
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_expectation_has_its_finding(case):
    back = recovery(case.seen, 0.01, case.pages, "order-latency", case.fault)
    found = judge_expectation(
        case.wanted,
        case.fault,
        case.seen,
        case.silenced,
        back,
        lambda bad, total: (PASS if not bad else FAIL, "judged"),
    )
    outcomes = {finding.name.removeprefix("expect/order-latency").lstrip("/"): finding.outcome for finding in found}
    assert outcomes == case.findings
    assert case.says in " | ".join(finding.message for finding in found)


def test_a_relapse_after_the_recovery_is_judged():
    rows = tuple((float(at), 10.0 if 100 <= at < 115 or 140 <= at < 150 else 0.0, 20.0) for at in range(90, 170))
    relapsing = Sli("order-latency", 1.0, rows)
    back = recovery(relapsing, 0.01, (PAGE,), "order-latency", FAULT)
    found = judge_expectation(WANTED, FAULT, relapsing, (), back, lambda bad, total: (FAIL, f"{bad:g} of {total:g}"))
    assert found[-1].name == "expect/order-latency/held"
    assert found[-1].outcome is FAIL
    assert found[-1].message == "from its recovery until network.latency on inventory healed: 100 of 900"
