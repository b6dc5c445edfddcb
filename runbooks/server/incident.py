"""Incident: the alerts of one thing that went wrong, what was found, and what was done; a folder of its own.

queued → diagnosing → diagnosed → waiting → mitigating → recovered
                          │          │           ├ not_recovered   (also rolled_back, …: what was done was taken back)
                          │          │           └ failed          (it couldn't be followed)
                          │          └ diagnosed   (its alerts ended meanwhile, or it waited too long)
                          └ failed                 (the diagnosis couldn't be run)

From any of them, if we are stopped → interrupted. Whatever its state, an incident is closed when the last of its
alerts has resolved and nothing of it is running any more.

alert.json       the alert that began it, as it was sent
incident.json    the state below, written anew at each turn
events.jsonl     everything that happened, one line each
diagnosis.json   what the read-only steps found          mitigation.json   the same of the run that acted
audit.jsonl      every step of both, on disk before it was taken
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from flashcrowd.errors import NeedError
from flashcrowd.masking import of_process as mask
from flashcrowd.rundir import RunDirectory, new_folder
from runbooks.execution import Execution
from runbooks.server.message import Alert


class State(StrEnum):
    """How far an incident is."""

    QUEUED = "queued"
    DIAGNOSING = "diagnosing"
    DIAGNOSED = "diagnosed"
    WAITING = "waiting"
    MITIGATING = "mitigating"
    RECOVERED = "recovered"
    NOT_RECOVERED = "not_recovered"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


AT_WORK = frozenset({State.QUEUED, State.DIAGNOSING, State.WAITING, State.MITIGATING})
"""In these, something of it is still to be run."""


@dataclass
class Incident:
    """One incident. alerts: `firing` or `resolved` by the alert's key. opened, closed, mitigated: unix seconds.

    note: one sentence for people, what is so and what to do. heard: when Alertmanager last told of it. mitigated: when
    a mitigation without a person began.
    """

    run: RunDirectory
    group: str
    alert: Alert
    runbook: str
    state: State = State.QUEUED
    note: str = ""
    alerts: dict[str, str] = field(default_factory=dict)
    opened: float = field(default_factory=time.time)
    heard: float = field(default_factory=time.time)
    closed: float | None = None
    mitigated: float | None = None
    diagnosis: dict[str, Any] | None = None
    mitigation: dict[str, Any] | None = None

    @classmethod
    def open(cls, base: Path, alert: Alert, runbook: str) -> Incident:
        """A new one, with its folder. Raises NeedError when that can't be made."""
        run = RunDirectory(new_folder(base, mask()(alert.name)[:60]))
        incident = cls(run, alert.group, alert, runbook)
        run.write_json("alert.json", msgspec.to_builtins(alert))
        incident.save()
        return incident

    @classmethod
    def load(cls, folder: Path) -> Incident | None:
        """One of an earlier start; None where the folder has none, or a damaged one."""
        run = RunDirectory(folder)
        try:
            row = json.loads((folder / "incident.json").read_text(encoding="utf-8"))
            alert = msgspec.convert(json.loads((folder / "alert.json").read_text(encoding="utf-8")), Alert)
            return cls(
                run, alert=alert, state=State(row.pop("state")), **row,
                diagnosis=_read(folder / "diagnosis.json"), mitigation=_read(folder / "mitigation.json"),
            )  # fmt: skip
        except (OSError, ValueError, TypeError, KeyError, msgspec.MsgspecError):
            return None

    @property
    def name(self) -> str:
        return self.run.name

    @property
    def is_open(self) -> bool:
        return self.closed is None

    @property
    def fires(self) -> bool:
        """Whether an alert of it hasn't resolved."""
        return "firing" in self.alerts.values()

    @property
    def audit(self) -> Path:
        return self.run.path / "audit.jsonl"

    def hear(self, alert: Alert) -> None:
        """Take the latest of one of its alerts."""
        self.alerts[alert.key], self.heard = alert.status, time.time()
        self.record("alert", alert.status, alert=alert.name, labels=alert.labels, starts_at=alert.starts_at.isoformat())
        self.save()

    def turn(self, state: State, note: str = "") -> None:
        """Go on to another state."""
        self.state, self.note = state, note or self.note
        self.record("incident", state.value, note=note)
        self.save()

    def close(self, why: str) -> None:
        """End it."""
        self.closed = time.time()
        self.record("incident", "closed", why=why)
        self.save()

    def keep(self, name: str, execution: Execution) -> None:
        """Write what a run came to: `diagnosis` or `mitigation`."""
        setattr(self, name, execution.as_dict())
        self.run.write_json(f"{name}.json", execution.as_dict())

    def record(self, source: str, kind: str, **data: Any) -> None:
        """An event of it."""
        self.run.record(source, kind, **data)

    def save(self) -> None:
        """Write its state, whole or not at all."""
        names = ("group", "runbook", "note", "alerts", "opened", "heard", "closed", "mitigated")
        self.run.write_json(
            "incident.json", {"state": self.state.value} | {name: getattr(self, name) for name in names}
        )


def load_all(base: Path, most: int) -> list[Incident]:
    """The newest incidents of earlier starts, oldest first. Raises NeedError when the folder can't be read."""
    try:
        folders = sorted(path for path in base.iterdir() if path.is_dir())
    except OSError as error:
        raise NeedError(f"{base} can't be read: {error.strerror}; choose another folder with --out") from None
    return [found for folder in folders[-most:] if (found := Incident.load(folder)) is not None]


def _read(file: Path) -> dict[str, Any] | None:
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
