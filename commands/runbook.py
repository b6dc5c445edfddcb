"""`flashcrowd runbook`: pages that a person reads and a machine can follow."""

from __future__ import annotations

import typer

app = typer.Typer(help="Read a runbook, or follow it step by step.", no_args_is_help=True)
