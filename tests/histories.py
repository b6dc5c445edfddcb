"""Synthetic histories whose truth is known, in a real Prometheus, and what the gate says of each of them.

A history is an hour of one counter, scraped every 15 s, before 2026-01-05T21:00:00Z; those about clocks end three hours
from now, so that nothing but the clock tells what is still to come. `benchmarks/show_verdicts.py` prints the table.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import backfilled
from backfilled import write as backfill

from monitors.gate import run as gate_run
from monitors.gate.run import GateRun

END = 1_767_646_800.0  # 2026-01-05T21:00:00Z
HOUR, SCRAPE = 3600.0, 15.0
EDGES = (0.1, 0.25, 0.5, 1.0)
QUERY = 'sum(rate({metric}_total{{outcome="error"}}[{{{{.window}}}}]))', "sum(rate({metric}_total[{{{{.window}}}}]))"
GOOD = 'sum(rate({metric}_total{{outcome="{good}"}}[{{{{.window}}}}]))'
SLOWER = (
    'sum(rate({metric}_count[{{{{.window}}}}])) - sum(rate({metric}_bucket{{le="{le}"}}[{{{{.window}}}}]))',
    "sum(rate({metric}_count[{{{{.window}}}}]))",
)
QUANTILE = (
    "avg_over_time((histogram_quantile(0.99, sum by (le) (rate({metric}_bucket[5m]))) > bool 0.3)[{{{{.window}}}}:1m])"
)

Rate = Callable[[float], tuple[float, float]]
"""Events per second and the share of bad ones, at so many seconds of the hour."""


@dataclass(frozen=True)
class History:
    """name: a metric's name too. truth: what happened. expected: the outcome. rate: see `Rate`. scraped: whether there
    is a sample at a second. restarts: seconds at which the process began anew. says: a part of the message."""

    name: str
    truth: str
    expected: str
    says: str
    rate: Rate = lambda at: (100, 0.0005)
    scraped: Callable[[float], bool] = lambda at: True
    restarts: tuple[float, ...] = ()
    broken: Callable[[float], bool] = lambda at: False
    le: str | None = None
    good: str | None = None
    quantile: bool = False
    live: bool = False
    until: float | None = None
    ahead: float = 0.0
    parts: tuple[str, ...] = ()

    @property
    def end(self) -> float:
        return math.floor(time.time() / SCRAPE) * SCRAPE + 3 * HOUR if self.live else END

    def samples(self) -> Iterator[tuple[float, float, float]]:
        """(unix time, events, bad ones) at each scrape, from ten minutes before its hour."""
        length = 4 * HOUR if self.live else HOUR
        total = bad = 0.0
        for number in range(-40, round(length / SCRAPE) + 1):
            at = number * SCRAPE
            if any(at - SCRAPE < restart <= at for restart in self.restarts):
                total = bad = 0.0
            events, share = self.rate(at)
            total, bad = total + events * SCRAPE, bad + events * SCRAPE * share
            if self.scraped(at):
                yield self.end - length + at, *((math.nan, math.nan) if self.broken(at) else (total, bad))

    def openmetrics(self) -> Iterator[str]:
        if self.le is not None or self.quantile:
            yield from self._histogram()
        elif not self.parts:
            rows = list(self.samples())
            yield f"# TYPE {self.metric} counter"
            for outcome, values in (
                ("ok", [good - bad for _, good, bad in rows]),
                ("error", [bad for *_, bad in rows]),
            ):
                for (at, *_), value in zip(rows, values, strict=True):
                    yield f'{self.metric}_total{{job="shop",instance="a",outcome="{outcome}"}} {value:.0f} {at:.0f}'

    @property
    def metric(self) -> str:
        return self.name.replace("-", "_")

    def slo(self) -> str:
        """Its entry in a file of SLOs."""
        if self.quantile:
            sli = f"raw: {{error_ratio_query: '{QUANTILE.format(metric=self.metric)}'}}"
        elif self.good:
            errors = QUERY[1].format(metric=self.metric) + " - " + GOOD.format(metric=self.metric, good=self.good)
            sli = f"events: {{error_query: '{errors}', total_query: '{QUERY[1].format(metric=self.metric)}'}}"
        else:
            errors, totals = (text.format(metric=self.metric, le=self.le) for text in (SLOWER if self.le else QUERY))
            sli = f"events: {{error_query: '{errors}', total_query: '{totals}'}}"
        objective = 99 if self.le or self.quantile else 99.9
        return f"  - {{name: {self.name}, objective: {objective}, sli: {{{sli}}}, alerting: {{name: Burn}}}}\n"

    def _histogram(self) -> Iterator[str]:
        """Half of what is bad took up to 0.5 s, the other half longer."""
        rows = list(self.samples())
        counts: dict[str, list[float]] = {"0.1": [total * 0.9 - bad for _, total, bad in rows]}
        counts["0.25"] = [total - bad for _, total, bad in rows]
        counts["0.5"] = [total - bad / 2 for _, total, bad in rows]
        counts["1.0"] = counts["+Inf"] = [total for _, total, _ in rows]
        yield f"# TYPE {self.metric} histogram"
        for (at, total, _), *values in zip(rows, *counts.values(), strict=True):
            for edge, value in zip(counts, values, strict=True):
                yield f'{self.metric}_bucket{{job="shop",instance="a",le="{edge}"}} {value:.0f} {at:.0f}'
            yield f'{self.metric}_count{{job="shop",instance="a"}} {total:.0f} {at:.0f}'
            yield f'{self.metric}_sum{{job="shop",instance="a"}} {total / 10:.0f} {at:.0f}'


def _between(start: float, end: float) -> Callable[[float], bool]:
    return lambda at: start < at < end


def _outside(start: float, end: float) -> Callable[[float], bool]:
    return lambda at: not start < at < end


HISTORIES: tuple[History, ...] = (
    History("healthy", "0.05 % bad, 100 events a second", "pass", ""),
    History("slow-burn", "0.3 % bad, all the time", "fail", "0.3 % bad", lambda at: (100, 0.003)),
    History(
        "fast-burn",
        "5 % bad in the last 5 min",
        "fail",
        "0.4",
        lambda at: (100, 0.05 if at > HOUR - 300 else 0),
    ),
    History(
        "flash-spike",
        "2 % bad in 2 min of 50 times the traffic: 0.07 % of the time, 1.3 % of the events",
        "fail",
        "1.3 % bad",
        lambda at: (5000, 0.02) if 1800 < at <= 1920 else (100, 0),
    ),
    History(
        "flash-spike-held",
        "0.02 % bad in 2 min of 50 times the traffic",
        "pass",
        "",
        lambda at: (5000, 0.0002) if 1800 < at <= 1920 else (100, 0),
    ),
    History("gap", "healthy; no scrape for 3 min", "inconclusive", "for 3 min", scraped=_outside(1200, 1380)),
    History(
        "gap-and-burn",
        "0.3 % bad; no scrape for 3 min",
        "fail",
        "for 3 min",
        lambda at: (100, 0.003),
        _outside(1200, 1380),
    ),
    History("missed-scrapes", "healthy; three scrapes in a row fail", "pass", "", scraped=_outside(1200, 1260)),
    History(
        "late", "healthy; known for the last 20 min only", "inconclusive", "for 40 min", scraped=lambda at: at >= 2400
    ),
    History(
        "stopped", "healthy; silent in the last 10 min", "inconclusive", "for 10 min", scraped=lambda at: at <= 3000
    ),
    History("reset", "healthy; restarts twice", "pass", "began anew 2 times", restarts=(1207.0, 2407.0)),
    History(
        "reset-and-burn",
        "0.3 % bad; restarts twice",
        "fail",
        "began anew",
        lambda at: (100, 0.003),
        restarts=(1207, 2407),
    ),
    History("too-few", "40 events, none bad", "inconclusive", "more events", lambda at: (1 / 90, 0)),
    History("undecided", "36,000 events, 0.09 % bad", "inconclusive", "more events", lambda at: (10, 0.0009)),
    History("idle", "nobody came", "inconclusive", "nothing happened", lambda at: (0, 0)),
    History("no-data", "never scraped", "inconclusive", "no data", scraped=lambda at: False),
    History(
        "never-good",
        'all bad, counted as all less outcome="sold"; nothing was ever sold',
        "inconclusive",
        "a side of the '-' in error_query has no series",
        lambda at: (100, 1),
        good="sold",
    ),
    History("nan", "healthy; ends with NaN", "inconclusive", "gives NaN", broken=lambda at: at > 3500),
    History("nan-between", "healthy; NaN for 5 min", "inconclusive", "NaN among", broken=_between(1200, 1500)),
    History("edge", "99.2 % within 500 ms, as asked", "pass", "", lambda at: (100, 0.016), le="0.5"),
    History("edge-spelled", 'all within 1 s; asked as le="1"', "pass", "written 1.0", lambda at: (100, 0.016), le="1"),
    History(
        "between-edges",
        "0.8 % over 500 ms, 1.6 % over 250 ms; 300 ms asked",
        "inconclusive",
        "0.25 and 0.5",
        lambda at: (100, 0.016),
        le="0.3",
    ),
    History("edges-held", "0.4 % over 250 ms; 300 ms asked", "pass", "0.25 and 0.5", lambda at: (100, 0.004), le="0.3"),
    History(
        "quantile",
        "p99 between 250 and 500 ms; 300 ms asked",
        "inconclusive",
        "0.25 and 0.5",
        lambda at: (100, 0.016),
        quantile=True,
    ),
    History("both", "healthy and flash-spike-held", "pass", "", parts=("healthy", "flash-spike-held")),
    History("both-burn", "healthy and slow-burn", "fail", "0.3", parts=("healthy", "slow-burn")),
    History("both-gap", "healthy and gap", "inconclusive", "gap: no data from", parts=("healthy", "gap")),
    History("both-unknown", "healthy and no-data", "inconclusive", "no-data: no data", parts=("healthy", "no-data")),
    History("future", "healthy; --at 10 min ahead", "inconclusive", "600 s in the future", live=True, until=600.0),
    History(
        "clock-ahead",
        "healthy; our clock 90 s ahead, --at now by it",
        "inconclusive",
        "90 s in the future",
        live=True,
        until=90.0,
        ahead=90.0,
    ),
    History(
        "clock-behind", "healthy; our clock 90 s behind, no --at", "pass", "90 s ahead of ours", live=True, ahead=-90.0
    ),
)


async def judged(url: str, folder: Path, history: History) -> GateRun:
    """What `flashcrowd slo check` says of it over its hour."""
    file = folder / f"{history.name}.yaml"
    parts = [one for one in HISTORIES if one.name in history.parts] or [history]
    text = "version: prometheus/v1\nservice: shop\nslos:\n" + "".join(part.slo() for part in parts)
    if history.parts:
        text += f"composites:\n  - {{name: {history.name}, objective: 99.8, all: [{', '.join(history.parts)}]}}\n"
    file.write_text(text)
    at = history.end if not history.live else None if history.until is None else time.time() + history.until
    found = await gate_run.run(
        [str(file)], url, "1h", None if at is None else str(at), ours=lambda: time.time() + history.ahead
    )
    return GateRun(found.checked[-1:], found.window, found.at)


@asynccontextmanager
async def served(folder: Path, histories: Sequence[History] = HISTORIES) -> AsyncIterator[str]:
    """A Prometheus that holds them; its URL."""
    data = folder / "data"
    for live in (False, True):
        rows = [line for history in histories if history.live is live for line in history.openmetrics()]
        backfill(folder / "histories.om", rows, data)
    async with backfilled.served(folder, data) as url:
        yield url


async def rows() -> list[tuple[History, Any]]:
    """Each history with what is said of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with served(folder) as url:
            return [(history, await judged(url, folder, history)) for history in HISTORIES]


def table(found: Sequence[tuple[History, GateRun]]) -> str:
    """A Markdown table: history, truth, verdict, exit code and message."""
    lines = ["| history | what happened | verdict | exit | said |", "|---|---|---|--:|---|"]
    for history, run in found:
        judgement = run.checked[0].judgement
        cells = (history.name, history.truth, judgement.outcome.value, str(int(run.exit_code)), judgement.text)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
