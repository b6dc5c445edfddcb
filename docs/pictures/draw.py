"""Pictures: draws those of the README and the docs from a run directory, so that they are true to the version.

python docs/pictures/draw.py RUN
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright
from rich.console import Console

from gamedays import gameday
from gamedays.report import charts, terminal
from gamedays.screen import recorded
from gamedays.screen.layout import frame
from gamedays.story.story import Story

WIDTH, HEIGHT = 100, 30
"""Of the terminal on which the live display is shown."""

HERE = Path(__file__).parent
SCREEN: ViewportSize = {"width": 1200, "height": 1000}


def main(run: Path) -> None:
    """Write `last-screen.svg`, `live.svg`, `timeline.svg` and `report.png` beside this file."""
    ended = gameday.judge(run)
    console = Console(record=True, width=terminal.WIDTH + 2, file=io.StringIO(), highlight=False)
    told = terminal.write(ended.story, ended.verdict).replace(str(run.parent), "runs")
    console.print(f"$ make demo\n{told}", markup=False)
    (HERE / "last-screen.svg").write_text(console.export_svg(title="flashcrowd"), encoding="utf-8")
    (HERE / "live.svg").write_text(live(ended.story), encoding="utf-8")
    (HERE / "timeline.svg").write_text(charts.picture(ended.story), encoding="utf-8")
    report = next(path for path in gameday.write_reports(ended) if path.suffix == ".html")
    look(report, HERE / "report.png")


def look(report: Path, picture: Path) -> None:
    """The first screen of a report, as a browser shows it to whoever opens it on a laptop."""
    with sync_playwright() as driver:
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        page = browser.new_page(viewport=SCREEN, color_scheme="light")
        page.goto(report.resolve().as_uri())
        page.locator("body.drawn").wait_for()
        page.screenshot(path=picture)
        browser.close()


def live(story: Story) -> str:
    """The live display at the run's most telling instant."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, highlight=False)
    for line in frame(recorded.view(story, recorded.telling(story)), WIDTH, HEIGHT):
        console.print(line, soft_wrap=True)
    return console.export_svg(title=f"flashcrowd gameday run {story.plan.name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
