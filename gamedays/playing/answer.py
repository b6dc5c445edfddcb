"""Answer: what on-call does about one page. It follows a runbook, and takes back what that put in place once it is told
that the cause is gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from flashcrowd.errors import FlashcrowdError
from flashcrowd.rundir import RunDirectory
from gamedays.story.facts import CARRIED_OUT
from monitors.alerts import Page
from runbooks.audit import Audit
from runbooks.execution import Outcome
from runbooks.executor import Executor
from runbooks.fingerprints import of_runbook
from runbooks.model import Runbook
from runbooks.taker import OnEvent

Executors = Callable[[Runbook, Page, Audit, OnEvent], Executor]
"""Makes the executor that follows a runbook for a page."""


class Answer:
    """One runbook, followed for one page.

    name: of the runbook, as events have it. instead_of: the one that the page names, where another is followed, which
    has nothing to verify and is only carried out. target_file: for the command that takes back by hand
    what could not be taken back.
    """

    def __init__(
        self,
        page: Page,
        name: str,
        runbook: Runbook,
        run: RunDirectory,
        executors: Executors,
        instead_of: str | None = None,
        target_file: str | None = None,
    ) -> None:
        self.page, self.started = page, time.time()
        self._name, self._runbook, self._run, self._executors = name, runbook, run, executors
        self._instead_of, self._target_file = instead_of, target_file
        self._file = run.path / "runbooks" / f"{runbook.name}.jsonl"
        self._audit: Audit | None = None
        self._executor: Executor | None = None
        self._in_place: list[str] = []
        self._following: asyncio.Task[None] | None = None

    async def follow(self) -> None:
        """Follow it to its end. A runbook that can't be followed is an event, and no error."""
        self._following = asyncio.current_task()
        about: dict[str, Any] = {"fingerprint": of_runbook(self._runbook)}
        about |= {"instead_of": self._instead_of} if self._instead_of is not None else {}
        self._run.record("runbook", "started", runbook=self._name, alert=self.page.name, **about)
        try:
            self._audit = Audit(self._file, who="game day")
            self._executor = self._executors(self._runbook, self.page, self._audit, self._note)
            execution = await self._executor.run()
        except FlashcrowdError as error:
            self._run.record("runbook", "failed", runbook=self._name, message=str(error))
        except asyncio.CancelledError:
            self._ended("interrupted", "")
            raise
        else:
            carried_out = self._instead_of is not None and execution.outcome is Outcome.RECOVERED
            self._ended(CARRIED_OUT if carried_out else execution.outcome.value, execution.message)
        finally:
            self._following = None

    async def stand_down(self) -> None:
        """End the runbook if it is still followed, and take back what it put in place; one that fails is an event."""
        began = time.time()
        if (following := self._following) is not None:
            following.cancel()
            await asyncio.wait([following])
        undone = [step for step in self._in_place if self._runbook.step(step).undo is not None]
        kept = [step for step in self._in_place if step not in undone]
        if self._executor is None or not self._in_place:
            return
        about: dict[str, Any] = {"runbook": self._name, "since": round(began, 3), "kept": kept}
        if not undone:
            self._stood_down(about, [])
            return
        try:
            execution = await self._executor.take_back("what was broken has healed")
        except FlashcrowdError as error:
            self._failed(str(error), undone, about)
            return
        left = [step for step in undone if step in execution.in_place]
        if left:
            self._failed(execution.message, left, about)
        else:
            self._stood_down(about, undone)

    def close(self) -> None:
        """Close its audit."""
        if self._audit is not None:
            self._audit.close()

    def _ended(self, outcome: str, message: str) -> None:
        about: dict[str, Any] = {"outcome": outcome, "message": message, "in_place": list(self._in_place)}
        about |= {"by_hand": self._by_hand()} if self._in_place else {}
        self._run.record("runbook", "ended", runbook=self._name, **about)

    def _stood_down(self, about: dict[str, Any], taken_back: list[str]) -> None:
        self._in_place = []
        self._run.record("runbook", "stood_down", **about, taken_back=taken_back)

    def _failed(self, reason: str, left: list[str], about: dict[str, Any]) -> None:
        about |= {"left": left, "message": reason, "by_hand": self._by_hand()}
        self._run.record("runbook", "stand_down_failed", **about)

    def _by_hand(self) -> str:
        """The command that takes back what is in place."""
        target = f" --target {self._target_file}" if self._target_file is not None else ""
        return f"flashcrowd runbook run {self._name} --rollback {self._file}{target}"

    def _note(self, kind: str, data: dict[str, Any]) -> None:
        """Lines of the audit that are about a step become events; the audit itself has them all."""
        if kind in ("finish", "interrupted"):
            self._in_place = list(data["in_place"])
        if "step" in data:
            self._run.record("runbook", f"step_{kind}", **{**data, "runbook": self._name})
