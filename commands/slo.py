"""`flashcrowd slo`: objectives, judged at a Prometheus, and as its alert rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Judge objectives at a Prometheus; write its alert rules; look through SLO files.", no_args_is_help=True
)

Paths = typer.Argument(metavar="PATH...", help="SLO files, folders, or names of built-in ones.")
File = typer.Option(metavar="FILE")


@app.command()
def check(
    paths: Annotated[list[str], Paths],
    prometheus: Annotated[str, typer.Option(metavar="URL", help="The Prometheus to ask.")],
    window: Annotated[str | None, typer.Option(metavar="D", help="How far back to look, as 15m.")] = None,
    budget: Annotated[
        str | None,
        typer.Option(metavar="D", help="Tell what is left of the budget of 30d, say, and its burn over --window (1h)."),
    ] = None,
    at: Annotated[str | None, typer.Option(metavar="T", help="The window's end: RFC 3339 or unix seconds.")] = None,
    baseline: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The --json of an earlier check: worse than by chance fails.")
    ] = None,
    junit: Annotated[Path | None, File] = None,
    json: Annotated[Path | None, File] = None,
    markdown: Annotated[Path | None, File] = None,
    timeout: Annotated[str, typer.Option(metavar="D", help="For one query, with its repeats.")] = "30s",
    header: Annotated[
        list[str] | None, typer.Option(metavar="NAME: VALUE", help="Sent along, as 'X-Scope-OrgID: shop'; repeatable.")
    ] = None,
    ca: Annotated[Path | None, typer.Option(metavar="FILE", help="The authority to trust (PEM).")] = None,
    cert: Annotated[Path | None, typer.Option(metavar="FILE", help="Our certificate (PEM).")] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its key (PEM).")] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Trust any certificate; said each time.")] = False,
) -> None:
    """Judge objectives over a window. Exit 0 pass, 1 fail, 3 inconclusive, 4 Prometheus doesn't answer.

    Credentials come from FLASHCROWD_PROMETHEUS_TOKEN, or FLASHCROWD_PROMETHEUS_USER and FLASHCROWD_PROMETHEUS_PASSWORD.
    """
    from flashcrowd import interrupt
    from monitors import access
    from monitors.gate import run as gate_run

    entry = access.of_environment(header or [], ca, cert, key, insecure)
    found: gate_run.GateRun | budget_run.BudgetRun
    if budget is None:
        found = interrupt.run(gate_run.run(paths, prometheus, window, at, entry, timeout, baseline))
    else:
        from monitors.gate import budget_run  # not needed, and not free, without --budget

        found = interrupt.run(budget_run.run(paths, prometheus, budget, window, at, entry, timeout, baseline))
    typer.echo(found.table)
    for warning in found.warnings:
        typer.echo(warning, err=True)
    found.save(junit=junit, json=json, markdown=markdown)
    raise typer.Exit(found.exit_code)


@app.command()
def rules(
    paths: Annotated[list[str], Paths],
    windows: Annotated[
        str, typer.Option(metavar="POLICY", help="Burn-rate windows: google-30d, -28d, -7d, rehearsal, or a file.")
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
    """Print what is doubtful in SLO files, as file:line: path: message. Exit 0; 2 for a file that is wrong.

    Credentials come from the environment, as those of slo check.
    """
    from flashcrowd import interrupt
    from monitors import access
    from monitors.lint import run as lint_run

    entry = access.of_environment([], None, None, None, False)
    for warning in interrupt.run(lint_run.run(paths, prometheus, entry)):
        typer.echo(warning)


@app.command()
def convert(
    paths: Annotated[list[str], Paths],
    to: Annotated[str, typer.Option(metavar="DIALECT", help="sloth or openslo.")],
) -> None:
    """Print SLOs in the other format; what it can't say goes to stderr."""
    from monitors.dialects import convert as slo_convert

    converted = slo_convert.convert(paths, to)
    typer.echo(converted.text, nl=False)
    for problem in converted.lost:
        typer.echo(problem, err=True)


@app.command()
def dashboard(
    paths: Annotated[list[str], Paths],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where dashboards/ and provisioning/ are written.")],
    windows: Annotated[
        str, typer.Option(metavar="POLICY", help="Whose recorded series they show, as of `slo rules`.")
    ] = "google-30d",
    runbooks: Annotated[str | None, typer.Option(metavar="URL", help="The folder of runbooks, for links.")] = None,
    prometheus: Annotated[
        str, typer.Option(metavar="URL", help="For the data source: Prometheus as Grafana reaches it.")
    ] = "http://127.0.0.1:9090",
    scrape_interval: Annotated[str, typer.Option(metavar="D", help="How often that one scrapes.")] = "15s",
    push: Annotated[str | None, typer.Option(metavar="URL", help="A Grafana to push them to.")] = None,
    target: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A target file, to push them to its `grafana`.")
    ] = None,
    token_env: Annotated[
        str | None, typer.Option(metavar="NAME", help="The variable with the token (GRAFANA_TOKEN).")
    ] = None,
    folder: Annotated[str | None, typer.Option(metavar="UID", help="Grafana's folder for them.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace those that are there.")] = False,
) -> None:
    """Write Grafana's dashboards and provisioning files: objectives, the crowd, faults; push them when asked.

    Exit 2 the token isn't set, or one is there already (--overwrite); 4 Grafana doesn't answer, or refuses the token.
    """
    from monitors.dashboards import run as dashboard_run
    from monitors.dashboards.provisioning import Provisioned

    to = dashboard_run.destination(push, target, token_env, overwrite, folder)
    for line in dashboard_run.run(paths, windows, runbooks, out, Provisioned(prometheus, scrape_interval), to):
        typer.echo(line)


@app.command()
def replay(
    run_directory: Annotated[Path, typer.Argument(metavar="RUN", help="The run directory of a game day.")],
    windows: Annotated[str, typer.Option(metavar="POLICY", help="Production's burn-rate windows.")] = "google-30d",
    within: Annotated[str | None, typer.Option(metavar="D", help="Production has to page this soon, as 20m.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Ask when production's alerts would have noticed a run's faults. Exit 1 never, or too late; 3 can't be told."""
    from flashcrowd import interrupt
    from gamedays.verbs import replay_run

    done = interrupt.run(replay_run.run(run_directory, windows, within))
    typer.echo(done.text(as_json))
    raise typer.Exit(done.exit_code)
