"""Prometheus: a client of its HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/).

Only what reads: every call may be repeated, and is, until its deadline.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any
from urllib.parse import SplitResult, quote, urlencode, urlsplit

import httpx

from flashcrowd.errors import InputError, NeedError

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
"""Seconds between tries; each pause is twice the one before."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One series at one time. value: may be NaN or infinite. time: unix seconds."""

    labels: Mapping[str, str]
    value: float
    time: float


@dataclass(frozen=True, slots=True)
class Series:
    """One series over a range. points: (unix seconds, value), in order; a hole has no point."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. state: `pending` or `firing`. active_at: when its expression came true, unix seconds."""

    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    state: str
    active_at: float


@dataclass(frozen=True, slots=True)
class ScrapeTarget:
    """One thing that is scraped. health: `up`, `down`, or `unknown` before the first scrape. interval: seconds."""

    job: str
    instance: str
    health: str
    error: str
    interval: str


class Prometheus:
    """A Prometheus, or anything that answers like one.

    url: its address, a path prefix included. timeout: seconds that one call may take, with all its tries.
    """

    def __init__(self, url: str, timeout: float = 5.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or not _has_sound_port(parts):
            raise InputError(f"'{url}' is not the URL of a Prometheus; write http://HOST:9090")
        self.url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")  # without a password
        self._timeout = timeout
        loopback = parts.hostname in ("127.0.0.1", "::1", "localhost")  # a proxy of the environment can't reach it
        self._client = httpx.AsyncClient(base_url=url.rstrip("/") + "/", timeout=timeout, trust_env=not loopback)

    async def __aenter__(self) -> Prometheus:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def query(self, promql: str, at: float | None = None) -> list[Sample]:
        """The query's series at a unix time, or now.

        Raises:
            InputError: Prometheus refuses the query, or it gives a range or a text.
            NeedError: no answer before the deadline.
        """
        form = {"query": promql} if at is None else {"query": promql, "time": f"{at:.3f}"}
        data = await self._ask("api/v1/query", form)
        match data["resultType"]:
            case "vector":
                return [Sample(row["metric"], float(row["value"][1]), float(row["value"][0])) for row in data["result"]]
            case "scalar":
                return [Sample({}, float(data["result"][1]), float(data["result"][0]))]
            case kind:
                raise InputError(f"wants a query with one value a series, got a {kind}: {promql}")

    async def scalar(self, promql: str, at: float | None = None) -> float | None:
        """The one value of a query; None when there is no series, or it is NaN or infinite (nothing in nothing).

        Raises:
            InputError: as `query`, or there are several series; NeedError as `query`.
        """
        samples = await self.query(promql, at)
        if len(samples) > 1:
            raise InputError(f"wants a query with one series, got {len(samples)}; put sum(...) around it: {promql}")
        return samples[0].value if samples and math.isfinite(samples[0].value) else None

    async def query_range(self, promql: str, start: float, end: float, step: float) -> list[Series]:
        """The query's series from start to end (unix seconds, both included), a point every `step` seconds.

        Raises:
            InputError, NeedError: as `query`.
        """
        form = {"query": promql, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}"}
        data = await self._ask("api/v1/query_range", form)
        return [
            Series(row["metric"], tuple((float(at), float(value)) for at, value in row["values"]))
            for row in data["result"]
        ]

    async def alerts(self) -> list[Alert]:
        """All alerts that are pending or firing. Raises NeedError as `query`."""
        data = await self._ask("api/v1/alerts")
        return [
            Alert(row["labels"]["alertname"], row["labels"], row["annotations"], row["state"], _unix(row["activeAt"]))
            for row in data["alerts"]
        ]

    async def alert_names(self) -> set[str]:
        """The names of all alerts that there are rules for. Raises NeedError as `query`."""
        data = await self._ask("api/v1/rules?type=alert")
        return {rule["name"] for group in data["groups"] for rule in group["rules"]}

    async def targets(self) -> list[ScrapeTarget]:
        """What is scraped, and how it goes. Raises NeedError as `query`."""
        data = await self._ask("api/v1/targets?state=active")
        return [
            ScrapeTarget(
                row["labels"].get("job", ""),
                row["labels"].get("instance", ""),
                row["health"],
                row["lastError"],
                row.get("scrapeInterval", ""),
            )
            for row in data["activeTargets"]
        ]

    async def label_names(self, metric: str) -> list[str]:
        """The labels of all series of a metric; none when it has no series. Raises NeedError as `query`."""
        return list(await self._ask(f"api/v1/labels?{urlencode({'match[]': metric})}"))

    async def label_values(self, label: str, metric: str | None = None) -> list[str]:
        """The values of a label, of all series or those of a metric. Raises NeedError as `query`."""
        match = f"?{urlencode({'match[]': metric})}" if metric else ""
        return list(await self._ask(f"api/v1/label/{quote(label, safe='')}/values{match}"))

    async def metric_types(self, metric: str) -> list[str]:
        """What its exporters call a metric: `counter`, `gauge`, ... Raises NeedError as `query`."""
        found = await self._ask(f"api/v1/metadata?{urlencode({'metric': metric})}")
        return sorted({row["type"] for row in found.get(metric, [])})

    async def ready(self) -> bool:
        """Whether it serves queries; one try, never an error."""
        try:
            return (await self._client.get("-/ready")).is_success
        except httpx.HTTPError:
            return False

    async def _ask(self, path: str, form: Mapping[str, str] | None = None) -> Any:
        """The data of an answer; 5xx and broken connections are tried again until the deadline."""
        loop = asyncio.get_running_loop()
        until, pause, why = loop.time() + self._timeout, FIRST_PAUSE, "it took too long"
        try:
            async with asyncio.timeout_at(until):
                while True:
                    try:
                        answer = await self._client.request("POST" if form else "GET", path, data=form)
                        if not answer.is_server_error:
                            return self._data(answer, form)
                        why = f"its answer was {answer.status_code} {_error_of(answer)}".rstrip()
                    except httpx.HTTPError as error:
                        why = str(error).lower() or why
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
        except TimeoutError:
            raise NeedError(
                f"prometheus at {self.url} did not answer within {self._timeout:g} s ({why}); "
                "start it, or name another one"
            ) from None

    def _data(self, answer: httpx.Response, form: Mapping[str, str] | None) -> Any:
        if form is not None and answer.status_code in (400, 422):
            raise InputError(f"prometheus refuses the query: {_error_of(answer)}; the query is: {form['query']}")
        if answer.status_code in (401, 403):
            raise NeedError(
                f"prometheus at {self.url} lets nobody in without credentials; write http://USER:PASSWORD@HOST"
            )
        try:
            return answer.raise_for_status().json()["data"]
        except (httpx.HTTPStatusError, ValueError, KeyError, TypeError):
            raise NeedError(
                f"{self.url} answers with {answer.status_code}, but not as a prometheus does; "
                "give the address that has /api/v1 below it"
            ) from None


def _has_sound_port(parts: SplitResult) -> bool:
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def _error_of(answer: httpx.Response) -> str:
    """What Prometheus says went wrong, on one line."""
    try:
        return " ".join(str(answer.json()["error"]).split())
    except (ValueError, KeyError, TypeError):
        return ""


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
