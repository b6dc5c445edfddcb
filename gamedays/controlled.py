"""Controlled: a game day, then each control of its plan, then what they show together.

    main run ──► controls/no-fault ──► controls/no-runbook ──► … ──► main run judged again, with its controls

Each is a game day of its own, with a run directory inside that of the main run. Where something is still broken or
still mitigated, no further one begins: it would not meet the same platform.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from flashcrowd.errors import ExitCode, FlashcrowdError, InputError
from flashcrowd.units import about
from gamedays import gameday
from gamedays.embedded import POLICY
from gamedays.gameday import Ended, Screen
from gamedays.judging.controls import Wanted
from gamedays.planning import wrongbook
from gamedays.planning.checks import CONTROLS, Prepared
from gamedays.planning.nofault import shortened
from gamedays.report.sentences import left_in_place
from gamedays.story.story import CONTROLS as FOLDER
from monitors import windows

Display = Callable[[Prepared], AbstractContextManager[Screen]]
"""Who shows a run while it goes on."""

Tell = Callable[[str], None]
"""Told what comes next."""


def check(prepared: Prepared) -> None:
    """Whether the plan's controls can be played. Raises InputError when it has none, or one of them can't."""
    if prepared.control is not None:
        raise InputError("--with-controls plays all of the plan's controls, --control only one; give one of the two")
    if not prepared.plan.spec.controls:
        names = ", ".join(CONTROLS)
        raise InputError(f"{prepared.plan.name} has no controls to play; add to its spec, controls: [{names}]")
    if "wrong-runbook" in prepared.plan.spec.controls:
        wrongbook.check(prepared.plan, prepared.slos)


async def play(prepared: Prepared, out: Path, display: Display, tell: Tell) -> Ended:
    """Play a plan and its controls; the main run, judged with them.

    Raises:
        NeedError: the main run could not be started.
    """
    main = await _play(prepared, out, display)
    names = tuple(prepared.plan.spec.controls)
    ended, why_not = main, _why_not(main, "the game day")
    if main.story.aborted is not None:
        why_not = why_not or "the game day was aborted"
    for number, name in enumerate(names, 1):
        Wanted(names, why_not).save(main.run)
        if why_not is not None:
            break
        control = _prepared(prepared, name)
        tell(f"control {number} of {len(names)}: {name}, {about(control.plan.duration)}")
        try:
            ended = await _play(control, main.run.path / FOLDER, display)
            why_not = _why_not(ended, name)
        except FlashcrowdError as error:
            why_not = f"{name}: {error}"
    Wanted(names, why_not).save(main.run)
    whole = replace(gameday.judge(main.run.path), interrupted=ended.interrupted)
    gameday.write_reports(whole)
    return whole


async def _play(prepared: Prepared, out: Path, display: Display) -> Ended:
    with display(prepared) as screen:
        return await gameday.play(prepared, out, screen)


def _prepared(prepared: Prepared, name: str) -> Prepared:
    control = next(known for known in CONTROLS if known == name)
    plan = shortened(prepared.plan, windows.find(POLICY)) if control == "no-fault" else prepared.plan
    return replace(prepared, control=control, plan=plan)


def _why_not(ended: Ended, name: str) -> str | None:
    """Why nothing can be played after this run; None when it can. A control that was aborted keeps no other one."""
    if ended.interrupted:
        return f"{name} was interrupted"
    if ended.exit_code is ExitCode.UNHEALED:
        return f"{name} left a fault in place"
    if (left := left_in_place(ended.story)) is not None:
        return f"after {name} {left}"
    return None
