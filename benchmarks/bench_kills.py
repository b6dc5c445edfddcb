"""Kills: injectors ended at random instants over every kind that works here, and how soon each fault was gone.

python benchmarks/bench_kills.py [KILLS] [KIND ...]

The table has a row for each kind and way of ending: how many faults were in place at that instant, and after how many
milliseconds they were not seen any more (an independent look at the real thing, not our own word). `left` counts what
should not be there in the end: processes, records, stopped processes, control groups, network namespaces.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
from pathlib import Path

from common import HERE

from chaos.faults import KINDS

sys.path.append(str(HERE.parent / "tests"))  # where the stands are, as the tests use them

from killing import WAYS, Range, Shot, traces
from stands import every_stand

KILLS = 200
OTHERS = 2
"""Shots of each way but SIGKILL, for each kind."""

LATEST = 1.2
"""Seconds after an injector's begin until it is ended: within them its fault is prepared, armed, injected, looked at,
held and healed."""

HEAD = ("kind", "ended by", "shots", "in place", "p50 ms", "max ms", "late", "left")
WIDTHS = "{:<20} {:<13} {:>5} {:>8} {:>8} {:>8} {:>5} {:>5}"


async def benchmark(kills: int, kinds: list[str]) -> list[Shot]:
    """All shots, one after the other."""
    shots, stands = [], every_stand()
    for number, kind in enumerate(kinds):
        share = kills // len(kinds) + (number < kills % len(kinds))
        ways = ["KILL"] * share + [way for way in WAYS[1:] for _ in range(OTHERS)]
        with tempfile.TemporaryDirectory(prefix="kills-") as folder:
            async with Range.at(kind, stands[kind], Path(folder)) as range_:
                found = [await range_.shoot(way, random.uniform(0.0, LATEST)) for way in ways]
        shots += found
        for way in dict.fromkeys(ways):
            say(row(kind, way, [shot for shot in found if shot.way == way]))
    return shots


def row(kind: str, way: str, shots: list[Shot]) -> str:
    """One row of the table."""
    took = sorted(1000 * shot.healed_after for shot in shots if shot.in_place and shot.healed_after is not None)
    late = sum(shot.healed_after is None or shot.healed_after > shot.limit for shot in shots)
    figures = [f"{statistics.median(took):.0f}", f"{took[-1]:.0f}"] if took else ["-", "-"]
    left = sum(len(shot.left) for shot in shots)
    return WIDTHS.format(kind, way, len(shots), len(took), *figures, late, left)


def say(text: str) -> None:
    """A line at once: the whole takes a quarter of an hour."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """The table, a line for all, and what was left on the machine."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else KILLS
    wanted = sys.argv[2:] or list(KINDS)
    obstacles = {kind: KINDS[kind].capability() for kind in wanted}
    before = traces()
    say(WIDTHS.format(*HEAD))
    shots = asyncio.run(benchmark(kills, [kind for kind in wanted if obstacles[kind] is None]))
    for way in WAYS:
        say(row("all", way, [shot for shot in shots if shot.way == way]))
    for kind, obstacle in obstacles.items():
        if obstacle is not None:
            say(f"{kind:<20} can't work here: {obstacle}")
    for shot in shots:
        if shot.left:
            say(f"LEFT by {shot.kind}, {shot.way}: {'; '.join(shot.left)}")
    left = sorted(traces() - before)
    say(f"left on the machine: {'; '.join(left) or 'nothing'}")
    sys.exit(1 if left or any(shot.left or shot.healed_after is None for shot in shots) else 0)


if __name__ == "__main__":
    main()
