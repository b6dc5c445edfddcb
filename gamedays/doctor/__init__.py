"""Doctor: tries each part of a target once, and says what to mend; `flashcrowd doctor` in code.

It orders nothing, breaks nothing, and changes nothing: one comment is said, and all else is questions. Each part has
its time limits; one that fails hides none of the others.
"""

from __future__ import annotations

import asyncio
import json
import textwrap
from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from pathlib import Path

from flashcrowd.errors import ExitCode
from flashcrowd.guard import Guard
from flashcrowd.mark import UNNAMED
from flashcrowd.masking import of_process as masking
from flashcrowd.target import Target, read_target
from gamedays.doctor import chat, machine, rest, shop, watching
from gamedays.doctor.row import Part, Row
from loadtests.identities import Identity, IdentityPool, count
from loadtests.variables import Variables

WIDTH = 80
LONGEST = 40.0
"""Seconds for everything about one part; each step has a shorter limit of its own."""


@dataclass(frozen=True)
class Examination:
    """All that was seen."""

    parts: list[Part]

    @property
    def to_mend(self) -> list[Row]:
        return [row for part in self.parts for row in part.rows if row.mend is not None]

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.NEED if self.to_mend else ExitCode.PASS


async def examine(
    file: Path | None, viewers: int | None = None, room: str = "main", allow_production: str | None = None
) -> Examination:
    """Look at this machine, and at the target of a file. viewers: that are planned.

    Raises:
        DocumentError: the file is wrong. GuardError: it may not be touched; nothing was asked.
    """
    if file is None:
        return Examination([machine.look(None, viewers)])
    target = read_target(file)
    guard = Guard.of(target, allow_production)
    if viewers is not None:
        guard.check_viewers(viewers)
    parts = [machine.look(target, viewers), *await _parts(target, guard, room)]
    return Examination([part for part in parts if part.rows])


async def _parts(target: Target, guard: Guard, room: str) -> list[Part]:
    variables = Variables.of_target(UNNAMED, target.spec)
    people = _people(target)
    spoken = await _within(chat.look(target, guard, variables, people, room))  # alone: its times are told
    platform = (
        shop.look(target, guard, variables, people[0]),
        rest.stream(target, guard, variables, people[0], room),
        rest.listening(target, guard),
        rest.faults(target, guard),
    )
    watchers = {"prometheus": watching.prometheus, "alertmanager": watching.alertmanager, "grafana": watching.grafana}
    looks = *platform, *(look(target, guard) for look in watchers.values())
    rows = await asyncio.gather(*map(_within, looks))
    of_target = [*spoken, *(row for found in rows[: len(platform)] for row in found)]
    of_watchers = zip(watchers, rows[len(platform) :], strict=True)
    return [Part(f"target {target.name}", of_target), *(Part(name, found) for name, found in of_watchers)]


async def _within(looking: Awaitable[list[Row]]) -> list[Row]:
    """A part's rows; whatever goes wrong with one part is told, and the others go on."""
    try:
        async with asyncio.timeout(LONGEST):
            return await looking
    except TimeoutError:
        return [Row("", f"was not done within {LONGEST:g} s", "look at the network, and at the platform's own metrics")]


def _people(target: Target) -> list[Identity]:
    """Two of the target's identities, or one twice where there is one alone."""
    pool = IdentityPool(target.spec.identities)
    return [pool.take() for _ in range(min(2, count(target.spec.identities)))]


def text(examination: Examination) -> str:
    """For people: a part a paragraph, what to mend after an arrow; 80 columns."""
    lines = list[str]()
    for part in examination.parts:
        wide = max((len(row.name) for row in part.rows), default=0)
        for place, row in enumerate(part.rows):
            head = f"{part.name if place == 0 else '':<17}"[:17].ljust(17)
            if len(part.name) > 16 and place == 0:
                lines.append(part.name)
                head = " " * 17
            name = f"{row.name:<{wide + 2}}" if wide else ""
            lines += _wrapped(head + name, row.says)
            lines += _wrapped(" " * len(head + name) + "→ ", row.mend) if row.mend is not None else []
    number = len(examination.to_mend)
    lines.append("nothing to mend" if not number else f"{number} {'thing' if number == 1 else 'things'} to mend")
    return masking()("\n".join(lines))


def as_json(examination: Examination) -> str:
    """For machines: parts, their rows, and how many are to be mended."""
    parts = [{"part": part.name, "rows": [asdict(row) for row in part.rows]} for part in examination.parts]
    document = {"to_mend": len(examination.to_mend), "parts": masking().within(parts)}
    return json.dumps(document, indent=2, ensure_ascii=False)


def _wrapped(head: str, words: str) -> list[str]:
    rest_of_it = " " * len(head)
    return [
        line
        for number, paragraph in enumerate(words.splitlines())
        for line in textwrap.wrap(
            paragraph,
            WIDTH,
            initial_indent=head if number == 0 else rest_of_it,
            subsequent_indent=rest_of_it,
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]
