"""`flashcrowd up`: the embedded storefront with its Prometheus and Alertmanager, until Ctrl-C."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def up(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where target.yaml, which describes it, and logs are written.")
    ] = Path("runs/up"),
    live: Annotated[
        int, typer.Option(metavar="N", min=1, help="Processes of the chat; each holds about as many as ulimit -n says.")
    ] = 2,
    bug: Annotated[
        str | None, typer.Option(metavar="NAME", help="Plant a bug in it, which an invariant should catch.")
    ] = None,
) -> None:
    """Start the embedded storefront, a Prometheus and an Alertmanager, print their addresses, and wait for Ctrl-C."""
    from flashcrowd import interrupt
    from gamedays.verbs import standing

    interrupt.run(standing.up(out, typer.echo, live, bug))
