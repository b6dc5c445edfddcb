"""Prometheus: a client of its HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/).

Only what reads, of anything that answers like one (Mimir, Thanos, VictoriaMetrics): `monitors.asking` repeats it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx

from flashcrowd.errors import InputError, NeedError
from flashcrowd.masking import of_process
from monitors.access import Access
from monitors.asking import Asking, refused, said


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
    """One alert. state: `pending` or `firing`. active_at: when its expression came true, unix seconds.

    suppressed: why nobody is told of it though it fires, as Alertmanager alone knows. source: who told us.
    """

    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    state: str
    active_at: float
    suppressed: str | None = None
    source: str = "prometheus"


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
    partial: what it said of answers that lack a part of the data, each once.
    """

    def __init__(self, url: str, timeout: float = 5.0, access: Access | None = None) -> None:
        self._asking = Asking(url, timeout, access or Access())
        self.url, self.repeats, self.partial = self._asking.url, self._asking.repeats, list[str]()

    async def __aenter__(self) -> Prometheus:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._asking.aclose()

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
            InputError, NeedError: as `value`.
        """
        value = await self.value(promql, at)
        return value if value is not None and math.isfinite(value) else None

    async def value(self, promql: str, at: float | None = None) -> float | None:
        """The one value of a query, NaN and infinite ones included; None when there is no series.

        Raises:
            InputError: as `query`, or there are several series; NeedError as `query`.
        """
        samples = await self.query(promql, at)
        if len(samples) > 1:
            raise InputError(f"wants a query with one series, got {len(samples)}; put sum(...) around it: {promql}")
        return samples[0].value if samples else None

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

    async def alertmanagers(self) -> list[str]:
        """The addresses to which it sends alerts. Raises NeedError as `query`."""
        data = await self._ask("api/v1/alertmanagers")
        return [row["url"] for row in data["activeAlertmanagers"]]

    async def ready(self) -> bool:
        """Whether it serves queries; one try, never an error."""
        return await self._asking.once("-/ready")

    async def _ask(self, path: str, form: Mapping[str, str] | None = None) -> Any:
        return self._data(await self._asking.ask(path, form), form)

    def _data(self, answer: httpx.Response, form: Mapping[str, str] | None) -> Any:
        if form is not None and answer.status_code in (400, 422) and _has_error(answer):
            raise InputError(f"prometheus refuses the query: {said(answer)}; the query is: {form['query']}")
        if answer.status_code in (401, 403):
            raise NeedError(refused(self._asking, answer))
        if answer.has_redirect_location:
            place = urlsplit(answer.headers["location"])._replace(query="", fragment="").geturl()
            raise NeedError(
                f"{self.url} answers with {answer.status_code} and sends us to {place}; give that, if it is it"
            )
        try:
            body = answer.raise_for_status().json()
            self._hear(body)
            return body["data"]
        except (httpx.HTTPStatusError, ValueError, KeyError, TypeError, AttributeError):
            raise NeedError(
                f"{self.url} answers with {f'{answer.status_code} {said(answer)}'.rstrip()}, but not as a prometheus "
                "does; give the address that has /api/v1 below it"
            ) from None

    def _hear(self, body: Mapping[str, Any]) -> None:
        """Keep what says that a part is missing. Warnings about the query itself begin with `PromQL` (Prometheus'
        util/annotations); all others come from storage that did not answer. `isPartial` is VictoriaMetrics'."""
        found = [text for text in body.get("warnings") or () if not text.startswith("PromQL")]
        found += ["a part of its storage did not answer"] if body.get("isPartial") else []
        found = [of_process().values(text) for text in dict.fromkeys(found)]
        self.partial += [text for text in found if text not in self.partial]


def _has_error(answer: httpx.Response) -> bool:
    try:
        return "error" in answer.json()
    except (ValueError, TypeError):
        return False


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
