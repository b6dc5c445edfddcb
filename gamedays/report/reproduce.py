"""Reproduce: from a finding back to what it was judged by: the PromQL and the time, or the files beside the report."""

from __future__ import annotations

from dataclasses import dataclass

from flashcrowd.errors import InputError
from flashcrowd.units import utc
from flashcrowd.verdict import Finding
from gamedays.playing.extracts import CHARTS, WINDOW
from gamedays.story.facts import FaultFact
from gamedays.story.story import Story

ORDERS = ("load/history-*.jsonl", "load/ledger.jsonl")


@dataclass(frozen=True)
class Asked:
    """PromQL, and the time to ask it for, at a step of one second."""

    what: str
    query: str
    start: str
    end: str


@dataclass(frozen=True)
class Source:
    """What a finding can be checked by: queries, files of the run directory, and the report of a control."""

    asked: tuple[Asked, ...] = ()
    files: tuple[str, ...] = ()
    report: str | None = None


def source(story: Story, finding: Finding) -> Source:
    """Of one finding; empty for what only the events of the run tell."""
    first, *rest = finding.name.split("/")
    if "control" in finding.evidence:
        return Source(report=f"controls/{finding.evidence['control']}/report.html")
    if first in ("slo", "expect", "production") and (slo := next((p for p in rest if p in _names(story)), None)):
        return Source(_of_slo(story, slo, rest), ("metrics/sli.json",))
    if first == "crowd":
        wanted = ("Viewers", "Arrivals") if rest[:1] in (["size"], ["arrivals"]) else ("Generator lag", "Generator CPU")
        return Source(_charts(story, wanted), ("metrics/charts.json", "load/summary.json"))
    if first == "fault" and rest[0].isdigit() and int(rest[0]) <= len(story.faults):
        return Source(_of_fault(story, story.faults[int(rest[0]) - 1]), ("events.jsonl",))
    if first == "invariant":
        return Source(files=ORDERS)
    if first == "runbook" and rest:
        return Source(files=(f"runbooks/{rest[0]}.jsonl",))
    return Source(files=("events.jsonl",))


def of_load(finding: Finding) -> Source:
    """Of a finding of a load alone."""
    if finding.name.startswith("invariant/"):
        return Source(files=ORDERS)
    return Source(files=("load/summary.json", "load/stats.json"))


def _of_slo(story: Story, name: str, rest: list[str]) -> tuple[Asked, ...]:
    slo = story.slo(name)
    fault = next((one for one in story.faults if _expects(one, name)), None)
    when = (fault.injected, fault.ended) if fault is not None and "outside" not in rest else (None, None)
    if rest[-1] in ("detected", "runbook"):
        query = f'ALERTS{{alertname="{slo.alerting.name}",alertstate="firing"}}'
        return (_asked(story, "whether the alert fires", query, *when), _ratio(story, name, *when))
    return (_ratio(story, name, *when),)


def _ratio(story: Story, name: str, start: float | None, end: float | None) -> Asked:
    slo = story.slo(name)
    try:
        return _asked(story, f"the bad share, at most {slo.budget:.4g}", slo.ratio_query(WINDOW), start, end)
    except InputError:  # a ratio, in which a game day doesn't count
        return _asked(story, "the bad share", "", start, end)


def _of_fault(story: Story, fault: FaultFact) -> tuple[Asked, ...]:
    query = f'flashcrowd_fault_active{{fault="{fault.step.fault.kind}",on="{fault.step.fault.on}"}}'
    return (_asked(story, "whether it was in place", query, fault.injected, fault.ended),)


def _charts(story: Story, panels: tuple[str, ...]) -> tuple[Asked, ...]:
    return tuple(
        _asked(story, f"{chart.panel}, {chart.series}, {chart.unit}", chart.query)
        for chart in CHARTS
        if chart.panel in panels
    )


def _asked(story: Story, what: str, query: str, start: float | None = None, end: float | None = None) -> Asked:
    return Asked(what, query, utc(start or story.start), utc(end or story.end))


def _expects(fault: FaultFact, slo: str) -> bool:
    return fault.injected is not None and fault.step.expect is not None and fault.step.expect.slo == slo


def _names(story: Story) -> set[str]:
    return {slo.name for slo in story.slos}
