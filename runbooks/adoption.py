"""Adoption: whether a run that a process has left may be gone on with by another one, here and now."""

from __future__ import annotations

from collections.abc import Mapping

from flashcrowd.errors import InputError
from runbooks.audit import Audit
from runbooks.fingerprints import of_runbook
from runbooks.model import Runbook, ShStep
from runbooks.records import Record


def check_same(
    record: Record, runbook: Runbook, target: str, variables: Mapping[str, str], audit: Audit, labels: Mapping[str, str]
) -> None:
    """Refuse to go on with a run whose page, target or labels aren't what they were. labels: given anew.

    Raises:
        InputError: says what differs.
    """
    name = f"the run in {record.file}"
    if record.runbook != runbook.name:
        raise InputError(f"{name} is of the runbook {record.runbook}, not of {runbook.name}")
    if not record.execute:
        raise InputError(f"{name} was a dry run; it changed nothing")
    if record.fingerprint != of_runbook(runbook):
        raise InputError(f"the steps of {runbook.file} have changed since {name} began; {by_hand(record)}")
    if record.target and record.target != target:
        raise InputError(f"{name} was at the target '{record.target}', not at '{target}'")
    now = audit.cleaned(dict(variables))
    moved = sorted(key for key in now.keys() | record.variables.keys() if now.get(key) != record.variables.get(key))
    if moved:
        was, new = record.variables.get(moved[0], "not there"), now.get(moved[0], "not there")
        raise InputError(f"the target has changed since {name} began: {moved[0]} was {was} and is {new}")
    lost = sorted(record.altered - labels.keys())
    if lost and any(isinstance(step, ShStep) for step in runbook):
        raise InputError(f"{name} has no true copy of the label {lost[0]}; give it with --label {lost[0]}=...")


def by_hand(record: Record) -> str:
    """What may be in place, for someone who has to see to it without us."""
    if not record.in_place:
        return "nothing of it is in place, so a new run may begin"
    undo = "; ".join(f"{step}, undone by {undo or 'nothing on the page'}" for step, undo in record.in_place.items())
    return f"take back by hand what may be in place: {undo}"
