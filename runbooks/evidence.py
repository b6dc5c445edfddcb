"""Evidence: what rehearsals showed of the pages of an SLO, one run each, small enough to be kept on the page itself.

A page keeps the evidence that it was made from in comments, one line a run, so that a run directory may be deleted and
what it proved is not forgotten. The same run read twice, from its directory and from the page, counts once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

KEPT = 12
"""Runs that a page keeps, the latest ones; controls that were played with them not counted."""

OutcomeWord = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True)
class Look:
    """How a query was in one run under one cause, or in health where `cause` is None, until anybody acted.

    step: its name. runbook: whose Diagnosis step it is; None of a probe, which is a query that stands on no page yet.
    seconds: looked at; held: of them, as expected (None of a probe). low, mid, high: deciles 1, 5 and 9 of the values.
    """

    step: str
    query: str
    cause: str | None
    seconds: int
    held: int | None = None
    low: float | None = None
    mid: float | None = None
    high: float | None = None
    runbook: str | None = None
    expect: str | None = None


@dataclass(frozen=True)
class Rehearsed:
    """What became of one fault that hit the SLO. Durations are seconds from the injection, None where it never was.

    cause: kind and component; fault: with its strength. production: when production's rules would have paged, which is
    known where it was `replayed`. bad: share (0 to 1) of bad events until recovery or healing. credit: whether the
    runbook deserves the recovery; None where no control says. why: the reason, in words.
    """

    cause: str
    fault: str
    lasted: float
    bad: float | None = None
    alert: str | None = None
    detected: float | None = None
    production: float | None = None
    replayed: bool = False
    runbook: str | None = None
    fingerprint: str | None = None
    diagnosed: str | None = None
    mitigations: tuple[str, ...] = ()
    mitigated: float | None = None
    recovered: float | None = None
    outcome: OutcomeWord = "inconclusive"
    credit: bool | None = None
    why: str = ""


@dataclass(frozen=True)
class Action:
    """A step that acted in a rehearsal, as a page may hold it: its kind (`http`, `sh`, `manual`) and its block's text.

    settings: the JSON of its info string, without `step`. why: the prose that the page had for it.
    """

    step: str
    kind: str
    text: str
    settings: dict[str, Any] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True)
class Control:
    """What a control of this run showed of a cause: did the effect stay away? text: without a full stop."""

    control: str
    cause: str
    outcome: OutcomeWord
    text: str


@dataclass(frozen=True)
class RunEvidence:
    """One run. id: of its directory. at: its start, unix seconds. control: which, where it is one of itself.

    plan_print, rules, target_print: fingerprints of what was rehearsed. parts: the target's components, each with what
    may be done to it, as `inventory: process, link`.
    """

    id: str
    at: float
    plan: str
    target: str
    control: str | None = None
    plan_print: str | None = None
    rules: str | None = None
    target_print: str | None = None
    parts: tuple[str, ...] = ()
    rehearsed: tuple[Rehearsed, ...] = ()
    controls: tuple[Control, ...] = ()
    looks: tuple[Look, ...] = ()
    actions: tuple[Action, ...] = ()

    @property
    def same_play(self) -> tuple[str | None, ...]:
        """What a control must have in common with the run that it is a control of."""
        return self.plan_print, self.rules, self.target_print


def merged(runs: Iterable[RunEvidence], kept: int = KEPT) -> tuple[RunEvidence, ...]:
    """Each run once, of two with the same id the latter, in order of time; the latest `kept` of those with faults.

    A run that no control of its own was played with gets its credit by controls that were played apart.
    """
    once = sorted({run.id: run for run in runs}.values(), key=lambda run: (run.at, run.id))
    played = [run for run in once if run.control is None][-kept:]
    plays = {run.same_play for run in played}
    controls = [run for run in once if run.control is not None and (run.same_play in plays or not played)][-kept:]
    controls = [run for run in controls if run.rehearsed or run.controls or run.looks]
    return tuple(sorted([*played, *controls], key=lambda run: (run.at, run.id)))


def credited(row: Rehearsed, run: RunEvidence, runs: Sequence[RunEvidence]) -> tuple[bool | None, str]:
    """The credit of a recovery and why, by the run's own controls, or else by those of the same play."""
    if row.credit is not None or row.recovered is None or not row.mitigations:
        return row.credit, row.why
    apart = [
        shown
        for other in runs
        if other.control is not None and other.same_play == run.same_play and None not in run.same_play
        for shown in other.controls
        if shown.cause == row.cause
    ]
    for shown in apart:
        if shown.outcome == "fail":
            return False, f"{shown.control}: {shown.text}"
    latest = {shown.control: shown for shown in apart}
    for shown in latest.values():
        if shown.outcome == "inconclusive":
            return None, f"{shown.control} can't tell: {shown.text}"
    if "no-runbook" in latest:
        return True, "without it there was no recovery before the fault healed"
    return None, row.why or "no control was played"


def to_line(run: RunEvidence) -> str:
    """A run as one line of JSON that may stand in an HTML comment; what says nothing is left out."""
    data = {**asdict(replace(run, looks=())), "looks": _grouped(run.looks)}
    text = json.dumps(_slim(data), ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("--", "-\\u002d")


def from_line(text: str) -> RunEvidence:
    """The inverse of `to_line`. Raises ValueError when it is something else."""
    try:
        data = json.loads(text)
        parts = {
            "rehearsed": tuple(
                Rehearsed(**{**row, "mitigations": tuple(row.get("mitigations", ()))}) for row in _of(data, "rehearsed")
            ),
            "controls": tuple(Control(**row) for row in _of(data, "controls")),
            "looks": tuple(_apart(_of(data, "looks"))),
            "actions": tuple(Action(**row) for row in _of(data, "actions")),
            "parts": tuple(str(part) for part in data.get("parts", ())),
        }
        return RunEvidence(**{**data, **parts})
    except (TypeError, AttributeError, KeyError) as error:
        raise ValueError(f"is no evidence: {error}") from None


def narrowed(run: RunEvidence, looks: Iterable[Look], actions: Iterable[Action]) -> RunEvidence:
    """The run with no more than a page needs of it."""
    return replace(run, looks=tuple(looks), actions=tuple(actions))


def _grouped(looks: Iterable[Look]) -> list[dict[str, Any]]:
    """Looks with what is the same for all conditions said once."""
    found: dict[tuple[str, str, str | None, str | None], list[list[Any]]] = {}
    for look in looks:
        row = [look.cause, look.seconds, look.held, look.low, look.mid, look.high]
        found.setdefault((look.step, look.query, look.expect, look.runbook), []).append(row)
    return [
        {"step": step, "query": query, "expect": expect, "runbook": runbook, "under": rows}
        for (step, query, expect, runbook), rows in found.items()
    ]


def _apart(groups: Iterable[dict[str, Any]]) -> Iterator[Look]:
    for group in groups:
        for cause, seconds, held, low, mid, high in group["under"]:
            about = group.get("runbook"), group.get("expect")
            yield Look(group["step"], group["query"], cause, seconds, held, low, mid, high, *about)


def _of(data: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    rows = data.get(name, [])
    if not isinstance(rows, list):
        raise TypeError(f"{name} is no list")
    return rows


def _slim(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _slim(item) for key, item in value.items() if item not in (None, (), [], {}, "")}
    return [_slim(item) for item in value] if isinstance(value, list | tuple) else value
