"""Load findings: what the figures of a load alone say of it, and of the generator that made it."""

from __future__ import annotations

from collections.abc import Mapping

from flashcrowd.verdict import Finding, Outcome
from loadtests.result import LoadResult

MISSED_SHARE = 0.01
"""Share of the arrivals that may be late or dropped before the demand is not the one that was asked for."""

RUSH_LIMIT = 1.0
"""Seconds late, at p99, within which a rush is still the rush of people: their reaction times spread as far."""

FAILED = 0.01
"""Share of failed requests beyond which a load alone has failed: it has no SLO that could say better."""


def findings(result: LoadResult) -> list[Finding]:
    """All of them."""
    return [activity(result), trust(result), *arrivals(result), *rushes(result), *lost(result)]


def activity(result: LoadResult) -> Finding:
    if not result.total:
        return Finding("load/activity", Outcome.INCONCLUSIVE, "no request was made")
    message = f"{result.total:,} requests, {result.failures:,} failed"
    missed = result.failures > FAILED * result.total
    return Finding("load/activity", Outcome.FAIL if missed else Outcome.PASS, message)


def trust(result: LoadResult) -> Finding:
    lag = f"generator lag p99 {result.lag_p99 * 1000:.0f} ms"
    if result.saturated_seconds:
        message = f"{lag}; saturated for {result.saturated_seconds} s: its figures can't be trusted"
        return Finding("crowd/trust", Outcome.INCONCLUSIVE, message)
    return Finding("crowd/trust", Outcome.PASS, f"{lag}: its measurements can be trusted")


def arrivals(result: LoadResult) -> list[Finding]:
    """How the schedule was kept; another demand than the one asked for is no ground for a verdict."""
    counts, late = result.arrivals, result.times.get("arrival lag", {})
    if not (planned := counts.get("planned", 0)):
        return []
    message = (
        f"{planned:,} arrivals planned, {counts['started']:,} started, {counts['late']:,} of them late, "
        f"{counts['dropped']:,} dropped; lateness {_quantiles(late)}"
    )
    kept = counts["late"] + counts["dropped"] <= MISSED_SHARE * planned
    return [Finding("crowd/arrivals", Outcome.PASS if kept else Outcome.INCONCLUSIVE, message, dict(counts))]


def rushes(result: LoadResult) -> list[Finding]:
    """How late the generator was when everybody wanted to start."""
    if not result.rushes:
        return []
    late = result.times["rush lag"]
    outcome = Outcome.PASS if late["p99"] <= RUSH_LIMIT else Outcome.INCONCLUSIVE
    message = f"{result.rushes:,} rushes began after event and reaction time by {_quantiles(late)}"
    return [Finding("crowd/rush", outcome, message, dict(late))]


def lost(result: LoadResult) -> list[Finding]:
    return [
        Finding(
            "crowd/worker",
            Outcome.INCONCLUSIVE,
            f"{lost['name']} {lost['reason']} with {lost['viewers']:,} viewers; the other workers took them over",
            dict(lost),
        )
        for lost in result.lost_workers
    ]


def _quantiles(times: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {times[name] * 1000:.0f} ms" for name in ("p50", "p99", "max"))
