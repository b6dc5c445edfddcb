"""Triad table: fault, page, runbook, mitigation and recovery of each triad, and what its controls show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from flashcrowd.units import about
from flashcrowd.verdict import Outcome
from gamedays.judging.controls import Shown
from gamedays.judging.triads import Triad, triads
from gamedays.report.lines import WIDTH, wrap
from gamedays.story.story import Story

TIMES = ("page", "production", "mitigated", "back", "healed")
NOTE = (
    "Times count from the injection. page: live; production: when production's rules would have paged. mitigated: the "
    "runbook's last mitigation was done. back: within the objective again, fault still on."
)
CREDIT = {True: "yes", False: "no", None: "unknown"}
SAID = {
    Outcome.PASS: ("no recovery", "no page"),
    Outcome.FAIL: ("recovered by itself", "paged"),
    Outcome.INCONCLUSIVE: ("can't tell", "can't tell"),
}
"""What a control showed in two words: of a recovery, and of a page."""


@dataclass(frozen=True)
class TriadRow:
    """A triad in words. way: from the alert to what was done. times: as TIMES. controls: what each was, and shows.
    shown: the same under the control's bare name."""

    fault: str
    slo: str
    way: str
    outcome: Outcome
    times: tuple[str, ...]
    controls: tuple[tuple[str, str], ...]
    shown: tuple[tuple[str, str], ...]
    credit: str
    why: str


def rows(story: Story) -> list[TriadRow]:
    """A row for every triad of a run."""
    return [_row(triad) for triad in triads(story)]


def as_json(story: Story) -> list[dict[str, Any]]:
    """The triads as JSON values; times are unix seconds."""
    return [asdict(triad) for triad in triads(story)]


def text(story: Story) -> str:
    """The table in 80 columns, with what its columns mean and how many runbooks get the credit."""
    found = rows(story)
    if not found:
        return "no triad: the plan expects nothing of any fault"
    return "\n".join([*lines(found), "", *wrap(NOTE, 2), *wrap(summary(story), 2)])


def lines(found: Sequence[TriadRow]) -> list[str]:
    """The table alone: a line of times, then the way and the controls below it."""
    sizes = [max(len(row[column]) for row in (TIMES, *(row.times for row in found))) for column in range(len(TIMES))]
    first = max(len(row.fault) for row in found)
    beside = 2 + first + sum(2 + size for size in sizes) <= WIDTH
    head = _times(TIMES, sizes)
    told = [f"  {'Triad':<{first}}{head}" if beside else f"  {'Triad':<{WIDTH - 2 - len(head)}}{head}"]
    for row in found:
        times = _times(row.times, sizes)
        told += [f"  {row.fault:<{first}}{times}"] if beside else [f"  {row.fault}", f"{times:>{WIDTH}}"]
        told += wrap(f"{row.way} · {row.outcome}", 6, first=4)
        shown = [f"{name}: {said}" for name, said in row.controls]
        told += wrap(" · ".join([*shown, f"credit: {row.credit}"]), 6, first=4)
    return [line.rstrip() for line in told]


def summary(story: Story) -> str:
    """How many runbooks deserve their recovery, and why the others don't."""
    found = triads(story)
    if not any(triad.shown for triad in found):
        return "No control was played, so nobody knows whether the runbooks helped: --with-controls."
    given = sum(triad.credit is True for triad in found)
    reasons: dict[str, list[str]] = {}
    for triad in found:
        if triad.credit is not True:
            reasons.setdefault(triad.why, []).append(_fault(triad))
    rest = [why if len(which) == len(found) else f"{', '.join(which)}: {why}" for why, which in reasons.items()]
    return "; ".join([f"The runbook gets the credit in {given} of {len(found)}", *rest]) + "."


def _row(triad: Triad) -> TriadRow:
    return TriadRow(
        _fault(triad),
        triad.slo,
        _way(triad),
        triad.outcome,
        (
            *_until_page(triad),
            _after(triad, triad.mitigated),
            _after(triad, triad.recovered),
            _after(triad, triad.healed),
        ),
        tuple((_name(one), _said(one)) for one in triad.shown),
        tuple((one.control, _with(one)) for one in triad.shown),
        CREDIT[triad.credit],
        triad.why,
    )


def _fault(triad: Triad) -> str:
    return f"{triad.fault} on {triad.on}"


def _way(triad: Triad) -> str:
    """As `OrderLatencyBurn → order-latency: inventory-slow → reserve-blocks`."""
    if triad.alert is None:
        return f"{triad.slo}: no page"
    did = [part for part in (triad.diagnosed, ", ".join(triad.mitigations)) if part]
    return f"{triad.alert} → {triad.runbook or 'no runbook'}: {' → '.join(did) or 'nothing was done'}"


def _until_page(triad: Triad) -> tuple[str, str]:
    if triad.production is not None:
        return _after(triad, triad.paged), about(triad.production)
    return _after(triad, triad.paged), "never" if triad.replayed else "unknown"


def _after(triad: Triad, at: float | None) -> str:
    return "-" if at is None or triad.injected is None else about(at - triad.injected)


def _name(one: Shown) -> str:
    return f"{one.control} ({one.instead})" if one.instead is not None else one.control


def _with(one: Shown) -> str:
    return _said(one) + (f" with {one.instead}" if one.instead is not None else "")


def _said(one: Shown) -> str:
    return SAID[one.outcome][1 if one.control == "no-fault" else 0]


def _times(times: Sequence[str], sizes: Sequence[int]) -> str:
    return "".join(f"  {time:>{size}}" for time, size in zip(times, sizes, strict=True))
