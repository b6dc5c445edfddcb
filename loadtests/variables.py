"""Variables: what the templates of a target file are filled with while the load runs."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from flashcrowd import secret
from flashcrowd.mark import traceparent
from flashcrowd.target import TargetSpec
from flashcrowd.template import fill
from loadtests.identities import Identity

__all__ = ["Values", "Variables", "fill_json", "fill_path", "fresh_key", "traceparent"]


class Values(Mapping[str, str]):
    """Variables from several sources, of which the first counts; nothing is copied. `escape` changes each on use."""

    __slots__ = ("_escape", "_sources")

    def __init__(self, *sources: Mapping[str, str], escape: Callable[[str], str] | None = None) -> None:
        self._sources, self._escape = sources, escape

    def __getitem__(self, name: str) -> str:
        for source in self._sources:
            value = source.get(name)
            if value is not None:
                return value if self._escape is None else self._escape(value)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter({name for source in self._sources for name in source})

    def __len__(self) -> int:
        return len(set(self))


@dataclass(frozen=True)
class Variables:
    """The variables that are the same for every viewer.

    run: the run's name. mark: headers of every request. environment: from the environment and the target's secrets.
    """

    run: str
    mark: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=lambda: secret.variables({}), repr=False)

    @classmethod
    def of_target(cls, run: str, spec: TargetSpec) -> Variables:
        """Those of a load. Raises InputError when a secret of the target isn't there."""
        return cls(run, spec.mark.headers, secret.variables(spec.secrets))

    def of(self, identity: Identity, **more: str) -> Values:
        """All variables of one viewer's request."""
        return Values(more, identity.variables, {"run": self.run}, self.environment)

    def constant(self) -> Mapping[str, str]:
        """The variables that no request changes."""
        return Values({"run": self.run}, self.environment)

    def headers(self, own: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
        """The mark and the request's own headers, filled. Raises InputError for an unknown variable."""
        return {name: fill(text, values) for name, text in {**self.mark, **own}.items()}


def fill_json(text: str, values: Mapping[str, str]) -> str:
    """JSON text filled so that it stays JSON, whatever the values hold."""
    return fill(text, Values(values, escape=lambda value: json.dumps(value)[1:-1]))


def fill_path(text: str, values: Mapping[str, str]) -> str:
    """A URL or a path of one filled so that each value stays within its place."""
    return fill(text, Values(values, escape=lambda value: quote(value, safe="")))


_numbers = random.Random()
"""Seeded by the system, whatever the load's seed is: two runs must not have the same keys and traces."""


def fresh_key() -> str:
    """128 random bits in hexadecimal: an idempotency key."""
    return f"{_numbers.getrandbits(128):032x}"
