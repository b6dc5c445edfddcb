"""`flashcrowd load`: a crowd against a target."""

from __future__ import annotations

import typer

app = typer.Typer(help="Let a crowd of viewers loose on a target.", no_args_is_help=True)


@app.command("list")
def scenarios() -> None:
    """The built-in scenarios."""
    from loadtests import runner

    for name, scenario in runner.scenarios().items():
        typer.echo(f"{name:<16}{scenario.purpose}")
