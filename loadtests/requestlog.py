"""Request log: what the crowd's requests came to, counted many at once, and poured into Locust's statistics.

Locust's event and its statistics cost more than a request itself. So a request that went well is noted, and counted
with some hundreds of others, or within a second. As soon as a scenario listens to `events.request`, each request is
told by it as in any Locust file; so is each that failed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from locust.env import Environment
from locust.stats import StatsEntry

from loadtests.crowd.histogram import AT_ONCE, LatencyHistogram
from loadtests.metrics import Tally
from loadtests.report import Request

_LOCUSTS = "locust.runners"


class RequestLog:
    """The requests of one process. Called with each that has ended.

    tally: what the process counts. ours: the listener by which plain Locust users are counted into it.
    """

    def __init__(self, environment: Environment, tally: Callable[[], Tally], ours: Callable[..., None]) -> None:
        events: Any = environment.events  # Locust's hooks have no types
        self._hook = events.request
        self._stats, self._tally, self._ours = environment.stats, tally, ours
        self._hook.add_listener(ours)
        self._listening: list[Any] = self._hook._handlers
        self._batches: dict[tuple[str, str], _Batch] = {}
        self._listeners, self._told = 0, False

    def __call__(self, request: Request) -> None:
        """A request has ended."""
        method, name, seconds, size, error, service = request
        if len(self._listening) != self._listeners:
            self._look_who_listens()
        if error is not None or self._told:
            self._tell(request)
            return
        batch = self._batches.get((name, method))
        if batch is None:
            batch = self._batches[name, method] = _Batch()
        batch.count += 1
        batch.size += size
        if seconds is not None:
            batch.seconds.append(seconds)
        if service is not None:
            batch.services.append(service)
        if batch.count >= AT_ONCE:
            self._count(name, method, batch)

    def pour(self) -> None:
        """Count what is noted: before anybody reads the statistics or the tally."""
        for (name, method), batch in self._batches.items():
            self._count(name, method, batch)

    def _look_who_listens(self) -> None:
        """Whether it is anybody besides Locust's statistics and us."""
        self._listeners = len(self._listening)
        self._told = any(one != self._ours and one.__module__ != _LOCUSTS for one in self._listening)

    def _tell(self, request: Request) -> None:
        self._hook.fire(
            request_type=request.method,
            name=request.name,
            response_time=None if request.seconds is None else request.seconds * 1e3,
            response_length=request.size,
            exception=request.error,
            context={},
        )
        if request.service is not None:
            self._tally().service(request.name, request.service)

    def _count(self, name: str, method: str, batch: _Batch) -> None:
        if not batch.count:
            return
        self._tally().answered(name, batch.count, batch.seconds, batch.services)
        entry = batch.entry(StatsEntry(self._stats, name, method))
        self._stats.entries[name, method].extend(entry)
        self._stats.total.extend(entry)
        batch.clear()


class _Batch:
    """Requests of one name that are noted, but not counted: how many, their answers' bytes, and their durations."""

    __slots__ = ("count", "seconds", "services", "size")

    def __init__(self) -> None:
        self.count = self.size = 0
        self.seconds, self.services = list[float](), list[float]()

    def clear(self) -> None:
        self.count = self.size = 0
        self.seconds.clear()
        self.services.clear()

    def entry(self, entry: StatsEntry) -> StatsEntry:
        """The batch as Locust's statistics have it, in milliseconds; Locust merges it, as it does workers' reports."""
        now, seen = time.time(), LatencyHistogram()
        seen.record_all([seconds * 1e3 for seconds in self.seconds])
        times: Any = dict(seen.buckets())
        entry.num_requests, entry.num_none_requests = self.count, self.count - seen.count
        entry.last_request_timestamp, entry.num_reqs_per_sec = now, {int(now): self.count}
        entry.total_content_length, entry.response_times = self.size, times
        if seen.count:
            total, lowest, highest = seen.total, seen.lowest, seen.highest
            entry.total_response_time, entry.min_response_time, entry.max_response_time = total, lowest, highest  # type: ignore[assignment]
        return entry
