"""Measured: all that a run's directory tells of it that can be compared with another's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flashcrowd.errors import InputError
from flashcrowd.rundir import RunDirectory
from flashcrowd.verdict import Outcome
from gamedays.comparison.after_fault import after_faults
from gamedays.comparison.bad_share import BadShare
from gamedays.comparison.lapse import Duration
from gamedays.comparison.orders_seen import orders_seen
from gamedays.comparison.percentile import Percentile
from gamedays.comparison.quantiles import Sample
from gamedays.comparison.row import LAG, Key
from gamedays.comparison.shares import BLOCK, Block
from gamedays.comparison.state import State
from gamedays.comparison.weighed import Measure
from gamedays.judging.judge import ARRIVED
from gamedays.judging.sli import Sli, Window
from gamedays.story.story import Story, read_story
from loadtests.result import STATS, LoadResult, read_result

RATIOS = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
LAG_STEP = 0.05
"""Seconds of the generator's lag that mean nothing: the buckets near its limit of 250 ms are wider."""

Found = Iterator[tuple[Key, Measure]]


@dataclass(frozen=True)
class Measured:
    """A run with its figures. doubt: why none of what the crowd measured can be believed; None when it can."""

    story: Story
    result: LoadResult | None
    measures: dict[Key, Measure]
    doubt: str | None

    @property
    def name(self) -> str:
        return self.story.run.path.resolve().name


def measured(path: Path) -> Measured:
    """The figures of a run directory. Raises InputError when it isn't a game day's, or can't be read."""
    run = RunDirectory.open(path)
    story = read_story(run)
    try:
        result = read_result(run)
    except InputError:
        result = None
    except (TypeError, KeyError, ValueError) as error:
        raise InputError(
            f"{path / 'load'} can't be read by this version of flashcrowd ({error}); compare it with the version that "
            "its manifest.json names"
        ) from None
    found: dict[Key, Measure] = {}
    if story.start:
        for part in (_invariants, after_faults, _objectives, _orders):
            found |= dict(part(story))
        if result is not None:
            found |= dict(_requests(story, result)) | dict(_generator(result))
    return Measured(story, result, found, _doubt(story))


def _doubt(story: Story) -> str | None:
    crowd, planned = story.crowd, story.plan.spec.load.viewers
    if crowd is None:
        return "the load generator left no figures of itself"
    if crowd.saturated_seconds:
        return f"the load generator was saturated for {crowd.saturated_seconds:.0f} s"
    if crowd.viewers and crowd.viewers < ARRIVED * planned:
        return f"only {crowd.viewers:,} of {planned:,} viewers were connected"
    return None


def _invariants(story: Story) -> Found:
    for finding in story.orders.findings:
        yield (
            Key("invariants", finding.name.removeprefix("invariant/")),
            State(finding.outcome, finding.message),
        )


def _objectives(story: Story) -> Found:
    """Each SLI while no fault was in place; and how long it was outside of its objective while one was."""
    for slo in story.slos:
        sli = story.sli(slo.name)
        unknown = None if sli.tally(story.outside).known else "Prometheus has no data of the time outside of faults"
        blocks = tuple(_blocks(sli, story.outside))
        least = slo.rehearsal.min_events
        yield Key("objectives", _outside(story, slo.name)), BadShare(blocks, least, slo.budget, unknown)
        if story.windows:
            known = sli.tally(story.windows).known
            yield (
                Key("objectives", f"{slo.name} missed during faults"),
                Duration(
                    _missed(sli, story.windows, slo.budget),
                    sli.step,
                    unknown=None if known else "Prometheus has no data of the time of the faults",
                ),
            )


def _outside(story: Story, name: str) -> str:
    """The name of a figure of the time without faults; the same in a control without its fault."""
    return f"{name} outside faults" if story.faults else name


def _blocks(sli: Sli, windows: list[Window]) -> Iterator[Block]:
    for start, end in windows:
        at = start
        while at < end:
            tally = sli.tally([(at, min(at + BLOCK, end))])
            yield tally.bad, tally.total
            at += BLOCK


def _missed(sli: Sli, windows: list[Window], budget: float) -> float:
    """Seconds with more bad events than the budget allows."""
    seconds = ((at, bad, total) for at, bad, total in sli.rows if any(start <= at < end for start, end in windows))
    return sum(sli.step for _, bad, total in seconds if bad is not None and total and bad > budget * total)


def _orders(story: Story) -> Found:
    seen = orders_seen(story)
    if seen is None:
        return
    result = story.crowd and read_result(story.run)
    for name, ratio in RATIOS.items():
        lag = _lag(result) if result else 0.0
        yield Key("latency", _outside(story, f"order {name}")), Percentile(seen.times, ratio, lag)
    yield Key("requests", _outside(story, "order without answer")), BadShare(seen.unanswered)


def _requests(story: Story, result: LoadResult) -> Found:
    """Requests of other names, of which it isn't known when each was.

    Where faults were in place for longer than a percentile leaves out, it tells of them alone, which other rows do
    better: it is left out. So are failures, which come in heaps then.
    """
    faulty = sum(end - start for start, end in story.windows) / max(1.0, story.end - story.start)
    for row in story.run.read_json(f"load/{STATS}"):
        name, times = row["name"], _times(row)
        if times.count and not (name == "order" and orders_seen_in(story)):
            for percentile, ratio in RATIOS.items():
                if faulty < 1 - ratio or not story.faults:
                    yield Key("latency", f"{name} {percentile}"), Percentile(times, ratio, _lag(result))
        if not story.windows and row["num_requests"]:
            failed = ((row["num_failures"], row["num_requests"]),)
            yield Key("requests", f"{name} failed"), BadShare(failed)


def orders_seen_in(story: Story) -> bool:
    """Whether the history tells of orders."""
    return any(story.run.path.glob("load/history-*.jsonl"))


def _times(row: dict[str, Any]) -> Sample:
    """Locust's statistics have the middles of our histograms' buckets, in milliseconds."""
    return Sample(({float(millis) / 1e3: n for millis, n in row["response_times"].items()},))


def _lag(result: LoadResult) -> float:
    """How late the generator was in starting and in reading, at p99; seconds."""
    return sum(result.times.get(kind, {}).get("p99", 0.0) for kind in ("start lag", "read lag"))


def _generator(result: LoadResult) -> Found:
    yield LAG, Duration(result.lag_p99, LAG_STEP, tolerance=LAG_STEP)
    yield Key("generator", "saturated"), Duration(float(result.saturated_seconds), 1.0, tolerance=1.0)
    yield Key("generator", "late starts"), BadShare(((min(result.late_starts, result.total), result.total),))
    if planned := result.arrivals.get("planned", 0):
        missed = min(planned, result.arrivals["late"] + result.arrivals["dropped"])
        yield Key("generator", "arrivals late or dropped"), BadShare(((missed, planned),))
    lost = Outcome.FAIL if result.lost_workers else Outcome.PASS
    names = ", ".join(str(worker["name"]) for worker in result.lost_workers)
    yield Key("generator", "workers"), State(lost, f"lost: {names}" if names else "all stayed")
