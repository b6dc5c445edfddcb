"""Recovery: what the undo log says is broken on this machine, and healing what nobody looks after any more."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chaos.catalogue import describe
from chaos.healing import heal
from chaos.undolog import Damaged, Record, UndoLog

PATIENCE = 15.0


@dataclass(frozen=True)
class ActiveFault:
    """One open record. Times are unix seconds; trouble: why healing failed, if it was tried.

    holds: what ends it when neither injector nor reverter is left.
    """

    id: str
    kind: str
    on: str
    description: str
    run: str | None
    injector: int
    injector_alive: bool
    reverter_alive: bool
    injected_at: float
    expires_at: float
    trouble: str | None
    by_hand: str
    holds: str


class Outcome(StrEnum):
    """What became of a record: `held` belongs to a live injector whose time isn't up, and was left alone."""

    HEALED = "healed"
    HELD = "held"
    FAILED = "failed"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class Recovered:
    """What recovery did about one record, in a sentence. A damaged one has no more to say than its file's name."""

    id: str
    kind: str
    on: str
    outcome: Outcome
    message: str


def status(log: UndoLog) -> list[ActiveFault | Damaged]:
    """What is broken now by any process of this user, the oldest first. Raises NeedError: the log can't be read."""
    return [_active(found) if isinstance(found, Record) else found for found in log.all()]


async def recover(log: UndoLog) -> list[Recovered]:
    """Heal what dead injectors left and what has outlived its time, the youngest first, past every error.

    Raises:
        NeedError: the log can't be read.
    """
    return [await _recover(log, found) for found in reversed(log.all())]


def _active(record: Record) -> ActiveFault:
    fault, injection = record.revive()
    return ActiveFault(
        id=record.id,
        kind=record.kind,
        on=record.on,
        description=fault.describe(),
        run=record.run,
        injector=record.injector.pid,
        injector_alive=record.injector.alive,
        reverter_alive=record.reverter.alive,
        injected_at=record.injected_at,
        expires_at=record.expires_at,
        trouble=record.trouble,
        by_hand=injection.by_hand(),
        holds=describe(record.kind).says.get("Holds", ""),
    )


async def _recover(log: UndoLog, record: Record | Damaged) -> Recovered:
    if isinstance(record, Damaged):
        return Recovered(record.path.stem, "unknown", "unknown", Outcome.DAMAGED, str(record))
    fault, injection = record.revive()

    def result(outcome: Outcome, message: str) -> Recovered:
        return Recovered(record.id, record.kind, record.on, outcome, f"{fault.describe()}: {message}")

    if record.injector.alive and not record.expired:
        return result(Outcome.HELD, f"held by process {record.injector.pid}; left alone")
    if (owner := record.stranger) is not None:
        return result(Outcome.FAILED, f"left alone, as it belongs to {owner}; as {owner}: flashcrowd chaos recover")
    probe = await heal(injection, PATIENCE)
    if probe.ok:
        log.close(record.id)
        return result(Outcome.HEALED, probe.message)
    log.note(record, probe.message)
    return result(Outcome.FAILED, f"{probe.message}; heal it by hand: {injection.by_hand()}")
