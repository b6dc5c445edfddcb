"""Programs: the system's own that faults are made with (nft, tc, nsenter), found, run, and told of in one sentence."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import Sequence

from chaos.healing import to_the_end
from flashcrowd.errors import NeedError

SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where administrators' programs are; often not on the PATH of others."""

PACKAGES = {"nft": "nftables", "tc": "iproute2", "ip": "iproute2", "nsenter": "util-linux", "unshare": "util-linux"}

TRIAL_PATIENCE = 10.0


def path_of(name: str) -> str | None:
    """Where a program is; None if it isn't on PATH, nor where administrators' programs are."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{SBIN}")


def missing(*names: str) -> str | None:
    """Which of these programs isn't here, with the remedy; None when all are."""
    for name in names:
        if path_of(name) is None:
            return f"{name} not found on PATH; install it with 'apt install {PACKAGES.get(name, name)}'"
    return None


def found(name: str) -> str:
    """Where a program is. Raises NeedError when it isn't here."""
    if (path := path_of(name)) is None:
        raise NeedError(missing(name))
    return path


async def run(words: Sequence[str], given: str = "") -> str:
    """Run a program, its name first, with `given` on its stdin; its stdout.

    A cancellation ends it before it is raised: what ran on might break something after that was healed.

    Raises:
        NeedError: it ended with another status than 0; has the first line that it said.
    """
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *words, stdin=pipe, stdout=pipe, stderr=pipe, env=os.environ | {"LC_ALL": "C"}
    )
    try:
        output, errors = await process.communicate(given.encode())
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await to_the_end(process.wait())
        raise
    if process.returncode:
        raise NeedError(_failure(words, errors, process.returncode))
    return output.decode()


def trial(words: Sequence[str], given: str = "") -> str | None:
    """Run a program to see whether it works here; None when it does, else the first line that it said."""
    try:
        end = subprocess.run(words, input=given.encode(), capture_output=True, timeout=TRIAL_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return _failure(words, end.stderr, end.returncode) if end.returncode else None


def _failure(words: Sequence[str], errors: bytes, status: int) -> str:
    said = errors.decode(errors="replace").strip().splitlines()
    return f"{' '.join(words[:1])} failed: {said[0] if said else f'exit status {status}'}"
