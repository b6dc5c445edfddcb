"""Lint evidence: what plan, rules and target a page was rehearsed with, as they are now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flashcrowd.documents import document
from flashcrowd.errors import DocumentError, FlashcrowdError
from gamedays.evidence.fingerprints import of_plan, of_rules, of_target
from gamedays.plan import builtin_names
from gamedays.planning import checks
from runbooks.fingerprints import of_runbook
from runbooks.lint.evidence import Present
from runbooks.lint.pages import Page


class Plans:
    """The plans at hand: the built-in ones, and the user's own, by the names that they give themselves.

    Raises:
        DocumentError: a file of the user's is no plan.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = {name: name for name in builtin_names()}
        for file in files:
            name = document(file, kind="GameDay").get("metadata", "name")
            self._files |= {str(name): str(file), file.stem: str(file)}
        self._known = dict[str, Present]()

    def present(self, page: Page) -> Present:
        """What there is now of what a page was rehearsed with."""
        own = {} if page.faults else {"runbook": of_runbook(page.runbook)}
        evidence = page.runbook.front.rehearsed
        if evidence is None or evidence.against is None:
            return Present(own)
        if evidence.plan not in self._known:
            self._known[evidence.plan] = self._of_plan(evidence.plan)
        known = self._known[evidence.plan]
        return Present({**known.fingerprints, **own}, known.unknown)

    def _of_plan(self, name: str) -> Present:
        if name not in self._files:
            return Present({}, f"no plan '{name}' is at hand to compare it with; give it with --plan FILE")
        try:
            prepared = checks.prepare(self._files[name])
        except DocumentError as error:
            first = error.problems[0]
            return Present({}, f"its plan can't be read any more: {first}")
        except FlashcrowdError as error:
            return Present({}, f"its plan can't be read any more: {error}")
        found = {"plan": of_plan(prepared.plan), "rules": of_rules(prepared.slos), "target": of_target(prepared.target)}
        return Present(found)
