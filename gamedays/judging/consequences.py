"""Consequences: what else a fault had, beside a page and a recovery, and whether that was within what was wanted. Pure.

As everywhere: what can't be known is inconclusive. What is too much already fails, though, whatever is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from flashcrowd.units import about
from flashcrowd.verdict import Finding, Outcome
from gamedays.judging.expectations import FaultPlayed, Judge, PageSeen
from gamedays.judging.sli import HOLD, Tally, Window
from monitors.figures import bad_percent, exact_percent

INVARIANT = "invariant/"


@dataclass(frozen=True)
class Allowance:
    """What an SLO may spend. budget: the share of events (0 to 1) that may be bad. rate: its events per second in
    health, None where there were none. period: seconds that the budget is for."""

    budget: float
    rate: float | None
    period: float

    @property
    def events(self) -> float | None:
        """Bad events that a whole period allows, at the traffic of the rehearsal."""
        return self.budget * self.rate * self.period if self.rate else None


def aftermath(fault: FaultPlayed) -> Window:
    """While a fault did harm: until `HOLD` seconds after it, since what began under it ends after it."""
    return fault.injected or 0.0, fault.ended + HOLD


def spent(name: str, most: float, fault: FaultPlayed, tally: Tally, allowed: Allowance) -> Finding:
    """How much of the budget the fault has spent. tally: of its aftermath."""
    over = f"of the error budget of {about_days(allowed.period)}"
    evidence = {"bad": round(tally.bad, 1), "rate": allowed.rate, "period": allowed.period, "at_most": most}
    events = allowed.events
    if events is None:
        message = f"the share {over} can't be told: there was no healthy traffic to compare with"
        return Finding(name, Outcome.INCONCLUSIVE, message, evidence)
    share = tally.bad / events
    evidence["spent"] = round(share, 6)
    message = f"{fault.name} spent {bad_percent(share, most)} {over}, at most {exact_percent(most)} wanted"
    if share > most:
        return Finding(name, Outcome.FAIL, message, evidence)
    if (doubt := _doubt(fault, tally)) is not None:
        return Finding(name, Outcome.INCONCLUSIVE, f"{message}, but {doubt}", evidence)
    return Finding(name, Outcome.PASS, message, evidence)


def untouched(name: str, slo: str, fault: FaultPlayed, tally: Tally, page: PageSeen | None, judge: Judge) -> Finding:
    """Whether an SLO held that the fault was not to hit. tally: of its aftermath."""
    evidence = {"bad": round(tally.bad, 1), "total": round(tally.total, 1), "covered": round(tally.covered, 3)}
    during = f"during {fault.name}"
    if page is not None:
        return Finding(name, Outcome.FAIL, f"{page.alert} paged {during}: it was not to touch {slo}", evidence)
    outcome, reason = judge(tally.bad, tally.total)
    if outcome is Outcome.FAIL:
        return Finding(name, Outcome.FAIL, f"{slo} was hit {during}: {reason}", evidence)
    if (doubt := _doubt(fault, tally)) is not None:
        return Finding(name, Outcome.INCONCLUSIVE, f"whether {slo} was hit {during} can't be told: {doubt}", evidence)
    return Finding(name, outcome, f"{slo} {during}: {reason}", evidence)


def held(name: str, wanted: Literal["all"] | Sequence[str], found: Iterable[Finding]) -> Finding:
    """Whether the wanted invariants were decided, and held. found: all findings on orders, draws and chat."""
    by_name = {one.name.removeprefix(INVARIANT): one for one in found if one.name.startswith(INVARIANT)}
    names = list(by_name) if wanted == "all" else list(wanted)
    missing = [one for one in names if one not in by_name]
    seen = [(one, by_name[one].outcome) for one in names if one in by_name]
    for outcome, how in ((Outcome.FAIL, "broken"), (Outcome.INCONCLUSIVE, "not decided")):
        wrong = [one for one, had in seen if had is outcome]
        wrong += missing if outcome is Outcome.INCONCLUSIVE else []
        if wrong or (outcome is Outcome.INCONCLUSIVE and not names):
            return Finding(name, outcome, f"{how}: {', '.join(wrong) or 'nothing was checked'}")
    return Finding(name, Outcome.PASS, f"{', '.join(names)} held")


def about_days(seconds: float) -> str:
    """`30 days`, or as `units.about`."""
    return f"{seconds / 86400:g} days" if seconds >= 2 * 86400 else about(seconds)


def _doubt(fault: FaultPlayed, tally: Tally) -> str | None:
    """Why less than the whole of it was seen; None when nothing is missing."""
    lasted = fault.ended - (fault.injected or 0.0)
    if lasted < fault.lasts - 1.0:
        return f"the fault was in place for {about(max(0.0, lasted))} only"
    if not tally.known:
        return f"Prometheus has data for {tally.covered * tally.seconds:.0f} of {tally.seconds:.0f} s"
    return None
