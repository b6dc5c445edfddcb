"""Fault run: one fault by hand, from the words of a command line; `flashcrowd chaos inject` in code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from chaos.fault import Fault
from chaos.faults import parse_fault
from chaos.injector import Injector
from chaos.undolog import UndoLog
from flashcrowd.errors import InputError
from flashcrowd.guard import Guard
from flashcrowd.target import read_target

SENTENCES = {
    "armed": "armed: {message}",
    "injected": "injected {message}",
    "bites": "it bites: {message}",
    "did_not_bite": "it does not bite: {message}",
    "healed": "healed, checked: {message}",
    "heal_failed": "NOT HEALED: {message}",
}


def fault(kind: str, on: str, duration: str, parameters: Sequence[str]) -> Fault:
    """The fault that `KIND --on COMPONENT --for D --set NAME=VALUE` stands for. Raises InputError."""
    given: dict[str, Any] = {"kind": kind, "on": on, "for": duration}
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if not (name and equals):
            raise InputError(f"--set: '{parameter}' is not NAME=VALUE, as delay=800ms")
        if name in given:
            raise InputError(f"--set: {name} is given already; each is given once, and kind, on and for by themselves")
        given[name] = value
    try:
        return parse_fault(given)
    except InputError as error:
        raise InputError("\n".join(map(_by_option, str(error).splitlines()))) from None


def _by_option(line: str) -> str:
    """A fault of a field, told of the option that gave it."""
    field, _, message = line.partition(": ")
    options = {"kind": "KIND", "on": "--on", "for": "--for"}
    message = "is missing" if message == "Field required" else message
    return f"{options.get(field, f'--set {field}')}: {message}" if message else line


async def inject(fault: Fault, target_file: Path, allow_production: str | None, tell: Callable[[str], None]) -> bool:
    """Inject the fault, hold it for its time, heal it; whether it was seen to bite. Cancellation heals it.

    Raises:
        InputError, GuardError: nothing was touched. NeedError: something it needs isn't there.
        UnhealedError: it is still in place; says how to heal it by hand.
    """
    target = read_target(target_file)
    guard = Guard.of(target, allow_production)

    def on_event(kind: str, data: dict[str, Any]) -> None:
        if (sentence := SENTENCES.get(kind)) is not None:
            tell(sentence.format(**data))

    async with Injector(target.spec.components, guard, UndoLog.default(), on_event) as injector:
        active = await injector.inject(fault)
        await active.hold()
        await active.heal()
        return active.bite.ok
