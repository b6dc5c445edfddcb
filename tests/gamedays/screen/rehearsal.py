"""A rehearsal without any parts, for tests of its display: made-up events, everything that a process may print, and a
fault that is healed once the file `heal` is there."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import subprocess
import sys
import termios
import warnings
from pathlib import Path

from made_screens import ABOUT

from flashcrowd import interrupt
from flashcrowd.rundir import RunDirectory
from gamedays.gameday import Screen
from gamedays.planning.checks import prepare
from gamedays.screen.display import of_run


def chatter() -> None:
    """By Python, by a library in C, by a child."""
    logging.getLogger("asyncio").warning("from logging")
    warnings.warn("from warnings", stacklevel=1)
    print("from print")  # noqa: T201
    print("from stderr", file=sys.stderr)  # noqa: T201
    os.write(2, b"from C\n")
    subprocess.run(["sh", "-c", "echo from a child; echo from its errors >&2"], check=True)


async def play(screen: Screen, folder: Path) -> None:
    run = RunDirectory.create(folder / "runs", "made-up")
    screen.begins(run.path)
    run.listen(screen.event)
    run.record("conductor", "starting", target="embedded")
    run.record("conductor", "started", duration=120.0)
    chatter()
    run.record("fault", "injected", **ABOUT)
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        run.record("conductor", "stopping", broken=["network.latency on inventory"])
        while not (folder / "heal").exists():
            await asyncio.sleep(0.02)
        run.record("fault", "healed", **{**ABOUT, "message": "p50 9 ms again"})
        run.record("conductor", "ended")
        run.record("conductor", "interrupted")
        screen.saved(Path("runs/made-up/report.html"), "interrupted at 00:03 of 02:00")


def main(folder: Path) -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # ours, as a shell's are: Ctrl-C comes from there
    with of_run(prepare("flash-sale-rehearsal")) as screen:
        interrupt.run(play(screen, folder))
    print("the last screen")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
