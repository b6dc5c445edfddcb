"""Alertmanager: a client of its API v2 (https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml).

Only what reads. Prometheus says which alerts fire; Alertmanager says of which of them anybody is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from flashcrowd.client import guarded_client
from flashcrowd.errors import GuardError, InputError, NeedError
from flashcrowd.guard import Guard
from monitors.prometheus import Alert

T = TypeVar("T")
SOURCE = "alertmanager"


@dataclass(frozen=True, slots=True)
class Silence:
    """One silence. state: `active`, `pending` or `expired`. ends_at: unix seconds."""

    id: str
    state: str
    by: str
    comment: str
    ends_at: float


class Alertmanager:
    """An Alertmanager, or anything that answers like one.

    url: its address, a path prefix included. filters: matchers, as `cluster="staging"`, that all alerts have to meet.
    guard: what may be connected to; without one, anything. timeout: seconds that one call may take.
    """

    def __init__(self, url: str, filters: Sequence[str] = (), guard: Guard | None = None, timeout: float = 2.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"'{url}' is not the URL of an Alertmanager; write http://HOST:9093")
        self.url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")  # without a password
        self._base, self._filters, self._timeout = url.rstrip("/"), tuple(filters), timeout
        loopback = parts.hostname in ("127.0.0.1", "::1", "localhost")  # a proxy of the environment can't reach it
        self._client = (
            guarded_client(guard, "spec.alertmanager.url", timeout)
            if guard is not None
            else httpx.AsyncClient(timeout=timeout, trust_env=not loopback)
        )
        self._known = dict[str, Silence]()

    async def __aenter__(self) -> Alertmanager:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def alerts(self) -> list[Alert]:
        """All alerts that fire, with why nobody is told of those that are silenced or inhibited.

        `active_at` is when the alert began to fire: for a rule with a `for`, that much later than Prometheus says.
        Labels have what Prometheus adds to those of its rules (`external_labels`).

        Raises:
            InputError: it refuses a filter. NeedError: no answer, or not that of an Alertmanager.
            GuardError: it may not be asked.
        """
        rows = await self._ask(
            "alerts", lambda answer: list(map(_row, answer)), [("filter", one) for one in self._filters]
        )
        if any(set(row.silenced_by) - self._known.keys() for row in rows):
            self._known = {silence.id: silence for silence in await self.silences()}
        return [self._alert(row) for row in rows if row.state != "unprocessed"]

    async def silences(self) -> list[Silence]:
        """All silences that it knows, expired ones too. Raises as `alerts`."""
        return await self._ask("silences", lambda answer: list(map(_silence, answer)))

    async def version(self) -> str:
        """Its version. Raises as `alerts`."""
        return await self._ask("status", lambda answer: str(answer["versionInfo"]["version"]))

    async def ready(self) -> bool:
        """Whether it takes alerts and answers; one try, never an error."""
        try:
            return (await self._client.get(f"{self._base}/-/ready")).is_success
        except (httpx.HTTPError, GuardError):
            return False

    def _alert(self, row: _Row) -> Alert:
        return Alert(
            row.labels["alertname"],
            row.labels,
            row.annotations,
            state="firing",
            active_at=row.starts_at,
            suppressed=self._why(row) if row.state == "suppressed" else None,
            source=SOURCE,
        )

    def _why(self, row: _Row) -> str:
        silences = [self._known[one] for one in row.silenced_by if one in self._known]
        if silences:
            return "; ".join(
                f"silenced by {one.by or 'nobody named'}: {one.comment or 'no comment'}" for one in silences
            )
        return "silenced" if row.silenced_by else "inhibited by another alert" if row.inhibited_by else "muted"

    async def _ask(self, path: str, read: Callable[[Any], T], query: Sequence[tuple[str, str]] = ()) -> T:
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._client.get(f"{self._base}/api/v2/{path}", params=tuple(query))
        except (httpx.HTTPError, TimeoutError) as error:
            why = str(error).lower() or "it took too long"
            raise NeedError(
                f"alertmanager at {self.url} did not answer ({why}); start it, or name another one"
            ) from None
        if answer.status_code == 400:
            raise InputError(f"alertmanager at {self.url} refuses the filter: {' '.join(answer.text.split())}")
        if answer.status_code in (401, 403):
            raise NeedError(
                f"alertmanager at {self.url} lets nobody in without credentials; write http://USER:PASSWORD@HOST"
            )
        try:
            return read(answer.raise_for_status().json())
        except (httpx.HTTPStatusError, ValueError, KeyError, TypeError, AttributeError):
            raise NeedError(
                f"{self.url} answers with {answer.status_code}, but not as an alertmanager does; "
                "give the address that has /api/v2 below it"
            ) from None


@dataclass(frozen=True, slots=True)
class _Row:
    """What we read of a `gettableAlert`."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: float
    state: str
    silenced_by: tuple[str, ...]
    inhibited_by: tuple[str, ...]


def _row(answer: Any) -> _Row:
    status = answer["status"]
    return _Row(
        {"alertname": "", **answer["labels"]},
        dict(answer["annotations"]),
        _unix(answer["startsAt"]),
        status["state"],
        tuple(status["silencedBy"]),
        tuple(status["inhibitedBy"]),
    )


def _silence(answer: Any) -> Silence:
    return Silence(
        answer["id"], answer["status"]["state"], answer["createdBy"], answer["comment"], _unix(answer["endsAt"])
    )


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
