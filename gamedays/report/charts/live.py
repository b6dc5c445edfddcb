"""Live: what the page's script draws from: the data of all charts once, their two specifications, and Vega itself."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import vl_convert

from flashcrowd.rundir import write_atomically
from gamedays.report.charts import clockwork, spec
from gamedays.report.charts.ink import inked
from gamedays.report.charts.line import BRIDGED, Panel
from gamedays.report.charts.look import looks
from gamedays.report.charts.marks import Lanes

Common = Mapping[str, list[dict[str, Any]]]

EMBED = "window.vegaEmbed=vegaEmbed;"

MOST = 110_000
"""Values in a page, all lines together: at about six bytes each they leave the file far below 2.5 MB. A run of three
hours with twenty lines has more, and is thinned."""


def as_json(panels: Sequence[Panel], lanes: Lanes, end: float, common: Common) -> str:
    """What the script needs, as JSON that may stand in a page, in the variables of its style."""
    text = json.dumps(_data(panels, lanes, end, common), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return inked(text).replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _data(
    panels: Sequence[Panel], lanes: Lanes, end: float, common: Mapping[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    count = sum(len(panel.lines) for panel in panels)
    most = MOST // count if count else MOST
    return {
        "end": round(max(end, 1.0), 2),
        "axis": spec.AXIS + spec.PAD,
        "pad": spec.PAD,
        "steps": clockwork.STEPS,
        "bridged": BRIDGED,
        "specs": {"lines": spec.lines(), **({"lanes": spec.lanes(len(lanes.names))} if lanes.names else {})},
        "common": common,
        "lanes": {"bars": lanes.bars, "points": lanes.points},
        "panels": [_panel(panel.thinned(most)) for panel in panels],
    }


def _panel(panel: Panel) -> dict[str, Any]:
    look = looks([line.name for line in panel.lines])
    return {
        "key": panel.key,
        "across": [{"value": panel.most}] if panel.most is not None else [],
        "lines": [[*line.packed(), look[line.name].colour, list(look[line.name].dash)] for line in panel.lines],
    }


@cache
def vega() -> str:
    """Vega and its embedding as one script without any import, which puts `vegaEmbed` into the window.

    Bundling takes seconds, so it is kept in the user's cache, by version, where there is one that can be written.
    """
    kept = _kept()
    try:
        return kept.read_text(encoding="utf-8")
    except OSError:
        script: str = vl_convert.javascript_bundle(EMBED).replace("</script", "<\\/script")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(kept, script)
    except OSError:
        pass
    return script


def _kept() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "flashcrowd" / f"vega-{version('vl-convert-python')}.js"
