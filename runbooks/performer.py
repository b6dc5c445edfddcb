"""Performer: does one step of a runbook once, and can say beforehand what that would be."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from flashcrowd.documents import did_you_mean
from flashcrowd.errors import DocumentError, InputError, Problem
from flashcrowd.guard import Guard
from flashcrowd.template import fill, names
from runbooks.actions import Seen
from runbooks.model import Heading, HttpStep, PromqlStep, Runbook, ShStep, Step, WaitStep
from runbooks.queries import Query, hold, look
from runbooks.request import Mark, describe_request, send
from runbooks.script import run_script
from runbooks.waiting import wait

OnProgress = Callable[[Step, str], None]
"""Called about once a second while a step waits for something, with how far that has come."""


class Performer:
    """The outside as steps see it: Prometheus, the addresses that the guard allows, variables and the alert's labels.

    poll: seconds between two looks at something awaited. mark: as `request.send`. run: the audit's, by which the
    processes of scripts are found again.
    """

    def __init__(
        self,
        query: Query | None,
        guard: Guard,
        variables: Mapping[str, str],
        labels: Mapping[str, str],
        poll: float,
        mark: Mark = dict,
        run: str = "",
        on_progress: OnProgress = lambda step, words: None,
    ) -> None:
        self.query, self.labels, self._mark = query, labels, mark
        self._run, self._on_progress = run, on_progress
        self._guard, self.variables, self._poll = guard, variables, poll
        self._values = _Values({**{f"env.{name}": value for name, value in os.environ.items()}, **variables})

    async def check(self, runbook: Runbook, execute: bool) -> None:
        """Look at the whole page before its first step. A dry run without a target leaves its variables open.

        Raises:
            DocumentError: variables that there are none of.
            GuardError: an address that the target doesn't allow.
            InputError: queries, and no Prometheus to ask.
        """
        if not (execute or self.variables):
            return
        problems = [problem for step in runbook for problem in self._unknown(runbook, step)]
        if problems:
            raise DocumentError(problems)
        for step in runbook:
            if isinstance(step, HttpStep):
                await asyncio.to_thread(self._guard.check_url, fill(step.url, self._values), step.name)
        if execute and self.query is None and any(isinstance(step, PromqlStep) for step in runbook):
            raise InputError(f"{runbook.name} asks Prometheus, and none is given; name it with --prometheus URL")

    def describe(self, step: Step) -> str:
        """What the step does, with its variables filled in."""
        match step:
            case PromqlStep():
                return fill(step.query, self._values)
            case HttpStep():
                return describe_request(step, self._values)
            case ShStep():
                return step.script
            case _:
                return str(getattr(step, "text", ""))

    async def perform(self, step: Step) -> Seen:
        """Do it. A manual step has been done by the person who was asked.

        Raises:
            ActionError, RefusedError: as the action of its kind.
        """
        match step:
            case PromqlStep() if self.query is not None:
                return await self._ask(step, self.query)
            case HttpStep():
                output = await send(step, self._values, self._guard, self._mark)
                return Seen(message=f"answered {output.split(' ')[0]}", output=output)
            case ShStep():
                output = await run_script(step, self.variables, self.labels, self._run)
                return Seen(message="ended with 0", output=output)
            case WaitStep():
                return await wait(step, partial(self._on_progress, step))
            case _:
                return Seen()

    async def _ask(self, step: PromqlStep, query: Query) -> Seen:
        text = fill(step.query, self._values)
        if step.section in (Heading.FIRST, Heading.DIAGNOSIS):
            return await look(step, text, query)
        return await hold(step, text, query, self._poll, partial(self._on_progress, step))

    def _unknown(self, runbook: Runbook, step: Step) -> Iterator[Problem]:
        for name in dict.fromkeys(name for text in _templates(step) for name in names(text)):
            if name not in self._values:
                hint = did_you_mean(name, self.variables)
                yield Problem(runbook.file, step.line, "", f"no variable ${{{name}}}{hint}")


class _Values(dict[str, str]):
    """Variables by name; one that there is none of stands for itself."""

    def __missing__(self, name: str) -> str:
        return f"${{{name}}}"


def _templates(step: Step) -> list[str]:
    """The texts of a step that variables are filled into; a script's are in its environment."""
    match step:
        case PromqlStep():
            return [step.query]
        case HttpStep():
            return [step.url, *(value for _, value in step.headers), step.body]
        case _:
            return []
