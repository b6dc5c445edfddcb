"""Cell: one fault and one SLO over all game days of a target; of several rehearsals the latest counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gamedays.coverage.row import Row


@dataclass(frozen=True)
class Cell:
    """rows: what was seen, in order of time, at least one. slo: None of a fault that hit no SLO."""

    fault: str
    slo: str | None
    rows: tuple[Row, ...]

    @property
    def rehearsals(self) -> tuple[Row, ...]:
        """Those that were played to their end."""
        return tuple(row for row in self.rows if row.complete)

    @property
    def latest(self) -> Row:
        """The last rehearsal whose load can be trusted; else the last one; else what was seen last of one that was
        broken off."""
        trusted = [row for row in self.rehearsals if row.trusted]
        return (trusted or self.rehearsals or self.rows)[-1]

    @property
    def proof(self) -> Row:
        """The rehearsal that says whose the credit is: the last one with an answer of those that were as the latest is;
        without any, the latest itself."""
        told = [row for row in self.rehearsals if row.credit is not None and row.trusted]
        alike = [row for row in told if row.prints == self.latest.prints]
        return alike[-1] if alike and self.latest.recovered is not None else self.latest

    @property
    def fired(self) -> bool:
        """Whether the alert was ever seen firing."""
        return any(row.fired for row in self.rows)


def cells(rows: Iterable[Row]) -> list[Cell]:
    """The cells in the order in which they were first rehearsed; a fault that hit an SLO once has none without."""
    found: dict[tuple[str, str | None], list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.at):
        found.setdefault((row.fault, row.slo), []).append(row)
    hit = {fault for fault, slo in found if slo is not None}
    return [Cell(*key, tuple(rows)) for key, rows in found.items() if key[1] is not None or key[0] not in hit]
