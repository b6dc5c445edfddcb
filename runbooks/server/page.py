"""Page: the incidents for people's eyes; every word of an alert is text in it, whatever it holds.

Rendered here, by a template that escapes; the browser may load nothing from elsewhere and run no script but `page.js`,
which only fetches the same page anew.
"""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

from flashcrowd.masking import of_process as mask
from flashcrowd.units import about, utc
from runbooks.page import printable
from runbooks.server.desk import Desk
from runbooks.server.incident import Incident, State

HERE = Path(__file__).parent
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
WORDS = {
    State.QUEUED: "waits to be diagnosed",
    State.DIAGNOSING: "is being diagnosed",
    State.DIAGNOSED: "for a person",
    State.WAITING: "waits to be mitigated",
    State.MITIGATING: "is being mitigated",
    State.RECOVERED: "recovered",
    State.NOT_RECOVERED: "not recovered",
    State.FAILED: "failed",
    State.INTERRUPTED: "cut off",
}
MOST_LINES = 400
"""Of an audit, the newest."""

_HEAD = ("time", "run", "kind", "runbook", "step")


def guarded(response: web.StreamResponse) -> web.StreamResponse:
    """An answer with what keeps a browser from doing more than it should."""
    response.headers.update(HEADERS)
    return response


def index(desk: Desk) -> web.Response:
    """All incidents, the newest first, open ones before closed ones."""
    shown = sorted(desk.incidents.values(), key=lambda one: (one.is_open, one.opened, one.name), reverse=True)
    return _render("index.html.j2", desk, incidents=shown)


def incident(desk: Desk, one: Incident) -> web.Response:
    """One incident with its steps and its audit."""
    return _render("incident.html.j2", desk, one=one, audit=_audit(one), steps=_steps(one))


def script() -> web.Response:
    return web.Response(text=(HERE / "page.js").read_text(encoding="utf-8"), content_type="text/javascript")


def _render(template: str, desk: Desk, **values: Any) -> web.Response:
    site = desk.site
    html = (
        _templates()
        .get_template(template)
        .render(
            target=site.target.name if site.target is not None else None,
            mitigates=site.mitigate,
            open=len(desk.open),
            words=WORDS,
            at=utc,
            since=lambda then, now=None: about((time.time() if now is None else now) - then),
            **values,
        )
    )
    return web.Response(text=html, content_type="text/html")


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["plain"] = lambda text: printable(mask()(str(text)))
    return environment


def _steps(one: Incident) -> list[tuple[str, dict[str, Any]]]:
    """What the runs came to, each with its name."""
    runs = (("Diagnosis", one.diagnosis), ("Mitigation", one.mitigation))
    return [(name, run) for name, run in runs if run is not None]


def _audit(one: Incident) -> list[dict[str, Any]]:
    """The newest lines of its audit; one that is cut off is left out."""
    rows = []
    lines = one.audit.read_text(encoding="utf-8", errors="replace").split("\n") if one.audit.exists() else []
    for line in lines[-MOST_LINES:]:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        rest = {key: value for key, value in row.items() if key not in _HEAD}
        rows.append({**row, "rest": json.dumps(rest, indent=2, ensure_ascii=False)})
    return rows
