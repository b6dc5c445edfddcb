"""Terminal: an interactive run, one step at a time: what it will do, why, and what came of it.

Its `on_event` and `approve` are handed to the Executor. Questions are asked on a terminal alone: where there is
none, or it ends, the answer is "abort", unless the user said `--yes` beforehand.
"""

from __future__ import annotations

import asyncio
import os
import textwrap
from collections.abc import Mapping
from typing import Any, TextIO

from runbooks.execution import Decision, State
from runbooks.model import Heading, ManualStep, PromqlStep, Runbook, Step
from runbooks.page import WIDTH, printable, prose, rehearsed

ANSWERS = {"y": Decision.YES, "yes": Decision.YES, "s": Decision.SKIP, "skip": Decision.SKIP}
ANSWERS |= {"a": Decision.ABORT, "abort": Decision.ABORT}


class Terminal:
    """What a person sees and says.

    keyboard: the descriptor to read answers from, None when there is no terminal. yes: go on without asking.
    """

    def __init__(self, runbook: Runbook, out: TextIO, keyboard: int | None, yes: bool = False) -> None:
        self._runbook, self._out, self._yes = runbook, out, yes
        self._lines = _Lines(keyboard) if keyboard is not None and os.isatty(keyboard) else None
        self._shown = ""

    def on_event(self, kind: str, data: dict[str, Any]) -> None:
        """Show one line of the audit."""
        step = self._runbook.step(data["step"]) if "step" in data else None
        if step is not None:
            self._on_step(kind, step, data)
        elif kind == "begin":
            self._begin(data["labels"], data["execute"])
        elif kind == "rollback" and data["in_place"]:
            self._print(f"Rollback: {data['reason']}")
        elif kind == "interrupted":
            self._interrupted(data["in_place"])
        elif kind == "finish":
            outcome = data["outcome"].replace("_", " ")
            self._print("", *textwrap.wrap(f"{outcome}: {data['message']}", WIDTH, subsequent_indent="  "))

    async def approve(self, step: Step) -> Decision:
        """Ask the person about a step that was just shown."""
        if self._yes:
            if isinstance(step, ManualStep):
                self._print("  only a person can do it, and --yes asks nobody")
                return Decision.SKIP
            return Decision.YES
        if self._lines is None:
            self._print("  there is no terminal to ask on, so this run ends here; add --yes to go on without asking")
            return Decision.ABORT
        return await self._ask(step, self._lines)

    async def _ask(self, step: Step, lines: _Lines) -> Decision:
        question = "Done?" if isinstance(step, ManualStep) else "Do it?"
        while True:
            self._out.write(f"  {question} [y]es  [s]kip  [a]bort and undo  [?] why ")
            self._out.flush()
            answer = await lines.next()
            if answer is None:
                self._print("", "  the input ended, so this run ends here and what it did is taken back")
                return Decision.ABORT
            if decision := ANSWERS.get(answer.strip().lower()):
                return decision
            self._print(*(self._why(step) if answer.strip() == "?" else ["  answer y, s, a or ?, and Enter"]))

    def _why(self, step: Step) -> list[str]:
        lines = prose(step.why) or ["  the page gives no reason"]
        if step.undo:
            lines += ["  To take it back:", *prose(self._runbook.step(step.undo).why)]
        return lines

    def _begin(self, labels: Mapping[str, str], execute: bool) -> None:
        page = [f"paged by {labels['alertname']}"] if "alertname" in labels else []
        mode = [] if execute else ["dry run: nothing is changed"]
        head = " · ".join([self._runbook.name, *page, *mode, rehearsed(self._runbook.front.rehearsed)])
        self._print(*textwrap.wrap(head, WIDTH, subsequent_indent="  ", break_on_hyphens=False))

    def _on_step(self, kind: str, step: Step, data: dict[str, Any]) -> None:
        if kind in ("ask", "start", "planned", "skipped") and self._shown != step.name:
            self._show(step, data["what"])
        if kind == "start" and data["number"] > 1:
            self._print(f"  try {data['number']} of {step.retries + 1}")
        elif kind == "end":
            self._end(step, data)
        elif kind == "planned":
            self._print(f"  not done: {data['message'] or 'a dry run'}")
        elif kind == "skipped":
            self._print(f"  skipped: {data['message']}")

    def _show(self, step: Step, what: str) -> None:
        """The step's place, its reason in short and what it will do."""
        self._shown = step.name
        steps = self._runbook.steps(step.section)
        head = f"{step.section} {steps.index(step) + 1} of {len(steps)} · {step.name}"
        changes = "changes the platform" if step.acts else ""
        self._print("", f"{head}{changes:>{max(WIDTH - len(head), len(changes) + 2)}}" if changes else head)
        self._print(*prose(step.why.split("\n\n")[-1]) if step.section is not Heading.ROLLBACK else [])
        self._print(*(f"  {line}" for line in what.split("\n")))
        if step.undo:
            self._print(f"  undo: {step.undo}")

    def _end(self, step: Step, data: dict[str, Any]) -> None:
        state = State(data["state"])
        if isinstance(step, PromqlStep) and state in (State.MATCHED, State.NOT_MATCHED):
            words = f'yes: matches "{step.name.replace("-", " ")}"' if state is State.MATCHED else "no"
            values = data["message"].rpartition(", expected")[0]
            self._print(f"  = {values}   expected {data['expected']}   {words}")
        elif isinstance(step, PromqlStep):
            self._print(*textwrap.wrap(f"{_word(state)}{data['message']}", WIDTH, initial_indent="  = "))
        else:
            self._print(f"  {_word(state) or 'done: '}{data['message']} ({data['seconds']:.1f} s)")
            shown = data["output"].strip().split("\n")[-3:] if state is State.FAILED else []
            self._print(*(f"    {line}" for line in shown))

    def _interrupted(self, in_place: Mapping[str, str | None]) -> None:
        self._print("", "interrupted; nothing was taken back")
        for name, undo in in_place.items():
            self._print(f"  still in place: {name}" + (f"; undo it with the step {undo}" if undo else ""))

    def _print(self, *lines: str) -> None:
        for line in lines:
            self._out.write(printable(line) + "\n")
        self._out.flush()


def _word(state: State) -> str:
    return "FAILED: " if state is State.FAILED else ""


class _Lines:
    """Lines from a descriptor, without a thread: one that waits for a key could not be ended by Ctrl-C."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._rest = descriptor, b""

    async def next(self) -> str | None:
        """The next line, or None at the end of the input."""
        while b"\n" not in self._rest:
            chunk = await self._read()
            if not chunk:
                return None
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode("utf-8", errors="replace")

    async def _read(self) -> bytes:
        loop, readable = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._descriptor, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self._descriptor)
        try:
            return os.read(self._descriptor, 4096)
        except OSError:  # the terminal is gone
            return b""
