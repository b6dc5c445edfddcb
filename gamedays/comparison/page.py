"""Page: a comparison and its trend as one HTML file, offline, no script in it."""

from __future__ import annotations

from pathlib import Path

import jinja2

from flashcrowd.verdict import Outcome
from gamedays.comparison import charts, text
from gamedays.comparison.compared import Compared
from gamedays.comparison.row import Call

WORDS = {Outcome.PASS: "Nothing got worse", Outcome.FAIL: "Worse", Outcome.INCONCLUSIVE: "Can't be told"}
CLASSES = {Call.WORSE: "worse", Call.BETTER: "better", Call.SAME: "same", Call.UNTOLD: "untold"}


def write(found: Compared) -> str:
    """The page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html.j2").render(
        found=found,
        changed=[row for row in found.rows if row.call is not Call.SAME],
        same=found.of(Call.SAME),
        word=WORDS[found.outcome],
        classes=CLASSES,
        note=text.note(found),
        pictures=charts.charts(found.trend, found.rows, found.now.name),
    )
