"""Conductor kills: a small game day is ended with SIGKILL at random instants, and what it left is looked at.

python benchmarks/show_conductor_kills.py [KILLS] [SEED]

A row for each kill: when it came, what had happened last, how many faults were in place, and how long it took until
nothing of the run was left: processes, and with them their ports; undo records; control groups, holders and nftables of
its faults; work folders and half-written files. Then what `gameday judge` says of the directory, and whether `gameday
report` writes its reports. The limit is the longest time that a fault had still to go, and two seconds.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from command_line import CommandLine  # noqa: E402 - it lies beside the tests that use it
from killing import traces  # noqa: E402

from flashcrowd.rundir import Event, RunDirectory  # noqa: E402
from gamedays.planning.checks import prepare  # noqa: E402

PLAN = Path(__file__).with_name("kills.yaml")
KILLS = 20
LATEST = 45.0
"""Seconds after the command within which it is killed: start, play, collecting, judging and reporting take about as
long."""

MARGIN = 2.0
HEAD = ("at s", "after", "faults", "gone s", "limit s", "left", "judged", "report")
WIDTHS = "{:>6}  {:<25} {:>6} {:>7} {:>8} {:>5}  {:<12} {:<8}"


@dataclass(frozen=True)
class Kill:
    """What came of one. at: seconds after the command. gone: seconds until nothing was left; None where that took
    longer than the limit, and what was left then. judged: outcome; reported: whether the reports came of it."""

    at: float
    last: str
    faults: int
    gone: float | None
    limit: float
    left: tuple[str, ...]
    judged: str
    reported: bool

    @property
    def good(self) -> bool:
        return self.gone is not None and (self.reported or self.judged == "no run yet")

    def row(self) -> str:
        gone = f"{self.gone:.1f}" if self.gone is not None else "-"
        reported = "yes" if self.reported else "no"
        figures = (self.last, self.faults, gone, f"{self.limit:.1f}", len(self.left), self.judged, reported)
        return WIDTHS.format(f"{self.at:.1f}", *figures)


def kill(at: float, folder: Path) -> Kill:
    """Play the plan, kill its conductor so many seconds after the command, and wait until nothing is left."""
    (folder / "tmp").mkdir()
    line = CommandLine(folder, settings={"TMPDIR": str(folder / "tmp")})
    process = line.start("gameday", "run", PLAN, "--out", line.runs)
    try:
        time.sleep(at)
        process.kill()
        killed = time.time()
        process.communicate()
        runs = sorted(line.runs.glob("*/manifest.json"))
        run = RunDirectory(runs[0].parent) if runs else None
        events = run.events() if run is not None else []
        ends = in_place(events)
        limit = max([0.0, *(end - killed for end in ends)]) + MARGIN
        ids = {event.data["id"] for event in events if event.source == "fault"}
        gone, left = emptied(line, ids, killed, limit)
        judged, reported = told(line, run) if run is not None else ("no run yet", False)
        last = "the seal" if run is not None and (run.path / "seal.json").exists() else words(events)
        return Kill(at, last, len(ends), gone, limit, tuple(left), judged, reported)
    finally:
        line.clean_up()


def in_place(events: list[Event]) -> list[float]:
    """When the time of each fault that was armed and not yet healed is up, unix seconds."""
    ends = dict[str, float]()
    lasts = [step.fault.duration for step in prepare(str(PLAN)).plan.spec.steps]
    for event in events:
        if (event.source, event.kind) == ("fault", "armed"):
            ends[event.data["id"]] = event.time + lasts[event.data["step"]]
        elif (event.source, event.kind) == ("fault", "healed"):
            ends.pop(event.data["id"], None)
    return list(ends.values())


def emptied(line: CommandLine, ids: set[str], killed: float, limit: float) -> tuple[float | None, list[str]]:
    """Seconds until nothing was left, or what was left at the limit."""
    while True:
        took, left = time.time() - killed, sorted(rest(line, ids))
        if not left:
            return took, []
        if took > limit:
            return None, left
        time.sleep(0.05)


def rest(line: CommandLine, ids: set[str]) -> set[str]:
    """What there still is of a run. ids: of its faults, by which their groups, holders and tables are named."""
    files = {path for path in line.runs.rglob("*") if path.name.startswith(("work-", ".")) or path.suffix == ".part"}
    return {
        *(f"process {' '.join(one.cmdline())[:120]}" for one in line.processes()),
        *(f"undo record {path}" for path in line.open_faults()),
        *(f"file {path}" for path in (*files, *(line.folder / "tmp").iterdir())),
        *(f"{trace}" for trace in (*traces(), *rules()) if any(one in trace for one in ids)),
    }


def rules() -> set[str]:
    """The tables of nftables; nothing where it is not installed."""
    try:
        listed = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=False)
    except OSError:
        return set()
    return {f"rule {row}" for row in listed.stdout.splitlines()}


def told(line: CommandLine, run: RunDirectory) -> tuple[str, bool]:
    """What judging says, and whether reports come of it without a traceback."""
    judged = line.run("gameday", "judge", run.path)
    reported = line.run("gameday", "report", run.path)
    names = {0: "pass", 1: "fail", 3: "inconclusive"}
    whole = reported.returncode == 0 and all((run.path / name).stat().st_size for name in ("report.html", "report.md"))
    clean = "Traceback" not in judged.stderr + reported.stderr
    return names.get(judged.returncode, f"exit {judged.returncode}"), whole and clean


def words(events: list[Event]) -> str:
    """What happened last."""
    return f"{events[-1].source} {events[-1].kind}" if events else "nothing"


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """The table, what was left in the end, and how many kills left nothing and still reported."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else KILLS
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1000)
    chance, done = random.Random(seed), []
    say(f"seed {seed}\n{WIDTHS.format(*HEAD)}")
    for _ in range(kills):
        with tempfile.TemporaryDirectory(prefix="conductor-") as folder:
            done.append(kill(chance.uniform(0.0, LATEST), Path(folder)))
        say(done[-1].row())
        for what in done[-1].left:
            say(f"        LEFT {what}")
    good = sum(one.good for one in done)
    slowest = max((one.gone for one in done if one.gone is not None), default=0.0)
    say(f"{good} of {kills} left nothing and are reported; the slowest was gone after {slowest:.1f} s")
    sys.exit(good != kills)


if __name__ == "__main__":
    main()
