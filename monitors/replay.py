"""Replay: when production's own rules would have noticed what was recorded, on a real Prometheus.

    courses ─► OpenMetrics ─► promtool tsdb create-blocks-from openmetrics ─► Prometheus with the past in blocks
                              promtool tsdb create-blocks-from rules       ─► the recording rules over that past
                              query_range of each alert's expression       ─► when it fires first

The rules are the text of `rules.rule_file`, and both steps read that text: promtool evaluates its recording rules, and
its alerts, which have no `for`, fire at the very evaluations at which their expression has a value. (The other way, to
put the recorded expressions into the alerts', would be rules that production doesn't have.) Two things differ: the
recorded counters stand in for the service's own series, and what no alert reads, the records over the budget's whole
period, is left out.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from flashcrowd.errors import NeedError
from flashcrowd.process import Supervisor
from flashcrowd.units import format_duration
from monitors import rules, server
from monitors.course import SCRAPE, Course, ceiling, open_metrics, replayed
from monitors.prometheus import Prometheus
from monitors.windows import WindowPolicy

APART = 30 * 86400.0
"""Seconds between the courses in the one database: blocks of this length, a course in each."""

FLAGS = ("--storage.tsdb.retention.time=100y",)
"""The courses lie years back, where no clock and no time zone has a say in which blocks they fall into."""

MISSING = (
    "promtool not found on PATH. It writes the recorded past into Prometheus' blocks; it comes with Prometheus.\n"
    "  Debian, Ubuntu:  apt install prometheus        macOS:  brew install prometheus"
)


@dataclass(frozen=True)
class Firing:
    """An alert's first evaluation with a value. at: unix seconds of the course. long, short: its pair's windows."""

    alert: str
    severity: str
    long: str
    short: str
    at: float

    @property
    def pair(self) -> str:
        """`1h/5m`"""
        return f"{self.long}/{self.short}"


def available() -> bool:
    """Whether there are a Prometheus and a promtool to replay with."""
    return shutil.which("prometheus") is not None and shutil.which("promtool") is not None


async def replay(
    supervisor: Supervisor, work: Path, courses: Sequence[Course], policy: WindowPolicy
) -> list[list[Firing]]:
    """For each course the alerts that fire in it from its `since` on, the first one first.

    work: an empty folder, by its whole path, for blocks and rules. Each course goes on at its level until the quickest
    pair that pages has had its time, or where none can be reached, the longest of them.

    Raises:
        NeedError: Prometheus or promtool is missing or failed.
        InputError: an SLO for which no alert of the policy could ever fire.
    """
    promtool = _promtool()
    placed = [_place(number, course, policy) for number, course in enumerate(courses)]
    texts = [rules.rule_file([replayed(course.slo)], policy.without_period()) for course in courses]
    write_lines(work / "past.om", open_metrics([(one.course, one.lasts, one.moved) for one in placed]))
    hours = f"--max-block-duration={APART / 3600:.0f}h"
    await _run(work, promtool, "tsdb", "create-blocks-from", "openmetrics", hours, "past.om", "prometheus/data")
    url = await server.start(supervisor, work / "prometheus", {}, flags=FLAGS)
    recording = [
        _record(promtool, work, url, f"{number}.rules.yml", text, one)
        for number, (one, text) in enumerate(zip(placed, texts, strict=True))
    ]
    await asyncio.gather(*recording)
    await supervisor.children[-1].stop()  # it finds new blocks when it starts; left alone it would take a minute
    url = await server.start(supervisor, work / "prometheus", {}, flags=FLAGS)
    async with Prometheus(url, timeout=30.0) as prometheus:
        return [await one.firings(prometheus, text) for one, text in zip(placed, texts, strict=True)]


@dataclass(frozen=True)
class _Placed:
    """A course at its place in the database. lasts: seconds that its level goes on. moved: seconds into the past."""

    course: Course
    lasts: float
    moved: float

    @property
    def start(self) -> float:
        return self.course.start + self.moved

    @property
    def end(self) -> float:
        return self.course.end + self.lasts + self.moved

    async def firings(self, prometheus: Prometheus, rule_text: str) -> list[Firing]:
        """Its alerts' first evaluations with a value, at the times at which the group was evaluated."""
        (group,) = YAML(typ="safe").load(rule_text)["groups"]
        recorded = group["rules"][0]["record"]
        first = await prometheus.scalar(f"min(min_over_time(timestamp({recorded})[1m:1s]))", self.start + 60)
        if first is None:
            return []
        found = [await self._first(prometheus, rule, first) for rule in group["rules"] if "alert" in rule]
        return sorted((one for one in found if one is not None), key=lambda one: one.at)

    async def _first(self, prometheus: Prometheus, rule: dict[str, Any], first: float) -> Firing | None:
        series = await prometheus.query_range(rule["expr"], first, self.end, SCRAPE)
        times = [at for one in series for at, _ in one.points if at >= self.course.since + self.moved]
        if not times:
            return None
        labels = rule["labels"]
        return Firing(rule["alert"], labels["sloth_severity"], labels["long"], labels["short"], min(times) - self.moved)


def _place(number: int, course: Course, policy: WindowPolicy) -> _Placed:
    pages = [pair for pair in policy.pairs if pair.severity == "page" and pair.factor * course.slo.budget < 1]
    lasts = course.horizon(pages or policy.pairs)
    start = 20 * APART + number * APART + ceiling(course.prefix, 2 * 3600)
    return _Placed(course, lasts, start - course.start)


async def _record(promtool: str, work: Path, url: str, file: str, text: str, one: _Placed) -> None:
    """Evaluate the recording rules over a course. When a group is evaluated follows from the name of its file, which is
    why it has no path in it."""
    write_lines(work / file, [text])
    window = (f"--url={url}", f"--start={one.start:.0f}", f"--end={one.end:.0f}", "--output-dir=prometheus/data")
    every = f"--eval-interval={format_duration(SCRAPE)}"
    await _run(work, promtool, "tsdb", "create-blocks-from", "rules", *window, every, file)


def write_lines(file: Path, lines: Iterable[str]) -> None:
    """Write a text file of these lines."""
    with file.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in lines)


def _promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        raise NeedError(MISSING)
    server.locate()
    return found


async def _run(folder: Path, *command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    if process.returncode:
        said = output.decode(errors="replace").strip()
        raise NeedError(f"{' '.join(command[:4])} failed with {process.returncode}:\n{said}")
