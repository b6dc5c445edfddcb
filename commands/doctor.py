"""`flashcrowd doctor`: tries each part of a target once, and says what to mend."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def doctor(
    target: Annotated[
        Path | None, typer.Argument(metavar="[TARGET]", help="The target file; without it, this machine alone.")
    ] = None,
    viewers: Annotated[int | None, typer.Option(metavar="N", min=1, help="Viewers that are planned.")] = None,
    room: Annotated[str, typer.Option(metavar="NAME", help="The room in which one comment is said.")] = "main",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
    allow_production: Annotated[
        str | None, typer.Option(metavar="NAME", help="The name of a production target, typed again.")
    ] = None,
) -> None:
    """Try each part of a target once. Orders nothing. Exit 4 when there is something to mend."""
    from flashcrowd import interrupt
    from gamedays import doctor as examining

    seen = interrupt.run(examining.examine(target, viewers, room, allow_production))
    typer.echo(examining.as_json(seen) if as_json else examining.text(seen))
    raise typer.Exit(seen.exit_code)
