"""Result: what a load came to, read from the run directory at any later time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flashcrowd.errors import InputError
from flashcrowd.rundir import RunDirectory
from loadtests.metrics import Tally

STATS = "stats.json"
SUMMARY = "summary.json"


@dataclass(frozen=True)
class RequestResult:
    """The requests of one name. Response times in seconds, to within 1 %; 0 where nothing was timed."""

    name: str
    method: str
    requests: int
    failures: int
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True)
class LoadResult:
    """A whole load.

    orders, deliveries: by outcome. lag_p99: seconds, the upper edge of its bucket. saturated_seconds: how long the
    generator could not be trusted, on the worst worker; after the first of them, no verdict is a pass.
    times: by what was timed (`service ORDER`, `delivery`, `start lag`, `read lag`). late_starts: more than 100 ms.
    withheld: comments of ours that nobody heard. stamped: the share of reads with the kernel's time of arrival.
    lost_workers: name, viewers and reason of each worker that was lost while the load ran.
    arrivals: planned, started, late (more than 100 ms), dropped. rushes: starts after a reaction time; `rush lag` in
    times says how much later than event and reaction time they were. stream: what the players saw (docs/watching.md);
    empty when nobody watched. behaviour: what became of behaviour events; empty when there were none.
    rooms: by kind, as of RoomTally.summary. chat: as of ChatTally.summary.
    """

    requests: tuple[RequestResult, ...]
    orders: Mapping[str, int]
    deliveries: Mapping[str, int]
    lag_p99: float
    saturated_seconds: int
    times: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    late_starts: int = 0
    withheld: int = 0
    stamped: float = 1.0
    lost_workers: Sequence[Mapping[str, Any]] = ()
    arrivals: Mapping[str, int] = field(default_factory=dict)
    rushes: int = 0
    stream: Mapping[str, Any] = field(default_factory=dict)
    behaviour: Mapping[str, Any] = field(default_factory=dict)
    rooms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    chat: Mapping[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Requests of all names."""
        return sum(row.requests for row in self.requests)

    @property
    def failures(self) -> int:
        return sum(row.failures for row in self.requests)


def summary(tally: Tally, lost: Sequence[Mapping[str, Any]] = ()) -> str:
    """What Locust's own statistics don't have, as JSON text."""
    return json.dumps(
        {
            "orders": {str(outcome): count for outcome, count in tally.orders.items()},
            "deliveries": tally.all_rooms().deliveries(),
            "lag_p99": min(tally.lag.quantile(0.99), 1e9),
            "saturated_seconds": tally.saturated_seconds,
            "times": _times(tally),
            "late_starts": tally.late_starts,
            "withheld": tally.all_rooms().withheld,
            "lost_workers": list(lost),
            "arrivals": tally.arrivals(),
            "rushes": tally.rush_lag.count,
            "stream": tally.playback.summary(),
            "behaviour": tally.freshness.summary(),
            "rooms": {kind: rooms.summary() for kind, rooms in tally.rooms.items()},
            "chat": tally.chat.summary(),
            "stamped": 1.0 - tally.unstamped / tally.reads if tally.reads else 1.0,
        },
        indent=2,
    )


def _times(tally: Tally) -> dict[str, dict[str, float]]:
    """Seconds, to within 1 %, of all that has a histogram of its own; the response times are in Locust's statistics."""
    seen = {"delivery": tally.all_rooms().times, "start lag": tally.start_lag, "read lag": tally.read_lag}
    seen |= {"arrival lag": tally.arrival_lag, "rush lag": tally.rush_lag}
    seen |= {f"service {name}": one for name, one in tally.services.items()}
    ratios = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {name: {key: one.quantile(ratio) for key, ratio in ratios.items()} for name, one in seen.items()}


def read_result(run: RunDirectory) -> LoadResult:
    """The result of the load in a run directory. Raises InputError when the load ended before it was written."""
    counts, rows = run.read_json(f"load/{SUMMARY}"), run.read_json(f"load/{STATS}")
    try:
        return LoadResult(requests=tuple(_request(row) for row in rows), **counts)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise InputError(
            f"load/{SUMMARY} or load/{STATS} can't be read by this version of flashcrowd: {error}"
        ) from None


def _request(row: dict[str, Any]) -> RequestResult:
    times = sorted((float(millis), count) for millis, count in row["response_times"].items())
    p50, p95, p99 = (_quantile(times, ratio) for ratio in (0.5, 0.95, 0.99))
    return RequestResult(row["name"], row["method"] or "", row["num_requests"], row["num_failures"], p50, p95, p99)


def _quantile(times: list[tuple[float, int]], ratio: float) -> float:
    """Nearest rank, in seconds."""
    wanted, running = ratio * sum(count for _, count in times), 0
    for millis, count in times:
        running += count
        if running >= wanted:
            return millis / 1e3
    return 0.0
