"""Record: one run of a runbook as its audit tells it, read again after the process that wrote it is gone.

What can't be known is told as such. A step that was started and has no end is `under_way`: nobody knows how far it
came, so it counts as in place. A line that a crash tore is left out: its step hadn't begun, or hasn't ended for us.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runbooks.execution import State, StepResult


@dataclass
class Record:
    """One run, as far as its audit goes.

    began, last: times of its first and last line, ISO 8601 in UTC. labels, variables: as recorded, so masked; altered:
    the labels that the record has no true copy of. finished: the steps that ended or were skipped, with their last try.
    under_way: the step that was started and has no end. tries: of each step, begun ones included. in_place: what is in
    effect or may be, first done first, each with the step that undoes it or None. what: each step did, or would have.
    turned: why it turned to the rollback; turned_to: the outcome then. outcome: None while there is no end.
    interrupted: a signal or an error of ours ended the process in an orderly way.
    """

    file: Path
    run: str
    runbook: str
    who: str
    began: str
    last: str
    execute: bool
    labels: Mapping[str, str]
    target: str
    variables: Mapping[str, str]
    fingerprint: str | None
    pid: int | None
    altered: frozenset[str] = frozenset()
    finished: dict[str, StepResult] = field(default_factory=dict)
    under_way: str | None = None
    tries: dict[str, int] = field(default_factory=dict)
    in_place: dict[str, str | None] = field(default_factory=dict)
    what: dict[str, str] = field(default_factory=dict)
    turned: str | None = None
    turned_to: str | None = None
    outcome: str | None = None
    message: str = ""
    interrupted: bool = False
    _added: bool = field(default=False, repr=False)

    def note(self, row: Mapping[str, Any]) -> None:
        """Take in the next line of the run."""
        self.last = str(row.get("time", self.last))
        if (take := _LINES.get(str(row["kind"]))) is not None:
            take(self, row)


def read(file: Path) -> list[Record]:
    """The runs in an audit, in the order of their beginning; lines that can't be read are left out.

    Raises:
        OSError: the file can't be read.
    """
    records: dict[str, Record] = {}
    with file.open(encoding="utf-8", errors="replace") as lines:
        for row in filter(None, map(_row, lines)):
            if row["kind"] == "begin":
                records[row["run"]] = _begun(file, row)
            elif row["run"] in records:
                records[row["run"]].note(row)
    return list(records.values())


def _row(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and {"kind", "run"} <= row.keys() else None


def _begun(file: Path, row: Mapping[str, Any]) -> Record:
    return Record(
        file=file,
        run=str(row["run"]),
        runbook=str(row.get("runbook", "")),
        who=str(row.get("who", "")),
        began=str(row.get("time", "")),
        last=str(row.get("time", "")),
        execute=bool(row.get("execute")),
        labels=dict(row.get("labels") or {}),
        target=str(row.get("target", "")),
        variables=dict(row.get("variables") or {}),
        fingerprint=row.get("fingerprint"),
        pid=row.get("pid"),
        altered=frozenset(row.get("altered") or ()),
    )


def _start(record: Record, row: Mapping[str, Any]) -> None:
    step = str(row["step"])
    record.under_way, record.outcome, record.interrupted = step, None, False
    record.tries[step] = int(row.get("number", 1))
    record.what[step] = str(row.get("what", ""))
    record._added = "undo" in row and step not in record.in_place
    if record._added:
        record.in_place[step] = row["undo"]


def _end(record: Record, row: Mapping[str, Any]) -> None:
    step = str(row["step"])
    record.under_way = None
    record.finished[step] = _result(row)
    if row.get("refused") and record._added:
        record.in_place.pop(step, None)
    if row.get("section") == "Rollback" and row.get("state") == State.DONE:
        undone = [name for name, undo in record.in_place.items() if undo == step]
        for name in undone[-1:]:
            del record.in_place[name]


def _skipped(record: Record, row: Mapping[str, Any]) -> None:
    record.finished[str(row["step"])] = _result({**row, "state": "skipped"})


def _rollback(record: Record, row: Mapping[str, Any]) -> None:
    record.turned, record.turned_to, record.outcome = str(row.get("reason", "")), row.get("outcome"), None


def _interrupted(record: Record, row: Mapping[str, Any]) -> None:
    record.interrupted = True


def _finish(record: Record, row: Mapping[str, Any]) -> None:
    record.outcome, record.message, record.under_way = str(row.get("outcome")), str(row.get("message", "")), None


def _resume(record: Record, row: Mapping[str, Any]) -> None:
    record.pid, record.outcome, record.interrupted = row.get("pid"), None, False


def _given_up(record: Record, row: Mapping[str, Any]) -> None:
    record.outcome = "given_up"


_LINES = {
    "start": _start,
    "end": _end,
    "skipped": _skipped,
    "rollback": _rollback,
    "interrupted": _interrupted,
    "finish": _finish,
    "resume": _resume,
    "given_up": _given_up,
}


def _result(row: Mapping[str, Any]) -> StepResult:
    return StepResult(
        step=str(row["step"]),
        section=str(row.get("section", "")),
        state=State(row["state"]),
        started=0.0,
        seconds=float(row.get("seconds", 0.0)),
        message=str(row.get("message", "")),
        output=str(row.get("output", "")),
        expected=row.get("expected"),
        got=tuple(float(value) for value in row.get("got") or ()),
    )
