"""`flashcrowd gameday`: load, faults, SLOs and runbooks on one timeline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Rehearse: load, faults, SLOs and runbooks on one timeline.", no_args_is_help=True)

Out = typer.Option("--out", metavar="DIR", help="Where the run directory is made.")
PlanArgument = typer.Argument(metavar="PLAN", help="A plan's file, or the name of a built-in one.")
RunArgument = typer.Argument(metavar="RUN", help="A run directory.")
Json = typer.Option("--json", help="Print one JSON document instead.")


@app.command()
def run(
    plan: Annotated[str, PlanArgument],
    out: Annotated[Path, Out] = Path("runs"),
    control: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Withhold the fault (no-fault) or the runbook (no-runbook, wrong-runbook)."),
    ] = None,
    with_controls: Annotated[
        bool, typer.Option("--with-controls", help="Play the plan's controls after it: whose is the credit?")
    ] = False,
    allow_production: Annotated[
        str | None, typer.Option(metavar="NAME", help="The name of a production target, typed again.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="What viewers do by chance: that of a run's manifest.json.")
    ] = None,
    as_json: Annotated[bool, Json] = False,
) -> None:
    """Play a plan and judge it. Exit 0 pass, 1 fail, 3 inconclusive, 5 a fault is left."""
    from flashcrowd import interrupt
    from gamedays import controlled, gameday
    from gamedays.screen.display import of_run

    checked = gameday.prepare(plan, control, allow_production, seed)
    if with_controls:
        controlled.check(checked)
        ended = interrupt.run(controlled.play(checked, out, of_run, lambda text: typer.echo(text, err=True)))
    else:
        with of_run(checked) as screen:
            ended = interrupt.run(gameday.play(checked, out, screen))
    typer.echo(gameday.summary(ended, as_json))
    raise typer.Exit(ended.exit_code)


@app.command("plan")
def show(
    plan: Annotated[str, PlanArgument],
    picture: Annotated[Path | None, typer.Option(metavar="FILE.svg", help="Draw the timeline, too.")] = None,
) -> None:
    """Check a plan and print its timeline; nothing is started or touched, and the target is asked nothing."""
    from gamedays import gameday
    from gamedays.planning import timetable

    prepared = gameday.prepare(plan)
    typer.echo(timetable.text(prepared))
    if picture is not None:
        from gamedays.planning import picture as plan_picture

        typer.echo(plan_picture.save(prepared, picture))


@app.command()
def judge(run_directory: Annotated[Path, RunArgument], as_json: Annotated[bool, Json] = False) -> None:
    """Judge a run again from its directory, that of a load alone too, and write verdict.json anew."""
    from gamedays.verbs import rejudge

    ended = rejudge.judge(run_directory)
    typer.echo(rejudge.summary(ended, as_json))
    raise typer.Exit(ended.exit_code)


@app.command()
def report(run_directory: Annotated[Path, RunArgument]) -> None:
    """Write the reports of a run anew from its directory: report.html, report.md, junit.xml."""
    from gamedays.verbs import rejudge

    for path in rejudge.report(run_directory):
        typer.echo(path)


@app.command()
def triads(run_directory: Annotated[Path, RunArgument], as_json: Annotated[bool, Json] = False) -> None:
    """Fault, page, runbook, mitigation and recovery of a run in one table, and what its controls show."""
    from gamedays import gameday

    typer.echo(gameday.triads(run_directory, as_json))


@app.command()
def coverage(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="RUN...", help="Run directories or folders of them; runs/ if none.")
    ] = None,
    target: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The target; that of the latest game day if none.")
    ] = None,
    slo: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="Its SLOs; those of its game days if none. Repeatable.")
    ] = None,
    runbooks: Annotated[list[Path] | None, typer.Option(metavar="DIR", help="Its runbooks. Repeatable.")] = None,
    fail_on: Annotated[
        str | None, typer.Option(metavar="RISK", help="Exit 1 for a hole of this risk or a higher one.")
    ] = None,
    as_json: Annotated[bool, Json] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a page for a wiki instead.")] = False,
) -> None:
    """What game days have shown of a target, and what they never have: the holes, the riskiest first."""
    from gamedays.coverage import run as coverage_run

    made = coverage_run.run(runs or [], target, slo or [], runbooks or [], fail_on)
    for line in made.said:
        typer.echo(line, err=True)
    typer.echo(made.text(as_json, markdown), nl=not (markdown and not as_json))
    raise typer.Exit(made.exit_code)


@app.command()
def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN RUN...", help="The baseline first, last the run that is judged.")
    ],
    baseline: Annotated[
        list[Path] | None,
        typer.Option(metavar="RUN", help="A repeat of the baseline; three and more show what chance does. Repeatable."),
    ] = None,
    tolerance: Annotated[str, typer.Option(metavar="SHARE", help="Of percentiles and shares.")] = "10%",
    within: Annotated[str, typer.Option(metavar="D", help="Of times of detection and recovery.")] = "5s",
    as_json: Annotated[bool, Json] = False,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it for a pull request.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write one offline page with the trend.")] = None,
) -> None:
    """What changed between game days. Exit 0 nothing worse, 1 worse, 3 can't be told."""
    from gamedays.comparison import run as comparison_run

    made = comparison_run.run(runs, baseline or [], tolerance, within)
    made.save(markdown, html)
    typer.echo(made.text(as_json))
    raise typer.Exit(made.exit_code)
