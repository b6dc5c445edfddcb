"""Words: a coverage in short texts, the same for a terminal and for a wiki."""

from __future__ import annotations

from collections.abc import Iterator

from flashcrowd.units import about
from gamedays.coverage.cell import Cell
from gamedays.coverage.coverage import Coverage
from gamedays.coverage.fresh import ago, day
from gamedays.coverage.hole import Gap, Hole, Risk
from gamedays.coverage.row import Row, severity
from monitors.figures import exact_percent

HEAD = ("last", "times", "page", "back", "credit")
NOTE = (
    "last: the last rehearsal, which counts; times: how often. page: the alert fired, and back: the SLO held its "
    "objective again, fault still on, both counted from the injection. credit: controls show that the runbook did it."
)
CREDIT = {True: "yes", False: "no", None: "unknown"}
STATES = {
    Gap.WRONG: "went wrong",
    Gap.NEVER: "not followed",
    Gap.UNPROVED: "not proved",
    Gap.OLD: "out of date",
}


def rehearsed(found: Coverage) -> str:
    """As `3 game days, the last 2 days ago, and 5 controls`."""
    if not found.played:
        return "no game day has been played yet"
    games = _count(len(found.played), "game day")
    last = ago(found.played[-1].start, found.now)
    told = [f"{games}, {last}" if len(found.played) == 1 else f"{games}, the last {last}"]
    if found.broken_off:
        told.append(f"{found.broken_off} of them broken off, which {'count' if found.broken_off > 1 else 'counts'} for "
                    "what was seen only")  # fmt: skip
    return ", ".join(told) + (f"; {_count(found.controls, 'control')}" if found.controls else "")


def figures(cell: Cell) -> tuple[str, str, str, str, str]:
    """As HEAD says."""
    page, back, _ = reached(cell.latest)
    credit = "-" if cell.latest.severity != "page" else CREDIT[cell.proof.credit]
    return day(cell.latest.at), str(len(cell.rehearsals)), page, back, credit


def reached(row: Row) -> tuple[str, str, str]:
    """When it paged, when the SLO was back, and whose the credit is."""
    if row.slo is None:
        return "-", "-", "-"
    if row.severity == "ticket":
        return "ticket", "-", "-"
    page = about(row.detected) if row.detected is not None else "silenced" if row.silenced else "no"
    back = about(row.recovered) if row.recovered is not None else "no"
    return page, back, CREDIT[row.credit]


def way(row: Row) -> str:
    """As `order-latency → OrderLatencyBurn → order-latency`: SLO, alert, runbook by its annotation."""
    if row.slo is None:
        return "hit no SLO, and none was expected"
    runbook = row.runbook or "no runbook"
    followed = "" if row.followed == row.runbook else " (not followed)"
    if row.followed is not None and followed:
        followed = f" ({row.followed} was followed)"
    return f"{row.slo} → {row.alert or 'no alert'} → {runbook}{followed if row.fired else ''}"


def state(found: Coverage, cell: Cell) -> str:
    """What has become of a cell in two words."""
    if cell.slo is None:
        return "no hit"
    hole = found.missing(cell)
    if hole is not None:
        return "broken off" if not cell.latest.complete else STATES[hole.gap]
    return "hit" if cell.latest.severity == "ticket" else "proved" if cell.proof.credit else "held"


def totals(found: Coverage) -> Iterator[tuple[str, str]]:
    """How many of each there are were seen, and the names of those that never were."""
    subject, hit = found.subject, {cell.slo for cell in found.cells}
    pages = {slo.name: slo.alerting.name for slo in subject.slos if severity(slo) == "page"}
    yield "SLOs", _of([slo.name for slo in subject.slos], {*hit}, "hit by a fault")
    yield (
        "Alerts",
        _of(list(pages.values()), {pages[name] for name in found.seen.fired if name in pages}, "seen firing"),
    )
    yield "Runbooks", _of([page.name for page in subject.pages], set(found.seen.followed), "followed")
    yield "Components", _of(list(subject.components), set(found.seen.broken), "broken")
    works = {(part, kind.name) for part, kinds in subject.kinds.items() for kind in kinds}
    tried = {(part, kind) for part, kinds in found.seen.broken.items() for kind in kinds} & works
    yield "Kinds", f"{len(tried)} of {len(works)} ways to break a component that would work were tried"


def fact(hole: Hole) -> str:
    """A hole in a sentence."""
    whose = f"{hole.name}: " if hole.kind == "fault" else ""
    wanted = f" ({hole.severity}, {exact_percent(hole.objective / 100)})" if hole.objective is not None else ""
    return f"{whose}{hole.text}{wanted}"


def counted(found: Coverage) -> str:
    """As `2 high, 1 medium, 4 low`."""
    return ", ".join(f"{found.of(risk)} {risk}" for risk in Risk if found.of(risk)) or "none"


def _of(names: list[str], seen: set[str | None] | set[str], word: str) -> str:
    never = [name for name in names if name not in seen]
    return f"{len(names) - len(never)} of {len(names)} {word}" + (f"; never: {', '.join(never)}" if never else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
