"""Candidates: the queries that may tell causes apart: runbooks' Diagnosis steps, and what any platform exports.

The latter are probes, which nobody wrote into a page yet: how slow each histogram is, whether each job answers, how
busy it is. The crowd's own metrics are none, as production doesn't have them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import promql_parser

import runbooks.catalogue
from flashcrowd.errors import FlashcrowdError
from flashcrowd.template import fill
from gamedays.target.addresses import OUR_JOBS
from monitors.prometheus import Prometheus
from monitors.promql import children
from monitors.slo import Slo
from runbooks.model import Heading, PromqlStep, Runbook

MOST_PROBES = 60
PROBE_WINDOW = "5s"
_NOT_THE_PLATFORM = re.compile(
    r"flashcrowd_|prometheus_|alertmanager_|go_|net_conntrack_|promhttp_|scrape_|python_|process_|slo:"
)
"""Metrics of whoever measures, and of the runtimes that measure themselves."""

_A_TIME = re.compile(r"(_seconds|_milliseconds|_ms|latency\w*|duration\w*)_bucket$")
"""Histograms of times; of others nobody can say that much is bad."""


@dataclass(frozen=True)
class Candidate:
    """One query. runbook, expect: of the step that it is; a probe has neither. reach: seconds that it looks back."""

    name: str
    query: str
    reach: float
    runbook: str | None = None
    expect: str | None = None


@dataclass(frozen=True)
class LeftOut:
    """A step or a page that can't be asked, and why."""

    runbook: str
    step: str
    reason: str


def known_runbooks(slos: Sequence[Slo]) -> tuple[list[Runbook], list[LeftOut]]:
    """The built-in runbooks, and those that the SLOs' alerts name, each read once; a page that is wrong is left out."""
    names = [*(slo.runbook for slo in slos), *runbooks.catalogue.builtin_names()]
    found, left = dict[str, Runbook](), []
    for name in dict.fromkeys(name for name in names if name and "://" not in name):
        try:
            page = runbooks.catalogue.find(name)
            found.setdefault(page.name, page)
        except FlashcrowdError as error:
            left.append(LeftOut(name, "", str(error).partition("\n")[0]))
    return list(found.values()), left


def steps(pages: Sequence[Runbook], variables: Mapping[str, str]) -> tuple[list[Candidate], list[LeftOut]]:
    """The Diagnosis steps of these pages that ask Prometheus and expect something."""
    found, left = [], []
    for page in pages:
        for step in page.steps(Heading.DIAGNOSIS):
            if not isinstance(step, PromqlStep) or step.expect is None:
                continue
            try:
                query = fill(step.query, variables)
                found.append(Candidate(step.name, query, reach(query), page.name, str(step.expect)))
            except (FlashcrowdError, ValueError) as error:
                left.append(LeftOut(page.name, step.name, str(error)))
    return found, left


async def probes(prometheus: Prometheus) -> list[Candidate]:
    """What is exported besides, as queries of one series each. Raises NeedError when Prometheus doesn't answer."""
    names, jobs, busy = await asyncio.gather(
        prometheus.label_values("__name__"),
        prometheus.label_values("job", "up"),
        prometheus.label_values("job", "process_cpu_seconds_total"),
    )
    return list(_probes(names, jobs, busy))[:MOST_PROBES]


def _probes(names: Sequence[str], jobs: Sequence[str], busy: Sequence[str]) -> Iterator[Candidate]:
    for job in sorted(set(jobs) - {*OUR_JOBS, "prometheus"}):
        yield _probe(f"{_word(job)}-down", f"min(up{{job={_quoted(job)}}})")
    for name in sorted(names):
        if _A_TIME.search(name) and not _NOT_THE_PLATFORM.match(name):
            slow = f"histogram_quantile(0.9, sum by (le) (rate({name}[{PROBE_WINDOW}])))"
            yield _probe(f"{_word(name.removesuffix('_bucket'))}-slow", slow)
    for job in sorted(set(busy) - {*OUR_JOBS, "prometheus"}):
        cpu = f"max(rate(process_cpu_seconds_total{{job={_quoted(job)}}}[{PROBE_WINDOW}]))"
        yield _probe(f"{_word(job)}-busy", cpu)


def _probe(name: str, query: str) -> Candidate:
    return Candidate(name, query, reach(query))


def reach(query: str) -> float:
    """Seconds that a query looks back, at most: the longest range and subquery, one in the other, and offsets.

    Raises:
        ValueError: it isn't PromQL.
    """
    return _reach(promql_parser.parse(query))


def _reach(node: object) -> float:
    own = sum(span.total_seconds() for name in ("range", "offset") if (span := getattr(node, name, None)) is not None)
    below = [_reach(child) for child in children(node)]
    return float(own + max(below, default=0.0))


def _word(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
