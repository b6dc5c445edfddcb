"""Rehearsals: the tables of a page: what was rehearsed, what each step said under each cause, and how it looked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from runbooks.evidence import Rehearsed, RunEvidence, narrowed, to_line
from runbooks.generated import parts
from runbooks.generated.causes import Cell, Key, Step, cells_of, same
from runbooks.generated.parts import Material
from runbooks.generated.words import after, code, figure, percent, said, table
from runbooks.markers import EVIDENCE

MOST_MOVES = 8
"""Rows of how it looked under one cause, the strongest first."""

TELLING = 2.0
"""A typical value is told of when it is this many times what it is in health, or a share of it."""


def rehearsals(material: Material, with_order: bool) -> str:
    """The whole part. with_order: the way to the cause stands nowhere else on the page."""
    if not material.runs:
        return "Never rehearsed: nobody has tried this page against a real fault.\n"
    told = [_table(material), _controls(material), _steps(material, with_order), _moves(material), _coverage(material)]
    kept = "".join(f"{EVIDENCE}{to_line(run)} -->\n" for run in kept_by(material))
    return "\n".join([*(text for text in told if text), kept])


def kept_by(material: Material) -> Iterator[RunEvidence]:
    """The runs as the page keeps them: what it says can be said again from them, and no more."""
    steps = {(step.name, same(step.query)) for step in material.causes.steps}
    moved = [(run.id, key[0], cause) for run, key, cause, _ in _moved(material)]
    telling = {(run, step, under) for run, step, cause in moved for under in (cause, None)}
    latest = {action.step: run.id for run in material.runs for action in run.actions}
    used = _used(material)
    for run in material.runs:
        looks = [
            look
            for look in run.looks
            if (look.step, same(look.query)) in steps or (run.id, look.step, look.cause) in telling
        ]
        actions = [action for action in run.actions if action.step in used and latest[action.step] == run.id]
        yield narrowed(run, looks, actions)


def _used(material: Material) -> set[str]:
    """The actions that stand on the page."""
    done = [
        material.actions[name] for fix in material.fixes for name in fix.row.mitigations if name in material.actions
    ]
    return {action.step for action in done} | {str(action.settings.get("undo")) for action in done}


def _table(material: Material) -> str:
    if not material.rows:
        return "No rehearsal of a fault that hits this objective is on record.\n"
    head = ("date", "plan", "fault", "noticed live", "in production", "mitigated", "recovered", "verdict", "credit")
    return table(head, [_row(material, run, row) for run, row in reversed(material.rows)]) + _legend(material)


def _row(material: Material, run: RunEvidence, row: Rehearsed) -> list[str]:
    date = datetime.fromtimestamp(run.at, UTC).strftime("%Y-%m-%d %H:%M")
    credit, _ = material.credit(run, row)
    production = "never" if row.replayed and row.production is None else after(row.production, "not asked")
    return [
        date,
        said(run.plan),
        said(row.fault),
        after(row.detected, "no page"),
        production,
        after(row.mitigated, "nothing done"),
        after(row.recovered, "not recovered"),
        row.outcome,
        {True: "yes", False: "no", None: "not proved"}[credit],
    ]


def _legend(material: Material) -> str:
    reasons = dict.fromkeys(
        f"{said(row.cause)}: {said(why)}" for run, row in material.rows for _, why in [material.credit(run, row)] if why
    )
    text = "\nTimes count from the injection. Credit says whether a control proves that the runbook helped"
    return text + (f": {'; '.join(reasons)}.\n" if reasons else ".\n")


def _controls(material: Material) -> str:
    shown = {
        (
            control.control,
            control.cause,
        ): f"- {control.control}, {said(control.cause)}: {said(control.text)} ({control.outcome})\n"
        for run in material.runs
        for control in run.controls
    }
    return "Controls:\n\n" + "".join(shown.values()) if shown else ""


def _steps(material: Material, with_order: bool) -> str:
    """What each step said under each condition, and what that is good for."""
    causes = material.causes
    if not causes.steps or not causes.conditions:
        return ""
    seen: tuple[str | None, ...] = (None, *causes.conditions)
    head = ["step", "in health", *(said(cause) for cause in causes.conditions)]
    text = "What each diagnosis step said until anybody acted, and for what share of the time:\n\n"
    text += table(head, [[code(step.name), *(_said(material, step, cause) for cause in seen)] for step in causes.steps])
    if with_order:
        text += "\nThe order that finds the cause with the fewest steps:\n\n" + parts.order(material)
    weak = "".join(f"- {code(step)} {said(why)}\n" for step, why in causes.weak)
    return text + (f"\nSteps that don't tell causes apart:\n\n{weak}" if weak else "")


def _said(material: Material, step: Step, cause: str | None) -> str:
    key: Key = (step.name, same(step.query), step.expect)
    cell = material.causes.cells.get((key, cause))
    if cell is not None and cell.share is not None:
        answer = step.test.healthy if cause is None else step.test.says(cause)
        return f"{answer.value} ({percent(cell.share)})"
    return (step.test.healthy if cause is None else step.test.says(cause)).value


def _moves(material: Material) -> str:
    rows = [
        [said(cause), _name(key), _range(health), _range(cell)] for _, key, cause, (health, cell) in _moved(material)
    ]
    if not rows:
        return ""
    return "How it looked, in typical values:\n\n" + table(("cause", "query", "in health", "under the fault"), rows)


def _name(key: Key) -> str:
    """A query's name; what only the crowd measures is none that one could ask in production."""
    return f"{said(key[0])} (the crowd's)" if "flashcrowd_" in key[1] else code(key[0])


def _moved(material: Material) -> list[tuple[RunEvidence, Key, str, tuple[Cell, Cell]]]:
    """The queries that moved under each cause, the strongest first, in the run that saw most of it."""
    found = list[tuple[RunEvidence, Key, str, tuple[Cell, Cell]]]()
    for cause in material.causes.known:
        run = max(material.runs, key=lambda run: sum(look.seconds for look in run.looks if look.cause == cause))
        cells = cells_of(run.looks)
        moved = [
            (_strength(cells[key, None], cell), key, (cells[key, None], cell))
            for (key, under), cell in cells.items()
            if under == cause and (key, None) in cells and _apart(cells[key, None], cell)
        ]
        moved.sort(key=lambda row: (-row[0], row[1][2] is None, row[1][0]))
        once = {key[1]: (run, key, cause, pair) for _, key, pair in reversed(moved)}
        found += sorted(once.values(), key=lambda row: [key for _, key, _ in moved].index(row[1]))[:MOST_MOVES]
    return found


def _apart(health: Cell, cell: Cell) -> bool:
    """Whether the values don't overlap, and the typical ones differ by much."""
    if None in (health.low, health.high, cell.low, cell.high) or _strength(health, cell) < TELLING:
        return False
    return (cell.low or 0) > (health.high or 0) or (cell.high or 0) < (health.low or 0)


def _strength(health: Cell, cell: Cell) -> float:
    if health.mid is None or cell.mid is None:
        return 0.0
    small, large = sorted([abs(health.mid), abs(cell.mid)])
    return 1.0 if large == 0 else 1e6 if small == 0 else large / small


def _range(cell: Cell) -> str:
    if cell.low is None or cell.high is None or figure(cell.low) == figure(cell.high):
        return figure(cell.mid)
    return f"{figure(cell.mid)} ({figure(cell.low)} to {figure(cell.high)})"


def _coverage(material: Material) -> str:
    idle = parts.unbroken(material)
    return f"Never broken in a rehearsal: {', '.join(code(name) for name in idle)}.\n" if idle else ""
