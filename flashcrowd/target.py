"""Target: the system under test, described in a file (`kind: Target`)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit

from pydantic import Field, IPvAnyAddress, model_validator

from flashcrowd import codecs, masking, secret
from flashcrowd.addresses import Host, OpenUrl
from flashcrowd.components import Component, Link
from flashcrowd.documents import V1, Metadata, Model, document, dotted
from flashcrowd.headers import Headers
from flashcrowd.protocols import Draw, Events, HttpRequest, LedgerSource, Live, Order, Shop, Stream
from flashcrowd.secret import Secret
from flashcrowd.target_checks import rules, texts
from flashcrowd.template import fill


class Mark(Model):
    """What tells the crowd's requests from customers' ones (traffic colouring): on every request and handshake.

    It knows `${run}`, `${traceparent}` and secrets: all that there is on every request, also on those of no viewer.
    """

    headers: Headers = {}


class Admin(Model):
    """What requests to the target's admin paths (sales, draws, ledgers) carry besides the mark, as a token."""

    headers: Headers = {}


class Mitigations(Model):
    """What may be done to the target without a person. automatic: all of it, or the components named."""

    automatic: bool | list[str] = False

    def allows(self, components: Iterable[str]) -> bool:
        """Whether a mitigation that touches these (`*` is everything) may be done without a person."""
        if isinstance(self.automatic, bool):
            return self.automatic
        return set(components) <= set(self.automatic)


class Identities(Model):
    """Who the viewers are: rows of a CSV file, or generated ones with the columns `user` and `token`."""

    file: Path | None = None
    generate: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Identities:
        if (self.file is None) == (self.generate is None):
            raise ValueError("wants either file or generate")
        return self


ScrapeAddress = Annotated[str, Field(pattern=r"^[^:]+:\d+$")]


class PrometheusAddress(Model):
    """A Prometheus of the user's own, and where it expects our metrics, as `host:port`.

    scrapes_load_at: the load's. scrapes_faults_at: `flashcrowd_fault_active`, of whoever injects faults.
    """

    url: OpenUrl
    scrapes_load_at: ScrapeAddress | None = None
    scrapes_faults_at: ScrapeAddress | None = None

    @property
    def load_port(self) -> int | None:
        """The port of `scrapes_load_at`."""
        return _port(self.scrapes_load_at)

    @property
    def faults_port(self) -> int | None:
        """The port of `scrapes_faults_at`."""
        return _port(self.scrapes_faults_at)


class AlertmanagerAddress(Model):
    """An Alertmanager to which that Prometheus sends its alerts: pages are read from it, silenced ones are none.

    filter: matchers, as `cluster="staging"`, of the alerts that are ours, where it has those of other systems too.
    """

    url: OpenUrl
    filter: list[Annotated[str, Field(min_length=1)]] = []


class GrafanaAddress(Model):
    """A Grafana for dashboards and annotations. token_env: the variable of the environment that has its token."""

    url: OpenUrl
    token_env: str

    @property
    def token(self) -> str:
        """The token. Raises InputError when the environment has none."""
        return secret.read_env(self.token_env)


