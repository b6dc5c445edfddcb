"""Chaos Toolkit: its experiments (JSON or YAML), each read as one `command` fault.

method                    inject: every activity in turn, with its pauses
rollbacks                 heal: always, whatever ended the fault, past errors
steady-state-hypothesis   healed: its probes are within their tolerances; the fault bites when one of them isn't

The hypothesis has to hold before, as there. Whatever can't be honoured is refused with its line rather than dropped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chaos.acting.toolkit import CannotError, Values, actions
from chaos.experiment import EMPTY, Experiment, Planned
from chaos.faults import parse_fault
from flashcrowd.documents import Document, Step
from flashcrowd.errors import DocumentError, InputError, Problem

SAYS_NOTHING = {"version", "title", "description", "tags", "contributions", "extensions"}
"""What an experiment has for people and other tools."""

KNOWN = SAYS_NOTHING | {"method", "rollbacks", "steady-state-hypothesis", "configuration", "secrets", "runtime"}

TIMEOUT = "60s"
"""For activities that have none of their own."""


def read(document: Document, on: str | None, duration: str | None) -> Experiment:
    """The experiment as a fault on a component, for so long.

    Raises:
        DocumentError: with everything that can't be honoured. InputError: it isn't said on what, or for how long.
    """
    reader = _Reader(document)
    given = reader.command()
    if reader.problems:
        raise DocumentError(reader.problems)
    if on is None or duration is None:
        raise InputError(f"{document.file} is Chaos Toolkit's; say what it strikes, and for how long: --on C --for 60s")
    try:
        fault = parse_fault({"kind": "command", "on": on, "for": duration, "timeout": TIMEOUT, **given})
    except InputError as error:
        raise DocumentError([document.problem(("method",), line) for line in str(error).splitlines()]) from None
    name = document.data.get("title") or Path(document.file).stem
    return Experiment(str(name), (Planned(0.0, fault, ("method",)),), document)


class _Reader:
    """One document, and what is wrong with it."""

    def __init__(self, document: Document) -> None:
        self._document, self.problems = document, list[Problem]()
        self._names = {one["name"]: one for _, one in self._all() if isinstance(one, Mapping) and "name" in one}

    def command(self) -> dict[str, Any]:
        """The fields of a `command` fault; without those that are wrong."""
        for name in self._document.data:
            if name not in KNOWN:
                self._wrong((name,), "can't be honoured; leave it out")
        self._check_runtime()
        values = self._values()
        return {
            "inject": self._actions(("method",), values, EMPTY),
            "heal": self._actions(("rollbacks",), values, "without rollbacks nothing would heal it; write them"),
            "healed": self._actions(
                ("steady-state-hypothesis", "probes"), values, "without probes nobody would see whether it bites"
            ),
        }

    def _actions(self, place: tuple[str, ...], values: Values, without: str) -> list[Any]:
        rows = self._document.get(*place)
        if not isinstance(rows, list) or not rows:
            self._wrong(place, without)
            return []
        found = []
        for number, row in enumerate(rows):
            try:
                found += actions(self._meant(row), values, place[-1])
            except CannotError as error:
                self._wrong((*place, number, *error.place), str(error))
        return found

    def _meant(self, row: Any) -> Mapping[str, Any]:
        """The activity, or the one that it refers to."""
        if not isinstance(row, Mapping):
            raise CannotError("wants an activity, a mapping")
        if "ref" not in row:
            return dict(_plain(row))
        if row["ref"] not in self._names:
            raise CannotError(f"there is no activity '{row['ref']}'", "ref")
        own = {name: value for name, value in row.items() if name != "ref"}
        return {**_plain(self._names[row["ref"]]), **_plain(own)}

    def _all(self) -> Iterator[tuple[str, Any]]:
        for place in (("steady-state-hypothesis", "probes"), ("method",), ("rollbacks",)):
            rows = self._document.get(*place)
            yield from ((place[-1], row) for row in rows if isinstance(rows, list)) if rows else ()

    def _check_runtime(self) -> None:
        """Rollbacks always run, and the hypothesis is looked at before and after."""
        for name, wanted in (self._document.get("runtime") or {}).items():
            allowed = {"rollbacks": ("always", "default"), "hypothesis": ("default",)}.get(name, ())
            if dict(wanted).keys() != {"strategy"} or wanted["strategy"] not in allowed:
                self._wrong(("runtime", name), "can't be honoured: rollbacks are always done; leave it out")

    def _values(self) -> Values:
        late, early = dict[str, Any](), dict[str, Any]()
        configuration = _plain(self._document.get("configuration") or {})
        for name, value in configuration.items():
            self._take(("configuration", name), name, value, late, early)
        secrets = _plain(self._document.get("secrets") or {})
        for group, rows in secrets.items():
            for name, value in rows.items() if isinstance(rows, Mapping) else ():
                if isinstance(value, Mapping) and value.get("type") == "env":
                    self._take(("secrets", group, name), name, value, late, {})
                else:
                    self._wrong(("secrets", group, name), "is not {type: env, key: NAME}; put it in the environment")
        return Values(late, early, configuration, secrets)

    def _take(
        self, place: tuple[Step, ...], name: str, value: Any, late: dict[str, Any], early: dict[str, Any]
    ) -> None:
        if not isinstance(value, Mapping) or "type" not in value:
            late[name] = early[name] = value
        elif value["type"] != "env" or value.get("env_var_type", "str") != "str":
            self._wrong(place, "can't be honoured; wants a value, or {type: env, key: NAME}")
        elif (key := str(value.get("key"))) in os.environ:
            late[name], early[name] = f"${{env.{key}}}", os.environ[key]
        elif "default" in value:
            late[name] = early[name] = value["default"]
        else:
            self._wrong(place, f"the environment variable {key} is not set")

    def _wrong(self, place: tuple[Step, ...], message: str) -> None:
        self.problems.append(self._document.problem(place, message))


def _plain(node: Any) -> Any:
    """The tree without its places."""
    if isinstance(node, Mapping):
        return {str(key): _plain(value) for key, value in node.items()}
    return [_plain(one) for one in node] if isinstance(node, list) else node
