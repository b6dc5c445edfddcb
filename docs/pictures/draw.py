"""Pictures: draws those of the README and the docs from a run directory, so that they are true to the version.

python docs/pictures/draw.py RUN
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from rich.console import Console

from gamedays import gameday
from gamedays.report import charts, terminal
from gamedays.screen import recorded
from gamedays.screen.layout import frame
from gamedays.story import Story

WIDTH, HEIGHT = 100, 30
"""Of the terminal on which the live display is shown."""

HERE = Path(__file__).parent


def main(run: Path) -> None:
    """Write `last-screen.svg`, `live.svg` and `timeline.svg` beside this file."""
    ended = gameday.judge(run)
    console = Console(record=True, width=terminal.WIDTH + 2, file=io.StringIO(), highlight=False)
    told = terminal.write(ended.story, ended.verdict).replace(str(run.parent), "runs")
    console.print(f"$ make demo\n{told}", markup=False)
    (HERE / "last-screen.svg").write_text(console.export_svg(title="flashcrowd"), encoding="utf-8")
    (HERE / "live.svg").write_text(live(ended.story), encoding="utf-8")
    timeline = charts.timeline(ended.story).replace("<svg ", '<svg style="background:#fff;color:#1f2328" ', 1)
    (HERE / "timeline.svg").write_text(timeline, encoding="utf-8")


def live(story: Story) -> str:
    """The live display at the run's most telling instant."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, highlight=False)
    for line in frame(recorded.view(story, recorded.telling(story)), WIDTH, HEIGHT):
        console.print(line, soft_wrap=True)
    return console.export_svg(title=f"flashcrowd gameday run {story.plan.name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
