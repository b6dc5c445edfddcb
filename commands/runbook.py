"""`flashcrowd runbook`: pages that a person reads and a machine can follow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Read a runbook, or follow it step by step.", no_args_is_help=True)

Name = typer.Argument(metavar="NAME", help="A built-in runbook, or a file.")


@app.command("list")
def names(as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False) -> None:
    """The built-in runbooks, and the alerts that they answer."""
    from runbooks import catalogue

    found = catalogue.every()
    if as_json:
        typer.echo(json.dumps([catalogue.as_dict(runbook) for runbook in found], indent=2))
        return
    for runbook in found:
        typer.echo(f"{runbook.name:<20}{', '.join(runbook.front.alerts):<24}{runbook.title}")


@app.command()
def show(name: Annotated[str, Name]) -> None:
    """A runbook as text of 80 columns."""
    from runbooks import catalogue, page

    typer.echo(page.render(catalogue.find(name)))


@app.command()
def run(
    name: Annotated[str, Name],
    target: Annotated[Path | None, typer.Option(metavar="FILE", help="The target file.")] = None,
    prometheus: Annotated[
        str | None, typer.Option(metavar="URL", help="Instead of the target's own Prometheus.")
    ] = None,
    execute: Annotated[bool, typer.Option("--execute", help="Act. Without it, nothing is changed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before steps that change the platform.")] = False,
    resume: Annotated[
        Path | None, typer.Option(metavar="AUDIT", help="Go on with a run that was cut off. It acts.")
    ] = None,
    rollback: Annotated[
        Path | None, typer.Option(metavar="AUDIT", help="Take back what a run left in place. It acts.")
    ] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Begin although an earlier run has no end.")] = False,
    label: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A label of the alert, for sh steps.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the audit is written.")] = Path("runs/runbooks"),
    allow_production: Annotated[
        str | None, typer.Option(metavar="NAME", help="The name of a production target, typed again.")
    ] = None,
) -> None:
    """Follow a runbook, one step at a time; a dry run unless --execute. Exit 1 when it did not help.

    A run that was cut off is told of by the next start, which offers to go on with it or to take it back.
    """
    from flashcrowd import interrupt
    from gamedays.runbook_run import Following, follow, labels

    if resume is not None and rollback is not None:
        raise typer.BadParameter("--resume goes on and --rollback takes back; choose one")
    given = labels(label or [])
    wanted = Following(name, target, prometheus, out, execute, yes, resume, rollback, anew, given, allow_production)
    raise typer.Exit(interrupt.run(follow(wanted)).outcome.exit_code)
