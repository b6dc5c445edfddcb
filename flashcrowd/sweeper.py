"""Sweeper: a process that removes a folder once we are gone, however we end.

    with swept("work-", parent) as folder:    it goes with us, SIGKILL included

It is a shell in a session of its own, which waits for the end of its standard input: the kernel closes our end of that
pipe, whatever ended us.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRIPT = f"""
read -r _
for try in {" ".join(map(str, range(25)))}; do
  rm -rf -- "$1" 2>/dev/null
  test -e "$1" || break
  sleep 0.2
done
test -z "$2" || find "$2" -name '.*.????????' -type f -delete
"""
"""Again and again, as our children, who may still write there, are only killed at that same moment."""


@contextmanager
def swept(prefix: str, parent: Path | None = None, unfinished: Path | None = None) -> Iterator[Path]:
    """A new folder in `parent` that is removed at the end, and also when this process is killed before that.

    parent: the system's folder for such things, if not given. unfinished: a folder in which nobody but this process and
    its children writes; if we are killed, what `write_atomically` was writing there goes, too.
    """
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        also = str(unfinished.resolve()) if unfinished is not None else ""
        sweeper = subprocess.Popen(
            ["/bin/sh", "-c", SCRIPT, "flashcrowd-sweeper", str(folder), also],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        try:
            yield folder
        finally:
            sweeper.kill()
            sweeper.communicate()
