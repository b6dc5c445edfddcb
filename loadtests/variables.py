"""Variables: what the templates of a target file are filled with while the load runs."""

from __future__ import annotations

import json
import os
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass, field

from flashcrowd.template import fill
from loadtests.identities import Identity


def _environment() -> dict[str, str]:
    return {f"env.{name}": value for name, value in os.environ.items()}


@dataclass(frozen=True)
class Variables:
    """The variables that are the same for every viewer. `run`: the run's name. `mark`: headers of every request."""

    run: str
    mark: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=_environment, repr=False)

    def of(self, identity: Identity, **more: str) -> ChainMap[str, str]:
        """All variables of one viewer's request."""
        return ChainMap(more, dict(identity.variables), {"run": self.run}, dict(self.environment))

    def headers(self, own: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
        """The mark and the request's own headers, filled. Raises InputError for an unknown variable."""
        return {name: fill(text, values) for name, text in {**self.mark, **own}.items()}


def fill_json(text: str, values: Mapping[str, str]) -> str:
    """JSON text filled so that it stays JSON, whatever the values hold."""
    return fill(text, _Escaped(values))


class _Escaped(ChainMap[str, str]):
    """The values as they stand inside a JSON string."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(dict(values))

    def __getitem__(self, name: str) -> str:
        return json.dumps(super().__getitem__(name))[1:-1]


def traceparent() -> str:
    """A fresh W3C trace context, sampled (https://www.w3.org/TR/trace-context/#traceparent-header)."""
    return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"
