"""Target: the system under test, described in a file (`kind: Target`)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, IPvAnyAddress, model_validator

from flashcrowd.documents import V1, Metadata, Model, document, dotted
from flashcrowd.errors import DocumentError, Problem
from flashcrowd.protocols import Draw, Events, HttpRequest, HttpUrl, LedgerSource, Live, Order, Shop, Stream
from flashcrowd.template import fill, names

RUN_VARIABLES = frozenset(
    {"run", "traceparent", "room", "text", "key", "sku", "quantity", "order_id", "draw", "event", "kind", "at", "value"}
)
"""Template variables that the load fills; besides them `identity.COLUMN` and `env.NAME`."""


class Mark(Model):
    """What tells the crowd's requests from customers' ones (traffic colouring): on every request and handshake."""

    headers: dict[str, str] = {}


class Identities(Model):
    """Who the viewers are: rows of a CSV file, or generated ones with the columns `user` and `token`."""

    file: Path | None = None
    generate: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Identities:
        if (self.file is None) == (self.generate is None):
            raise ValueError("wants either file or generate")
        return self


class PrometheusAddress(Model):
    """A Prometheus of the user's own. `scrapes_load_at` is where it expects the load's metrics, `host:port`."""

    url: HttpUrl
    scrapes_load_at: Annotated[str | None, Field(pattern=r"^[^:]+:\d+$")] = None

    @property
    def load_port(self) -> int | None:
        """The port of `scrapes_load_at`."""
        return int(self.scrapes_load_at.rpartition(":")[2]) if self.scrapes_load_at else None


class Link(Model):
    """The connection to a component, through a proxy that speaks Toxiproxy's HTTP API.

    probe: an HTTP path that is asked through the link, to see whether a fault bites; null where it isn't HTTP.
    """

    toxiproxy: HttpUrl
    proxy: str
    probe: Annotated[str | None, Field(pattern="^/")] = "/"


class ProcessAddress(Model):
    pidfile: Path


class Component(Model):
    """A part of the target that faults and mitigations may touch, and how."""

    process: ProcessAddress | None = None
    link: Link | None = None
    admin: HttpUrl | None = None


class TargetSpec(Model):
    """The system, its limits, and its protocols.

    connect_from: source addresses of the crowd, this machine's own, used in turn; without them the system chooses. For
    a target on this machine the crowd uses 127.64.0.0/10 by itself.
    """

    environment: str
    allow_hosts: Annotated[list[str], Field(min_length=1)]
    max_viewers: Annotated[int, Field(ge=1)]
    mark: Mark = Mark()
    identities: Identities = Identities(generate=1_000_000)
    connect_from: list[IPvAnyAddress] = []
    live: Live | None = None
    shop: Shop | None = None
    draw: Draw | None = None
    stream: Stream | None = None
    events: Events | None = None
    prometheus: PrometheusAddress | None = None
    components: dict[str, Component] = {}


class Target(Model):
    """A whole target file."""

    api_version: Annotated[V1, Field(alias="apiVersion")] = "flashcrowd/v1"
    kind: Literal["Target"] = "Target"
    metadata: Metadata
    spec: TargetSpec

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def prometheus_url(self) -> str | None:
        """Where its Prometheus is, with what the file takes from the environment filled in; not to be recorded."""
        if self.spec.prometheus is None:
            return None
        return fill(self.spec.prometheus.url, {f"env.{name}": value for name, value in os.environ.items()})

    def limited(self, limit: int | None) -> Target:
        """The target while a sale with this limit of its own is on: what viewers have to know who try its limit."""
        if limit is None or self.spec.shop is None:
            return self
        shop = self.spec.shop.model_copy(update={"limit": limit})
        return self.model_copy(update={"spec": self.spec.model_copy(update={"shop": shop})})

    def addresses(self) -> dict[str, str]:
        """Every URL of the target by its path in the file: what the guard has to look at."""
        return dict(_addresses(self.spec.model_dump(mode="python"), ("spec",)))

    def variables(self) -> dict[str, str]:
        """What runbooks may refer to: `COMPONENT.admin`, `live.url`, `shop.url`, `prometheus.url`."""
        spec = self.spec
        found = {f"{name}.admin": part.admin for name, part in spec.components.items() if part.admin}
        for name, part in (("live", spec.live), ("shop", spec.shop), ("prometheus", spec.prometheus)):
            if part is not None:
                found[f"{name}.url"] = part.url
        return found


def read_target(file: Path) -> Target:
    """The target of a file, its variables and secrets checked.

    Raises:
        DocumentError: with every fault of the file.
    """
    source = document(file, kind="Target")
    target = source.parse(Target)
    data = target.spec.model_dump(mode="python", by_alias=True)
    problems = [source.problem(path, message) for path, text in _texts(data, ("spec",)) for message in _unknown(text)]
    if problems:
        raise DocumentError(problems)
    return target


def _unknown(text: str) -> list[str]:
    """What is wrong with the variables of one text."""
    wrong = []
    for name in names(text):
        prefix, _, rest = name.partition(".")
        if prefix == "env" and rest:
            if rest not in os.environ:
                wrong.append(f"the environment variable {rest} is not set")
        elif not (name in RUN_VARIABLES or (prefix == "identity" and rest)):
            wrong.append(f"no variable ${{{name}}}; there are {', '.join(sorted(RUN_VARIABLES))}, identity.*, env.*")
    return wrong


def _texts(node: Any, path: tuple[str | int, ...]) -> list[tuple[tuple[str | int, ...], str]]:
    if isinstance(node, str):
        return [(path, node)]
    rows = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [found for key, value in rows for found in _texts(value, (*path, key))]


def _addresses(node: Any, path: tuple[str | int, ...]) -> list[tuple[str, str]]:
    return [
        (dotted(where), text)
        for where, text in _texts(node, path)
        if urlsplit(text).scheme in ("http", "https", "ws", "wss") and " " not in text
    ]


__all__ = [
    "Component",
    "Draw",
    "Events",
    "HttpRequest",
    "Identities",
    "LedgerSource",
    "Link",
    "Live",
    "Order",
    "Problem",
    "Shop",
    "Stream",
    "Target",
    "TargetSpec",
    "read_target",
]