class TargetSpec(Model):
    """The system, its limits, and its protocols.

    connect_from: source addresses of the crowd, this machine's own, used in turn; without them the system chooses. For
    a target on this machine the crowd uses 127.64.0.0/10 by itself. secrets: by name, for `${secret.NAME}`.
    """

    environment: str
    allow_hosts: Annotated[list[Host], Field(min_length=1)]
    max_viewers: Annotated[int, Field(ge=1)]
    mark: Mark = Mark()
    admin: Admin = Admin()
    secrets: dict[Annotated[str, Field(pattern=r"^[A-Za-z_][\w-]*$")], Secret] = {}
    identities: Identities = Identities(generate=1_000_000)
    connect_from: list[IPvAnyAddress] = []
    live: Live | None = None
    shop: Shop | None = None
    draw: Draw | None = None
    stream: Stream | None = None
    events: Events | None = None
    prometheus: PrometheusAddress | None = None
    alertmanager: AlertmanagerAddress | None = None
    grafana: GrafanaAddress | None = None
    components: dict[str, Component] = {}
    mitigations: Mitigations = Mitigations()


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
    def faults_port(self) -> int | None:
        """Where whoever injects faults serves `flashcrowd_fault_active`; None where no Prometheus looks for it."""
        return self.spec.prometheus.faults_port if self.spec.prometheus is not None else None

    @property
    def prometheus_url(self) -> str | None:
        """Where its Prometheus is, with what the file takes from the environment filled in; not to be recorded."""
        return self._filled(self.spec.prometheus.url) if self.spec.prometheus is not None else None

    @property
    def alertmanager_url(self) -> str | None:
        """Where its Alertmanager is, as `prometheus_url`."""
        return self._filled(self.spec.alertmanager.url) if self.spec.alertmanager is not None else None

    @property
    def grafana_url(self) -> str | None:
        """Where its Grafana is, as `prometheus_url`."""
        return self._filled(self.spec.grafana.url) if self.spec.grafana is not None else None

    def _filled(self, url: str) -> str:
        """Each value stays within its place, whatever it holds: a password with an @ names no other host."""
        values = secret.variables(self.spec.secrets)
        return fill(url, {name: quote(value, safe="") for name, value in values.items()})

    def learn_secrets(self) -> None:
        """Have everything that the file takes from outside masked, in whatever this process records or shows."""
        found = secret.mentioned((text for _, text in texts(self.spec.model_dump())), self.spec.secrets)
        grafana = self.spec.grafana
        masking.learn(found | ({os.environ.get(grafana.token_env, "")} if grafana is not None else set()))

    def limited(self, limit: int | None) -> Target:
        """The target while a sale with this limit of its own is on: what viewers have to know who try its limit."""
        if limit is None or self.spec.shop is None:
            return self
        shop = self.spec.shop.model_copy(update={"limit": limit})
        return self.model_copy(update={"spec": self.spec.model_copy(update={"shop": shop})})

    def addresses(self) -> dict[str, str]:
        """Every URL of the target by its path in the file: what the guard has to look at."""
        return {
            dotted(path): text
            for path, text in texts(self.spec.model_dump(mode="python"), ("spec",))
            if urlsplit(text).scheme in ("http", "https", "ws", "wss", "redis", "rediss") and " " not in text
        }

    def variables(self) -> dict[str, str]:
        """What runbooks may refer to: `COMPONENT.admin`, `COMPONENT.start`, `live.url`, `shop.url`, `prometheus.url`.

        `COMPONENT.start` is where a POST starts its process again; where it has several, `${name}` in it is the pattern
        of their pidfiles, as `live-*`.
        """
        spec = self.spec
        found = {f"{name}.admin": part.admin for name, part in spec.components.items() if part.admin}
        for name, part in spec.components.items():
            if part.process is not None and (start := part.process.start_url) is not None:
                found[f"{name}.start"] = start
        for name, block in (("live", spec.live), ("shop", spec.shop), ("prometheus", spec.prometheus)):
            if block is not None:
                found[f"{name}.url"] = block.url
        return found


def read_target(file: Path) -> Target:
    """The target of a file, its variables, secrets, identities and frames checked; files are meant from its folder.

    Raises:
        DocumentError: with every fault of the file.
    """
    target = document(file, kind="Target").parse(Target, *rules(file.parent))
    anchored = _anchored(target, file.parent)
    anchored.learn_secrets()
    return anchored


def _port(address: str | None) -> int | None:
    return int(address.rpartition(":")[2]) if address else None


def _anchored(target: Target, folder: Path) -> Target:
    """The target with the paths of its files as every process, in whatever folder, can open them."""
    spec = target.spec
    identities = spec.identities
    if identities.file is not None:
        identities = identities.model_copy(update={"file": (folder / identities.file).resolve()})
    secrets = {
        name: one if one.file is None else one.model_copy(update={"file": (folder / one.file).resolve()})
        for name, one in spec.secrets.items()
    }
    live = spec.live
    if live is not None:
        live = live.model_copy(update={"codec": codecs.anchored(live.codec, folder)})
    components = {name: one.anchored(folder) for name, one in spec.components.items()}
    update = {"identities": identities, "secrets": secrets, "live": live, "components": components}
    return target.model_copy(update={"spec": spec.model_copy(update=update)})


__all__ = [
    "Admin",
    "AlertmanagerAddress",
    "Component",
    "Draw",
    "Events",
    "GrafanaAddress",
    "HttpRequest",
    "Identities",
    "LedgerSource",
    "Link",
    "Live",
    "Mark",
    "Mitigations",
    "Order",
    "Shop",
    "Stream",
    "Target",
    "TargetSpec",
    "read_target",
]
