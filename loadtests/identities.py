"""Identities: who the viewers are. Rows of a CSV file or generated ones; each worker has its own, none is shared.

Worker i of n takes the rows i, i + n, i + 2n, ... so that workers need not talk to each other to stay apart.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from flashcrowd import roster
from flashcrowd.documents import did_you_mean
from flashcrowd.errors import InputError, NeedError
from flashcrowd.target import Identities as Source


@dataclass(frozen=True, slots=True)
class Identity:
    """One person. `variables` are the columns by their template names, as `identity.user`."""

    variables: Mapping[str, str]

    @property
    def user(self) -> str:
        return self["user"]

    @property
    def token(self) -> str:
        return self["token"]

    def __getitem__(self, column: str) -> str:
        """The value of a column. Raises InputError when the identities have no such column."""
        try:
            return self.variables[f"identity.{column}"]
        except KeyError:
            columns = [name.removeprefix("identity.") for name in self.variables]
            raise InputError(f"the identities have no column '{column}'{did_you_mean(column, columns)}") from None


class IdentityPool:
    """The identities of one worker: taken by a viewer, given back when it leaves; new ones are taken first."""

    def __init__(self, source: Source, worker: int = 0, workers: int = 1) -> None:
        self._source = source
        self._new: Iterator[Identity] = islice(_rows(source), worker, None, workers)
        self._returned = deque[Identity]()

    def take(self) -> Identity:
        """An identity that nobody here has. Raises NeedError when all of them are taken."""
        identity = next(self._new, None)
        if identity is not None:
            return identity
        if not self._returned:
            raise NeedError("all identities of this worker are taken; give more of them in spec.identities")
        return self._returned.popleft()

    def inherit(self, first: int, step: int) -> None:
        """Take over every `step`th row from this one on: of a worker that is gone, and its viewers with it."""
        self._new = chain(self._new, islice(_rows(self._source), first, None, step))

    def give_back(self, identity: Identity) -> None:
        self._returned.append(identity)


def count(source: Source) -> int:
    """How many identities a source has. Raises InputError as reading it does."""
    return source.generate if source.generate is not None else sum(1 for _ in _rows(source))


def _rows(source: Source) -> Iterator[Identity]:
    if source.file is not None:
        return _read(source.file)
    return (Identity(_Numbered(number)) for number in range(1, (source.generate or 0) + 1))


class _Numbered(Mapping[str, str]):
    """The columns of a generated identity: made when they are asked for, as there may be hundreds of thousands."""

    __slots__ = ("_number",)

    def __init__(self, number: int) -> None:
        self._number = number

    def __getitem__(self, column: str) -> str:
        if column not in _COLUMNS:
            raise KeyError(column)
        return f"viewer-{self._number:07d}"

    def get(self, column: str, default: Any = None) -> Any:
        return f"viewer-{self._number:07d}" if column in _COLUMNS else default

    def __iter__(self) -> Iterator[str]:
        return iter(_COLUMNS)

    def __len__(self) -> int:
        return len(_COLUMNS)


_COLUMNS = ("identity.user", "identity.token")


def _read(file: Path) -> Iterator[Identity]:
    for row in roster.people(file):
        yield Identity({f"identity.{column}": value for column, value in row.items()})
