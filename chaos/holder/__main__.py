"""The holder's command line.

    python -m chaos.holder flashcrowd-IDENTITY --until T --say FD cpu|memory|disk|redis ...

T is its end in monotonic seconds. It says one line on FD: `holding` when it has got all that was asked, else why not.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from chaos.holder import cpu, disk, memory, redis

KINDS = {"cpu": cpu, "memory": memory, "disk": disk, "redis": redis}


def main() -> int:
    """Hold until killed; the exit code where there was nothing to hold."""
    options = _parser().parse_args()
    try:
        _end_at(options.until)
        _first_for_the_oom_killer()
        KINDS[options.kind].hold(options, lambda: _say(options.say, "holding"))
    except OSError as error:
        _say(options.say, error.strerror or str(error))
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chaos.holder", description="holds a resource until it is killed")
    parser.add_argument("token", help="the fault's name, by which it is found and killed")
    parser.add_argument("--until", type=float, required=True, metavar="T", help="its end, in monotonic seconds")
    parser.add_argument("--say", type=int, required=True, metavar="FD", help="the pipe that the injector reads")
    kinds = parser.add_subparsers(dest="kind", required=True)
    for name, kind in KINDS.items():
        kind.add_options(kinds.add_parser(name))
    return parser


def _end_at(until: float) -> None:
    """Have the kernel end this process then, whatever it is doing."""
    left = until - time.monotonic()
    if left <= 0:
        raise OSError("its time was up before it began")
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
    signal.setitimer(signal.ITIMER_REAL, left)


def _first_for_the_oom_killer() -> None:
    Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _say(pipe: int, line: str) -> None:
    with contextlib.suppress(OSError):  # who asked waits no longer, or is dead
        os.write(pipe, f"{line}\n".encode())
        os.close(pipe)


if __name__ == "__main__":
    sys.exit(main())
