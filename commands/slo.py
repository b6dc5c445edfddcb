"""`flashcrowd slo`: objectives, judged at a Prometheus, and as its alert rules."""

from __future__ import annotations

import typer

app = typer.Typer(help="Judge objectives at a Prometheus; write its alert rules.", no_args_is_help=True)

Paths = typer.Argument(metavar="PATH...", help="SLO files, folders, or names of built-in ones.")
