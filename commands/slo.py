"""`flashcrowd slo`: objectives, judged at a Prometheus, and as its alert rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Judge objectives at a Prometheus; write its alert rules; check and convert SLO files.", no_args_is_help=True
)

Paths = typer.Argument(metavar="PATH...", help="SLO files, folders, or names of built-in ones.")
File = typer.Option(metavar="FILE")


@app.command()
def check(
    paths: Annotated[list[str], Paths],
    prometheus: Annotated[str, typer.Option(metavar="URL", help="The Prometheus to ask.")],
    window: Annotated[str, typer.Option(metavar="D", help="How far back to look, as 15m.")],
    at: Annotated[str | None, typer.Option(metavar="T", help="The window's end: RFC 3339 or unix seconds.")] = None,
    junit: Annotated[Path | None, File] = None,
    json: Annotated[Path | None, File] = None,
    markdown: Annotated[Path | None, File] = None,
) -> None:
    """Judge objectives over a window. Exit 0 pass, 1 fail, 3 inconclusive, 4 Prometheus doesn't answer."""
    from flashcrowd import interrupt
    from monitors import gate_run

    found = interrupt.run(gate_run.run(paths, prometheus, window, at))
    typer.echo(found.table)
    found.save(junit=junit, json=json, markdown=markdown)
    raise typer.Exit(found.exit_code)


@app.command()
def rules(
    paths: Annotated[list[str], Paths],
    windows: Annotated[
        str, typer.Option(metavar="POLICY", help="Burn-rate windows: google-30d, rehearsal, or a file.")
    ] = "google-30d",
    runbooks: Annotated[
        str | None, typer.Option(metavar="URL", help="The folder of runbooks; alerts get a runbook_url.")
    ] = None,
) -> None:
    """Print Prometheus rules: a recording rule for each window, an alert for each pair of windows."""
    from monitors import rules as rule_writer
    from monitors import slo_files
    from monitors import windows as policies

    typer.echo(
        rule_writer.rule_file(slo_files.load(paths).slos, policies.find(windows), runbook_base=runbooks), nl=False
    )


@app.command()
def lint(
    paths: Annotated[list[str], Paths],
    prometheus: Annotated[
        str | None, typer.Option(metavar="URL", help="Also look for series, labels and buckets that it lacks.")
    ] = None,
) -> None:
    """Print what is doubtful in SLO files, as file:line: path: message. Exit 0; 2 for a file that is wrong."""
    from flashcrowd import interrupt
    from monitors import lint_run

    for warning in interrupt.run(lint_run.run(paths, prometheus)):
        typer.echo(warning)


@app.command()
def convert(
    paths: Annotated[list[str], Paths],
    to: Annotated[str, typer.Option(metavar="DIALECT", help="sloth or openslo.")],
) -> None:
    """Print SLOs in the other format; what it can't say goes to stderr."""
    from monitors import slo_convert

    converted = slo_convert.convert(paths, to)
    typer.echo(converted.text, nl=False)
    for problem in converted.lost:
        typer.echo(problem, err=True)
