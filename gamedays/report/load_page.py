"""Load page: the report of a load alone: no faults and no objectives, but its figures, findings and charts."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup

from flashcrowd.rundir import RunDirectory
from flashcrowd.units import about, utc
from flashcrowd.verdict import Outcome, Verdict
from gamedays.report import charts, judged, paper
from gamedays.report.charts import live, loads
from gamedays.report.observed import behaviour, picture
from gamedays.report.room_lines import room_lines
from gamedays.report.tiles import Tile, worst
from loadtests.result import LoadResult

WHY = 4


def write(run: RunDirectory, result: LoadResult | None, verdict: Verdict, interrupted: bool) -> str:
    """The report as one HTML page. result: None when the load left none."""
    timeline, manifest, start = charts.draw_load(run), run.read_json("manifest.json"), loads.began(run)
    return paper.render(
        "load.html.j2",
        name=manifest.get("scenario", run.name),
        verdict=verdict,
        headline=_headline(result, verdict, interrupted),
        next_step=_next(verdict),
        why=[*verdict.of(Outcome.FAIL), *verdict.of(Outcome.INCONCLUSIVE)],
        shown_why=WHY,
        about_it=_about(manifest, start),
        tiles=_tiles(result, verdict),
        timeline=timeline,
        chart_data=Markup(timeline.data),
        vega=Markup(live.vega()) if timeline.charts else "",
        marks=charts.marks_of({"sale"} if run.events("sale", "opened") else set()),
        spans=(),
        states=(),
        moments=(),
        requests=result.requests if result is not None else (),
        observed=_observed(result),
        groups=judged.of_load(verdict, start),
        manifest=json.dumps(manifest, indent=2, ensure_ascii=False),
    )


def _headline(result: LoadResult | None, verdict: Verdict, interrupted: bool) -> str:
    how = "The load was interrupted; of what there is: " if interrupted else ""
    told = [*verdict.of(Outcome.FAIL), *verdict.of(Outcome.INCONCLUSIVE)]
    if told:
        return f"{how}{told[0].message[:1].upper()}{told[0].message[1:]}."
    count = f"{result.total:,} requests, {result.failures:,} of them failed" if result is not None else "no request"
    return f"{how}{count}, and the generator kept up: its figures can be trusted."


def _next(verdict: Verdict) -> str:
    if any(finding.name.startswith("invariant/") for finding in verdict.of(Outcome.FAIL)):
        return "Look at the named orders first: orders were lost or sold wrongly, and that outweighs any latency."
    if verdict.of(Outcome.FAIL):
        return "Look at the failed requests by name, then at the charts: when did it begin?"
    if verdict.of(Outcome.INCONCLUSIVE):
        return "Mend what kept it from deciding, and run it again: it is no pass."
    return "Give it objectives and faults: a load says how fast it is, a game day what breaks first and what helps."


def _about(manifest: dict[str, Any], start: float) -> str:
    target = manifest.get("target")
    parts = [
        f"{manifest['viewers']:,} viewers" if isinstance(manifest.get("viewers"), int) else "",
        str(target["metadata"]["name"]) if target else "",
        "a load alone",
        utc(start) if start else "not started",
    ]
    return " · ".join(part for part in parts if part)


def _tiles(result: LoadResult | None, verdict: Verdict) -> list[Tile]:
    if result is None:
        return []
    orders = ", ".join(f"{count:,} {outcome}" for outcome, count in result.orders.items() if count) or "none"
    lag = f"lag p99 {about(result.lag_p99)}"
    return [
        Tile("Requests", f"{result.total:,}, {result.failures:,} failed", worst(verdict, "load/")),
        Tile("Orders", orders, worst(verdict, "invariant/")),
        Tile("Generator", lag, worst(verdict, "crowd/")),
    ]


def _observed(result: LoadResult | None) -> str:
    if result is None:
        return ""
    return "\n".join([*picture(result.stream), *behaviour(result.behaviour), *room_lines(result.rooms)]).strip()
