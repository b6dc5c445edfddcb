"""`flashcrowd chaos`: one fault by hand, what is broken now, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Break one thing on purpose, for a while; see and undo what is broken.", no_args_is_help=True)

Json = typer.Option("--json", help="Print one JSON document instead.")


@app.command("list")
def kinds(
    as_json: Annotated[bool, Json] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print all of it as docs/faults.md has it.")] = False,
) -> None:
    """The kinds of faults: what each does, and why one can't work on this machine."""
    from chaos import catalogue, overview

    typer.echo(catalogue.table() if markdown else overview.kinds(as_json), nl=not markdown)


@app.command()
def inject(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="As `flashcrowd chaos list` has it.")],
    on: Annotated[str, typer.Option("--on", metavar="COMPONENT", help="A component of the target.")],
    duration: Annotated[str, typer.Option("--for", metavar="D", help="How long, as 60s: no fault is endless.")],
    target: Annotated[Path, typer.Option(metavar="FILE", help="The target file.")],
    parameters: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the kind, as delay=800ms.")
    ] = None,
    allow_production: Annotated[
        str | None, typer.Option(metavar="NAME", help="The name of a production target, typed again.")
    ] = None,
) -> None:
    """Inject one fault, show that it bites, and heal it at the end or at Ctrl-C."""
    from chaos import fault_run
    from chaos.progress import Progress
    from flashcrowd import interrupt

    fault = fault_run.fault(kind, on, duration, parameters or [])
    with Progress() as progress:
        bit = interrupt.run(fault_run.inject(fault, target, allow_production, progress))
    raise typer.Exit(0 if bit else 3)


@app.command("run")
def run_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An Experiment, or one of Chaos Toolkit's.")],
    target: Annotated[Path, typer.Option(metavar="FILE", help="The target file.")],
    on: Annotated[
        str | None, typer.Option("--on", metavar="COMPONENT", help="What Chaos Toolkit's experiment strikes.")
    ] = None,
    duration: Annotated[str | None, typer.Option("--for", metavar="D", help="How long that one lasts.")] = None,
    allow_production: Annotated[
        str | None, typer.Option(metavar="NAME", help="The name of a production target, typed again.")
    ] = None,
) -> None:
    """Play a file's faults on one timeline, and heal them all at the end or at Ctrl-C."""
    from chaos import experiment_run
    from chaos.experiment import read_experiment
    from chaos.progress import Progress
    from flashcrowd import interrupt

    experiment = read_experiment(file, on, duration)
    with Progress() as progress:
        bit = interrupt.run(experiment_run.run(experiment, target, allow_production, progress))
    raise typer.Exit(0 if bit else 3)


@app.command()
def status(as_json: Annotated[bool, Json] = False) -> None:
    """What is broken on purpose now, from the undo logs of this machine."""
    from chaos import overview

    typer.echo(overview.active(as_json))


@app.command()
def recover() -> None:
    """Heal what a dead injector left behind. Exit 5 when something could not be healed."""
    from chaos import overview
    from flashcrowd import interrupt

    typer.echo(interrupt.run(overview.heal()))
