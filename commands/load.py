"""`flashcrowd load`: a crowd against a target."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Let a crowd of viewers loose on a target.", no_args_is_help=True)


@app.command("list")
def scenarios() -> None:
    """The built-in scenarios."""
    from loadtests import runner

    for name, scenario in runner.scenarios().items():
        typer.echo(f"{name:<16}{scenario.purpose}")


@app.command()
def run(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO|FILE.py", help="A built-in scenario or a Locust file.")],
    target: Annotated[Path | None, typer.Option(metavar="FILE", help="The target file.")] = None,
    host: Annotated[
        str | None, typer.Option(metavar="URL", help="For a plain Locust file without a target: loopback only.")
    ] = None,
    viewers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="The most at once: 100, or what a trace has.")
    ] = None,
    rooms: Annotated[
        int, typer.Option(metavar="N", min=1, help="A head room and N - 1 small ones, by Zipf's law.")
    ] = 1,
    shape: Annotated[
        str | None,
        typer.Option(metavar="S", help="Viewers over time: ramp (default), steps, spike, doorbuster, soak or trace."),
    ] = None,
    duration: Annotated[str | None, typer.Option(metavar="D", help="By default 1m.")] = None,
    over: Annotated[str | None, typer.Option(metavar="D", help="How long the viewers take to arrive.")] = None,
    steps: Annotated[int | None, typer.Option(metavar="N", min=1, help="Levels of --shape steps; 5.")] = None,
    stay: Annotated[
        str | None, typer.Option(metavar="D", help="How long one viewer of --shape soak stays, on average; 10m.")
    ] = None,
    trace: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A CSV of seconds,viewers: follow it, up to --viewers.")
    ] = None,
    workers: Annotated[str, typer.Option(metavar="N|auto", help="Processes that hold viewers.")] = "auto",
    metrics_port: Annotated[
        int | None, typer.Option(metavar="PORT", help="Where Prometheus may scrape the load; by default any free one.")
    ] = None,
    arrivals: Annotated[
        str | None,
        typer.Option(metavar="RATE", help="Begin on schedule, as 500/s, whether or not earlier ones have ended."),
    ] = None,
    bind: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where workers of other machines find the master.")
    ] = None,
    expect_workers: Annotated[
        int, typer.Option(metavar="N", min=0, help="Workers that other machines add: flashcrowd load worker.")
    ] = 0,
    sale: Annotated[
        str | None, typer.Option(metavar="SKU:STOCK@D[,D]", help="A sale that opens then, as lipstick-01:500@10s,20s.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Units of the sale that one user may have.")
    ] = None,
    draw: Annotated[
        str | None, typer.Option(metavar="PRIZES@D[,D]", help="A draw that opens then, as 5@15s or mug,scarf@15s.")
    ] = None,
    draw_closes: Annotated[
        str, typer.Option("--draw-closes-after", metavar="D", help="How long the draw takes entries.")
    ] = "10s",
    seed: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="What viewers do by chance: that of a run's manifest.json.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the run directory is made.")] = Path("runs"),
    allow_production: Annotated[
        str | None, typer.Option(metavar="NAME", help="The name of a production target, typed again.")
    ] = None,
) -> None:
    """Run a scenario. Exit 0 pass, 1 an invariant was broken, 3 the generator can't be trusted."""
    from flashcrowd import interrupt
    from gamedays.verbs import load_run, openings

    asked = load_run.spec(
        scenario, viewers, shape, duration, over, workers, host, metrics_port, arrivals, bind, expect_workers,
        steps=steps, stay=stay, trace=trace, rooms=rooms, seed=seed,
    )  # fmt: skip
    on_sale, drawn = openings.sale(sale, limit, asked.duration), openings.draw(draw, draw_closes, asked.duration)
    tell = lambda line: typer.echo(line, err=True)  # noqa: E731
    ended = interrupt.run(load_run.play(asked, target, allow_production, out, tell, on_sale, drawn))
    typer.echo(load_run.text(ended))
    raise typer.Exit(ended.exit_code)


@app.command()
def worker(
    master: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where load run --bind listens.")],
    scenario: Annotated[
        str | None, typer.Option(metavar="SCENARIO|FILE.py", help="One of this machine; by default the master's.")
    ] = None,
    workers: Annotated[int, typer.Option(metavar="N", min=1, help="Processes of this machine.")] = 1,
    connect_from: Annotated[
        list[str] | None, typer.Option(metavar="ADDRESS", help="A source address of this machine; may be repeated.")
    ] = None,
) -> None:
    """Hold a share of a load that another machine leads. Secrets come from this machine's environment."""
    from flashcrowd import interrupt
    from gamedays.verbs import load_worker

    interrupt.run(load_worker.play(master, workers, scenario, connect_from or []))


@app.command()
def fairness(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories with draws in them.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Tell whether who won draws depended on when they entered, over many runs. Exit 3: too few winners to say."""
    import json
    from dataclasses import asdict

    from gamedays.judging import draw_fairness

    finding = draw_fairness.judge(runs)
    typer.echo(json.dumps(asdict(finding)) if as_json else f"{finding.outcome.value}: {finding.message}")
    raise typer.Exit(finding.outcome.exit_code)
