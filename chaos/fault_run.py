"""Fault run: one fault by hand, from the words of a command line; `flashcrowd chaos inject` in code."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from chaos.fault import Fault
from chaos.faults import parse_fault
from chaos.gauge import FaultGauge
from chaos.injector import Injected, Injector
from chaos.progress import Progress
from chaos.undolog import UndoLog
from flashcrowd.errors import InputError
from flashcrowd.guard import Guard
from flashcrowd.target import read_target

SENTENCES = {
    "recovered": "healed what an earlier run had left behind: {message}",
    "armed": "armed: {message}",
    "injected": "injected {message}",
    "bites": "it bites: {message}",
    "did_not_bite": "it does not bite: {message}",
    "rearmed": "{message}",
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
        given[name] = _value(name, value)
    try:
        return parse_fault(given)
    except InputError as error:
        raise InputError("\n".join(map(_by_option, str(error).splitlines()))) from None


def _value(name: str, text: str) -> object:
    """What a parameter's words mean: themselves, or a list or mapping if they begin like one."""
    if not text.startswith(("[", "{")):
        return text
    try:
        return YAML(typ="safe").load(text)
    except YAMLError as error:
        raise InputError(f"--set {name}: '{text}' is neither a list nor a mapping: {error}".splitlines()[0]) from None


def _by_option(line: str) -> str:
    """A fault of a field, told of the option that gave it."""
    field, _, message = line.partition(": ")
    options = {"kind": "KIND", "on": "--on", "for": "--for"}
    message = "is missing" if message == "Field required" else message
    return f"{options.get(field, f'--set {field}')}: {message}" if message else line


async def inject(fault: Fault, target_file: Path, allow_production: str | None, progress: Progress) -> bool:
    """Inject the fault, hold it for its time, heal it; whether it was seen to bite. Cancellation heals it.

    Raises:
        InputError, GuardError: nothing was touched. NeedError: something it needs isn't there.
        UnhealedError: it is still in place; says how to heal it by hand.
    """
    target = read_target(target_file)
    guard = Guard.of(target, allow_production)

    gauge = FaultGauge([fault])

    def on_event(kind: str, data: dict[str, Any]) -> None:
        gauge.event(kind, data)
        if (sentence := SENTENCES.get(kind)) is not None:
            progress.line(sentence.format(**data))

    injector = Injector(target.spec.components, guard, UndoLog.default(), on_event)
    with gauge.served(target.faults_port, progress.line):
        return await _inject(fault, injector, progress)


async def _inject(fault: Fault, unarmed: Injector, progress: Progress) -> bool:
    async with unarmed as injector:
        active = await injector.inject(fault)
        await _hold(active, progress)
        await active.heal()
        return active.bite.ok


async def _hold(active: Injected, progress: Progress) -> None:
    name = f"{active.fault.kind} on {active.fault.on}"
    try:
        while (left := active.left) > 0:
            progress.holding(name, left)
            await asyncio.sleep(min(left, 1.0))
    except asyncio.CancelledError:
        progress.line(f"stopping: healing {name}")
        raise
