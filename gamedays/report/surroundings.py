"""Surroundings: what a run was made of and made on, and what therefore can't be concluded from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flashcrowd.units import about
from flashcrowd.verdict import Outcome, Verdict
from gamedays.judging import production
from gamedays.plan import EMBEDDED
from gamedays.playing.extracts import CHARTS, STEP, WINDOW
from gamedays.story.story import Story

FILES = (
    ("manifest.json", "plan, target, objectives, versions, machine"),
    ("events.jsonl", "everything that happened, by time"),
    ("metrics/", "bad and all events of each objective by the second; the series of the charts; the alert rules"),
    ("load/", "each order as its viewer saw it, and as the target stored it; the generator's own figures"),
    ("runbooks/", "an audit of each runbook that was followed"),
    ("logs/", "what every process printed"),
)
"""Where the evidence is, beside the report."""


def facts(story: Story) -> list[tuple[str, str]]:
    """What it was made of, and on."""
    manifest, load = story.manifest, story.plan.spec.load
    found = [
        ("run", str(manifest.get("run", story.run.name))),
        ("plan", _joined(manifest.get("plan_file"), _print(manifest, "plan"))),
        ("target", _joined(story.target_name, _print(manifest, "target"))),
        ("objectives", _joined(", ".join(slo.name for slo in story.slos), _print(manifest, "rules"))),
        ("load", f"{load.scenario}: {load.describe()}, {load.shape}, {about(load.duration)}"),
        ("seed", str(manifest["seed"]) if manifest.get("seed") is not None else ""),
        ("machine", _machine(manifest.get("machine", {}))),
        ("versions", ", ".join(f"{name} {number}" for name, number in manifest.get("versions", {}).items())),
    ]
    return [(name, text) for name, text in found if text]


def limits(story: Story, verdict: Verdict) -> list[str]:
    """What can't be concluded, a sentence each, from what is known of this run."""
    return list(_limits(story, verdict))


def queries(story: Story) -> list[tuple[str, str]]:
    """What every figure was asked with: name and PromQL; those of the run where it says."""
    told = [(f"{chart['panel']}, {chart['series']}", chart["query"]) for chart in story.charts]
    asked = told or [(f"{chart.panel}, {chart.series}", chart.query) for chart in CHARTS]
    for slo in story.slos:
        asked.append((f"{slo.name}, bad per second", slo.bad_query(WINDOW)))
        asked.append((f"{slo.name}, all per second", slo.total_query(WINDOW)))
    return asked


def _limits(story: Story, verdict: Verdict) -> Iterator[str]:
    if story.manifest["target"] == EMBEDDED:
        yield (
            "The target is the embedded storefront, on the machine that made the load: its times are those of this "
            "machine. What carries over to a platform of one's own is the way from fault to recovery, not the figures."
        )
    yield f"{story.plan.spec.load.viewers:,} viewers took part; of a larger crowd nothing is said."
    if story.slis:
        yield (
            f"Prometheus was asked every {about(STEP)} for rates over {about(WINDOW)}, so edges in the charts are "
            f"up to {about(WINDOW - STEP)} late. Percentiles are read between the edges of histogram buckets."
        )
    else:
        yield "Prometheus left no series, so objectives can't be judged: only events and orders are told."
    if story.windows and not story.controls and story.control is None:
        yield "No control was played with it, so it can't be said whether the runbooks helped."
    if story.windows and production.load(story.run) is None and story.control is None:
        yield "Nobody worked out when production's alert rules would have noticed; the rehearsal's windows are short."
    if (seen := story.crowd) is not None and seen.saturated_seconds:
        yield f"The generator was saturated for {seen.saturated_seconds:.0f} s: its own delays are in the figures."
    if (open_ones := len(verdict.of(Outcome.INCONCLUSIVE))) > 0:
        yield f"Undecided findings: {open_ones}. Each says what is missing; none of them counts as a pass."


def _machine(machine: dict[str, Any]) -> str:
    parts = (
        (machine.get("cores"), "cores"),
        (machine.get("memory_gib"), "GiB"),
        (machine.get("files_per_process"), "files a process"),
        (machine.get("kernel"), ""),
    )
    told = [f"{value:,} {unit}" if isinstance(value, int | float) else str(value) for value, unit in parts if value]
    return ", ".join([*told, *([f"Python {machine['python']}"] if machine.get("python") else [])])


def _print(manifest: dict[str, Any], part: str) -> str:
    found = manifest.get("fingerprints", {}).get(part)
    return f"fingerprint {found}" if found else ""


def _joined(*parts: Any) -> str:
    return ", ".join(str(part) for part in parts if part)
