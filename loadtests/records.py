"""Records: what a target tells of itself as JSON Lines or as JSON, over HTTP or from a command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

import httpx

from flashcrowd.client import guarded_client
from flashcrowd.errors import NeedError
from flashcrowd.guard import Guard
from flashcrowd.target import LedgerSource

_LONGEST_LINE = 2**20


class NotReadyError(NeedError):
    """The target says that it can't tell yet (503), as while it still drains a queue."""


@dataclass(frozen=True)
class Source:
    """Where something is read. what: as messages call it, `the ledger`. place: where the target file says so.

    base: the URL that a path belongs to. headers: of the request; they may hold secrets.
    """

    spec: LedgerSource
    base: str
    what: str
    place: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def where(self) -> str:
        if self.spec.command:
            return " ".join(self.spec.command)
        path = self.spec.get or ""
        return path if "://" in path else self.base.rstrip("/") + "/" + path.lstrip("/")

    def __str__(self) -> str:
        return f"{self.what} ({self.where})"


async def each(source: Source, guard: Guard, take: Callable[[str, int], None], timeout: float = 60.0) -> None:
    """Give every line that isn't empty to `take`, with its number from 1. `timeout`: seconds for the whole of it.

    Raises:
        GuardError: the source's host is not allowed.
        NotReadyError, NeedError: it can't be read, or not yet.
    """
    if source.spec.get is not None:
        guard.check_url(source.where, f"{source.place}.get")
    try:
        async with asyncio.timeout(timeout):
            await _each(source, guard, take)
    except TimeoutError:
        raise NeedError(f"{source} was not read within {timeout:g} s") from None


async def _each(source: Source, guard: Guard, take: Callable[[str, int], None]) -> None:
    number = 0
    command = source.spec.command
    async with aclosing(_from_command(source, command) if command else _from_http(source, guard)) as lines:
        async for line in lines:
            if line.strip():
                number += 1
                take(line, number)


async def _from_http(source: Source, guard: Guard) -> AsyncGenerator[str]:
    async with guarded_client(guard, f"{source.place}.get", timeout=30.0) as client:
        try:
            async with client.stream("GET", source.where, headers=dict(source.headers)) as answer:
                if not answer.is_success:
                    error = NotReadyError if answer.status_code == 503 else NeedError
                    raise error(f"{source} answered {answer.status_code}; check {source.place}")
                async for line in answer.aiter_lines():
                    yield line
        except httpx.HTTPError as error:
            raise NeedError(f"{source} can't be read: {error or type(error).__name__}") from None


async def _from_command(source: Source, command: list[str]) -> AsyncGenerator[str]:
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, limit=_LONGEST_LINE
        )
    except OSError as error:
        raise NeedError(f"the command of {source.what} can't be started ({command[0]}): {error.strerror}") from None
    assert process.stdout is not None
    try:
        async for line in process.stdout:
            yield line.decode(errors="replace")
        if code := await process.wait():
            raise NeedError(f"the command of {source.what} ({source.where}) ended with {code}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
