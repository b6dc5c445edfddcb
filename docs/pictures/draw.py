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

HERE = Path(__file__).parent


def main(run: Path) -> None:
    """Write `last-screen.svg` and `timeline.svg` beside this file."""
    ended = gameday.judge(run)
    console = Console(record=True, width=terminal.WIDTH + 2, file=io.StringIO(), highlight=False)
    told = terminal.write(ended.story, ended.verdict).replace(str(run.parent), "runs")
    console.print(f"$ make demo\n{told}", markup=False)
    (HERE / "last-screen.svg").write_text(console.export_svg(title="flashcrowd"), encoding="utf-8")
    (HERE / "timeline.svg").write_text(charts.picture(ended.story), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
