"""JSON Lines: records of one kind, a file each worker appends to, read in pieces of a mebibyte, however long it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from flashcrowd.errors import InputError

PIECE = 2**20

Row = TypeVar("Row")


class LinesWriter(Generic[Row]):
    """Appends records to a file, buffered: they are safe once `flush` has returned."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._waiting = list[Row]()

    def add(self, record: Row) -> None:
        self._waiting.append(record)

    def flush(self) -> None:
        """One write for all that waits, so that a kill can cut off the last line at most."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        data = memoryview(encode(waiting))
        while data:
            data = data[self._file.write(data) :]

    def close(self) -> None:
        """Write no more; what waits is left."""
        self._file.close()


def encode(records: Sequence[object]) -> bytes:
    """A line for each record."""
    try:
        return _ENCODER.encode_lines(records)
    except UnicodeEncodeError:
        return _ENCODER.encode_lines([_mended(msgspec.to_builtins(record)) for record in records])


def read(path: Path, kind: type[Row], what: str) -> Iterator[Row]:
    """The records of a file, in order. A last line without an end is what a killed worker was writing: it is left out.

    Raises:
        InputError: another line is no record of this kind; says which line, and `what` it should have been.
    """
    decoder, first, rest = msgspec.json.Decoder(kind), 1, b""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            lines, end, tail = piece.rpartition(b"\n")
            if not end:
                rest += piece
                continue
            lines, rest = rest + lines, tail
            try:
                yield from decoder.decode_lines(lines)
            except (msgspec.DecodeError, UnicodeDecodeError):
                yield from _one_by_one(decoder, lines, first, path, what)
            first += lines.count(b"\n") + 1


def _one_by_one(decoder: msgspec.json.Decoder[Row], lines: bytes, first: int, path: Path, what: str) -> Iterator[Row]:
    """The records of a piece up to the one that is wrong, which raises."""
    for number, line in enumerate(lines.split(b"\n"), first):
        try:
            yield decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{path}:{number}: is not {what}: {error}") from None


def _mended(row: dict[str, object]) -> dict[str, object]:
    """A record without the halves of surrogate pairs that a platform may answer with: no UTF-8 can hold them."""
    return {
        name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for name, value in row.items()
    }


_ENCODER = msgspec.json.Encoder()
