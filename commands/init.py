"""`flashcrowd init`: the files to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where they are written; made if need be.")],
) -> None:
    """Write a target, SLOs, a plan and a scenario to start from, with comments. Overwrites nothing."""
    from gamedays.verbs import initial

    initial.write(folder)
    typer.echo(initial.text(folder))
