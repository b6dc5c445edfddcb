"""Roster: the CSV file of the people that viewers are; its first line names the columns, `user` among them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from flashcrowd.errors import InputError, Problem

MOST = 10
"""Wrong lines of a roster that are told one by one: a file with the wrong separator has them all wrong."""


def columns(file: Path) -> list[str]:
    """The names of the columns. Raises InputError when the file can't be read."""
    with _opened(file) as stream:
        return next(_reader(file, stream), [])


def people(file: Path) -> Iterator[dict[str, str]]:
    """One person a row, by column.

    Raises:
        InputError: the file can't be read, or a row of it is wrong; names the first.
    """
    with _opened(file) as stream:
        reader = _reader(file, stream)
        header = next(reader, [])
        if (wrong := _wrong_header(header)) is not None:
            raise InputError(f"{file}:1: {wrong}")
        for row in reader:
            if row and len(row) != len(header):
                raise InputError(f"{file}:{reader.line_num}: {_wrong_length(row, header)}")
            if row:
                yield dict(zip(header, row, strict=True))


def faults(file: Path) -> Iterator[Problem]:
    """Everything that is wrong with a roster, with its lines. Raises InputError when it can't be read at all."""
    with _opened(file) as stream:
        reader = _reader(file, stream)
        header = next(reader, [])
        if (wrong := _wrong_header(header)) is not None:
            yield Problem(file, 1, "", wrong)
            return
        told, place, seen = 0, header.index("user"), dict[str, int]()
        for row in reader:
            if row and (wrong := _wrong_row(row, header, place, seen)) is not None:
                told += 1
                if told > MOST:
                    yield Problem(file, reader.line_num, "", "and more lines are wrong from here on")
                    return
                yield Problem(file, reader.line_num, "", wrong)
            elif row:
                seen[row[place]] = reader.line_num
        if not seen and not told:
            yield Problem(file, 1, "", "has a header and nobody below it")


def _wrong_header(header: list[str]) -> str | None:
    if "user" not in header:
        return "wants a header with at least the column 'user'"
    if twice := [name for name in header if header.count(name) > 1]:
        return f"has the column '{twice[0]}' twice"
    return None


def _wrong_row(row: list[str], header: list[str], place: int, seen: dict[str, int]) -> str | None:
    if len(row) != len(header):
        return _wrong_length(row, header)
    if not row[place]:
        return "has no user"
    if row[place] in seen:
        return f"user '{row[place]}' is there already, in line {seen[row[place]]}"
    return None


def _wrong_length(row: list[str], header: list[str]) -> str:
    return f"has {len(row)} columns, and the header has {len(header)}"


class _Reader:
    """csv's reader, whose errors say where."""

    def __init__(self, file: Path, stream: Iterator[str]) -> None:
        self._file, self._rows = file, csv.reader(stream, strict=True)

    @property
    def line_num(self) -> int:
        return self._rows.line_num

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        try:
            return next(self._rows)
        except UnicodeDecodeError:
            raise InputError(f"{self._file}: the identities are not UTF-8 text") from None
        except csv.Error as error:
            raise InputError(f"{self._file}:{self.line_num}: is no CSV: {error}") from None


def _reader(file: Path, stream: Iterator[str]) -> _Reader:
    return _Reader(file, stream)


def _opened(file: Path):  # type: ignore[no-untyped-def]
    try:
        return file.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise InputError(f"{file}: the identities can't be read: {(error.strerror or str(error)).lower()}") from None
