"""`flashcrowd runbook`: pages that a person reads and a machine can follow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Read runbooks, look through them, or follow one step by step.", no_args_is_help=True)

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
def generate(
    slo: Annotated[str, typer.Argument(metavar="SLO", help="The name of an SLO.")],
    runs: Annotated[
        list[Path] | None, typer.Option("--from", metavar="RUN", help="A run directory, or a folder of them [runs].")
    ] = None,
    target: Annotated[Path | None, typer.Option(metavar="FILE", help="Rehearsals of this target alone.")] = None,
    slos: Annotated[list[str] | None, typer.Option("--slo", metavar="FILE", help="Where the SLO stands.")] = None,
    out: Annotated[Path, typer.Option(metavar="PATH", help="The page (.md), or its folder.")] = Path("runbooks"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if the page would change.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; show what would change.")] = False,
) -> None:
    """Write or renew an SLO's runbook from what rehearsals showed; what people wrote on it stays as it is."""
    from gamedays.verbs import generate_run

    found = generate_run.run(slo, runs, target, slos or [], out)
    for line in found.said:
        typer.echo(line, err=True)
    if check or dry_run:
        typer.echo(found.diff(), nl=False)
        raise typer.Exit(found.exit_code if check else 0)
    typer.echo(found.write())


@app.command()
def lint(
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATH", help="Files, folders or names; else the built-in ones.")
    ] = None,
    prometheus: Annotated[
        str | None, typer.Option(metavar="URL", help="Look for series, labels and values that it lacks.")
    ] = None,
    target: Annotated[Path | None, typer.Option(metavar="FILE", help="A target: its Prometheus and variables.")] = None,
    slo: Annotated[
        list[str] | None, typer.Option(metavar="PATH", help="SLOs whose alerts the pages answer; repeatable.")
    ] = None,
    rules: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Rules of Prometheus, likewise; repeatable.")
    ] = None,
    runbooks: Annotated[
        str | None, typer.Option(metavar="URL", help="The pages' folder, as runbook_url has it.")
    ] = None,
    links: Annotated[
        list[str] | None, typer.Option(metavar="HOST", help="Open links to this host; repeatable.")
    ] = None,
    plan: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A plan that pages were rehearsed with; repeatable.")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(metavar="RULE", help="Leave it out; repeatable.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings end with 2, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Print what is wrong in runbooks, as file:line: path: message [rule].

    Exit 0 when there are warnings at most, 2 for errors, 4 when Prometheus doesn't answer. Credentials come from the
    environment, as those of slo check.
    """
    from flashcrowd import interrupt
    from gamedays.verbs import runbook_lint
    from monitors import access

    asked = runbook_lint.Asked(
        paths or [],
        prometheus,
        target,
        slo or [],
        rules or [],
        runbooks,
        links or [],
        plan or [],
        ignore or [],
        access.of_environment([], None, None, None, False),
    )
    report = interrupt.run(runbook_lint.lint(asked))
    typer.echo(report.text(as_json))
    for note in report.notes:
        typer.echo(note, err=True)
    raise typer.Exit(report.exit_code(strict))


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
    from gamedays.verbs.runbook_run import Following, follow, labels

    if resume is not None and rollback is not None:
        raise typer.BadParameter("--resume goes on and --rollback takes back; choose one")
    given = labels(label or [])
    wanted = Following(name, target, prometheus, out, execute, yes, resume, rollback, anew, given, allow_production)
    raise typer.Exit(interrupt.run(follow(wanted)).outcome.exit_code)


@app.command()
def serve(
    target: Annotated[Path | None, typer.Option(metavar="FILE", help="The target file.")] = None,
    prometheus: Annotated[
        str | None, typer.Option(metavar="URL", help="Instead of the target's own Prometheus.")
    ] = None,
    listen: Annotated[str, typer.Option(metavar="ADDR", help="Where to listen.")] = "127.0.0.1:9095",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where incidents are kept.")] = Path("runs/incidents"),
    runbooks: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Runbooks of your own; they come before built-in ones.")
    ] = None,
    mitigate: Annotated[
        bool, typer.Option("--mitigate", help="Act, where the runbook and the target allow it too.")
    ] = False,
    allow_production: Annotated[
        str | None, typer.Option(metavar="NAME", help="The name of a production target, typed again.")
    ] = None,
    token_env: Annotated[
        str | None, typer.Option(metavar="NAME", help="The environment variable with the token.")
    ] = None,
    token_file: Annotated[Path | None, typer.Option(metavar="FILE", help="The file with the token.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", help="Our certificate.")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its key.")] = None,
    client_ca: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Who signs the certificates that clients must have.")
    ] = None,
    chat_webhook_env: Annotated[
        str | None, typer.Option(metavar="NAME", help="The environment variable with a chat's webhook.")
    ] = None,
) -> None:
    """Answer Alertmanager's alerts: diagnose at once, mitigate where all agree."""
    from flashcrowd import interrupt
    from gamedays.verbs import runbook_server
    from runbooks.server import access

    token = runbook_server.token(token_env, token_file)
    where = access.listen(listen, token, tls_cert, tls_key, client_ca)
    interrupt.run(
        runbook_server.serve(
            runbook_server.Settings(
                where, out, target, prometheus, runbooks, mitigate, allow_production, chat_webhook_env
            )
        )
    )
