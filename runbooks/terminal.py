"""Terminal: an interactive run, one step at a time: what it will do, why, and what came of it.

Its `on_event`, `on_progress`, `approve` and `again` are handed to the Executor. Questions are asked on a terminal
alone: where there is none, or it ends, the answer is "abort", unless the user said `--yes` beforehand.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping
from typing import Any, TextIO, TypeVar

from flashcrowd.units import format_duration
from runbooks.choice import WAYS, Way, account
from runbooks.execution import Decision, State
from runbooks.keyboard import Keyboard
from runbooks.live_line import LiveLine
from runbooks.model import Heading, HttpStep, ManualStep, PromqlStep, Runbook, ShStep, Step, WaitStep
from runbooks.page import WIDTH, printable, prose, rehearsed
from runbooks.records import Record

T = TypeVar("T")

ANSWERS = {"y": Decision.YES, "n": Decision.SKIP, "s": Decision.SKIP, "a": Decision.ABORT}
AGAIN = {"y": Decision.YES, "d": Decision.SKIP, "a": Decision.ABORT}
CHOICES = "[y]es  [n]o or [s]kip  [a]bort and undo  [?] why"
ABOUT_CHOICES = [
    "  y does it. n and s both leave this step out and go on with the next one.",
    "  a stops here and takes back what was done, the last step first.",
]


class Terminal:
    """What a person sees and says.

    keyboard: the descriptor to read answers from, None when there is no terminal. yes: go on without asking.
    """

    def __init__(self, runbook: Runbook, out: TextIO, keyboard: int | None, yes: bool = False) -> None:
        self._runbook, self._out, self._yes = runbook, out, yes
        self._keyboard = Keyboard(keyboard) if keyboard is not None and os.isatty(keyboard) else None
        self._shown, self._live = "", LiveLine(out)

    @property
    def can_ask(self) -> bool:
        """Whether there is somebody to answer."""
        return self._keyboard is not None

    def on_event(self, kind: str, data: dict[str, Any]) -> None:
        """Show one line of the audit."""
        step = self._runbook.step(data["step"]) if "step" in data else None
        if step is not None:
            self._on_step(kind, step, data)
        elif kind == "begin":
            self._begin(data["labels"], data["execute"])
        elif kind == "resume":
            self._resume(data)
        elif kind == "rollback" and data["in_place"]:
            self._print("", f"Rollback: {data['reason']}")
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
        if self._keyboard is None:
            self._print("  there is no terminal to ask on, so this run ends here; add --yes to go on without asking")
            return Decision.ABORT
        question = "Done?" if isinstance(step, ManualStep) else "Do it?"
        return await self._ask(f"  {question} {CHOICES} ", ANSWERS, self._why(step)) or self._end_of_input()

    async def again(self, step: Step) -> Decision:
        """Ask about a step that an earlier start left under way."""
        self._print(f"  Nobody knows how far {step.name} came: the earlier run ended in the middle of it.")
        question = "  Do it again? [y]es  [d]one, go on  [a]bort and undo  [?] why "
        why = [*self._why(step, []), "  Look at the platform whether it is done, before you answer."]
        return await self._ask(question, AGAIN, why) or self._end_of_input()

    async def choose(self, record: Record) -> Way:
        """Say what was done in a run that was cut off, and ask what to do with it."""
        self._print(*account(record), "")
        why = [f"  {letter} {words}" for letter, (_, words) in WAYS.items()]
        answers = {letter: way for letter, (way, _) in WAYS.items()}
        question = "  What now? [r]esume  roll [b]ack  [n]ew run  [q]uit  [?] "
        return await self._ask(question, answers, why) or Way.QUIT

    def say(self, *lines: str) -> None:
        """Plain words, wrapped."""
        self._print(*(part for line in lines for part in textwrap.wrap(line, WIDTH, break_on_hyphens=False)))

    def on_progress(self, step: Step, words: str) -> None:
        """Show how far something awaited has come."""
        self._live.show(f"  {printable(words)}")

    async def _ask(self, question: str, answers: Mapping[str, T], why: list[str]) -> T | None:
        """The answer, told by its first letter; None when the input ends. `?` shows why."""
        assert self._keyboard is not None
        known = f"  answer {', '.join(answers)} or ?, and Enter"
        while True:
            self._live.clear()
            self._out.write(question)
            self._out.flush()
            answer = await self._keyboard.line()
            if answer is None:
                return None
            word = answer.strip().lower()
            if word[:1] in answers and (len(word) == 1 or word in WORDS):
                return answers[word[:1]]
            self._print(*(why if word == "?" else [known]))

    def _end_of_input(self) -> Decision:
        self._print("", "  the input ended, so this run ends here and what it did is taken back")
        return Decision.ABORT

    def _why(self, step: Step, choices: list[str] = ABOUT_CHOICES) -> list[str]:
        lines = prose(step.why) or ["  the page gives no reason"]
        if step.undo:
            lines += ["  To take it back:", *prose(self._runbook.step(step.undo).why)]
        return [*lines, *choices]

    def _resume(self, data: Mapping[str, Any]) -> None:
        head = f"{self._runbook.name} · going on with an earlier run · {rehearsed(self._runbook.front.rehearsed)}"
        self._print(*textwrap.wrap(head, WIDTH, subsequent_indent="  ", break_on_hyphens=False))
        if data["finished"]:
            done = f"done before: {', '.join(data['finished'])}"
            self._print(*textwrap.wrap(done, WIDTH, initial_indent="  ", subsequent_indent="    "))

    def _begin(self, labels: Mapping[str, str], execute: bool) -> None:
        page = [f"paged by {labels['alertname']}"] if "alertname" in labels else []
        mode = [] if execute else ["dry run: nothing is changed"]
        head = " · ".join([self._runbook.name, *page, *mode, rehearsed(self._runbook.front.rehearsed)])
        self._print(*textwrap.wrap(head, WIDTH, subsequent_indent="  ", break_on_hyphens=False))

    def _on_step(self, kind: str, step: Step, data: dict[str, Any]) -> None:
        if kind in ("ask", "start", "planned", "skipped") and self._shown != step.name:
            self._show(step, data["what"])
        if kind == "start" and data["number"] > 1:
            self._print(f"  try {data['number']} of {max(data['number'], step.retries + 1)}")
        elif kind == "end":
            self._end(step, data)
        elif kind == "planned":
            self._print(f"  not done: {data['message'] or 'a dry run'}")
        elif kind == "skipped":
            self._print(f"  skipped: {data['message']}")
        elif kind == "stragglers":
            self._print(f"  processes that its script had left were ended: {', '.join(map(str, data['pids']))}")

    def _show(self, step: Step, what: str) -> None:
        """The step's place, its reason in short and what it will do."""
        self._shown = step.name
        steps = self._runbook.steps(step.section)
        head = f"{step.section} {steps.index(step) + 1} of {len(steps)} · {step.name}"
        changes = "changes the platform" if step.acts else ""
        self._print("", f"{head}{changes:>{max(WIDTH - len(head), len(changes) + 2)}}" if changes else head)
        self._print(*prose(step.why.split("\n\n")[-1]) if step.section is not Heading.ROLLBACK else [])
        self._print(*(part for line in what.split("\n") for part in _folded(line)))
        if expected := _expected(step):
            self._print(f"  expected: {expected}")
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
            told = f": {data['message']}" if data["message"] else ""
            self._print(*_folded(f"{'FAILED' if state is State.FAILED else 'done'}{told} ({data['seconds']:.1f} s)"))
            shown = data["output"].strip().split("\n")[-3:] if state is State.FAILED else []
            self._print(*(f"    {line}" for line in shown))

    def _interrupted(self, in_place: Mapping[str, str | None]) -> None:
        self._print("", "interrupted; nothing was taken back")
        for name, undo in in_place.items():
            self._print(f"  still in place: {name}" + (f"; undo it with the step {undo}" if undo else ""))

    def _print(self, *lines: str) -> None:
        self._live.clear()
        for line in lines:
            self._out.write(printable(line) + "\n")
        self._out.flush()


WORDS = ("yes", "no", "skip", "abort", "done", "resume", "back", "new", "quit")


def _folded(line: str) -> list[str]:
    """A line of code or of an answer within the width, cut at spaces; its indentation stays."""
    indent = "  " + line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(
        line.strip(),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}    ",
        break_on_hyphens=False,
        drop_whitespace=True,
    ) or [""]


def _expected(step: Step) -> str:
    """What an acting step wants to see, and for how long it waits for that."""
    within = f"within {format_duration(step.timeout)}"
    if isinstance(step, HttpStep):
        return f"an answer {step.expect or '2xx'} {within}"
    if isinstance(step, WaitStep):
        return f"to take {format_duration(step.hold)}"
    return f"ends with 0 {within}" if isinstance(step, ShStep) else ""


def _word(state: State) -> str:
    return "FAILED: " if state is State.FAILED else ""
