"""Process: children that are supervised. They start, get ready, log to a file, and never outlive us.

A child runs in a session of its own, so that a Ctrl-C in the terminal reaches us alone and we decide the order in
which things end. On Linux the kernel kills it when we die (PR_SET_PDEATHSIG), SIGKILL included.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from flashcrowd.errors import InputError, NeedError
from flashcrowd.lifeline import die_with


class Child:
    """One running child.

    name: for messages. log: the file that has its stdout and stderr. again: starts another one like it.
    """

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path, again: Callable[[], Child]) -> None:
        self.name, self.log, self._process, self.again = name, log, process, again

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, negative for a signal, or None while it runs."""
        return self._process.poll()

    @property
    def alive(self) -> bool:
        return self.returncode is None

    async def wait(self) -> int:
        """Until the child ends; its exit status."""
        while (code := self._process.poll()) is None:
            await asyncio.sleep(0.02)
        return code

    async def ready(self, check: Callable[[], Awaitable[bool]], timeout: float = 20.0) -> None:
        """Until the check holds; it may raise OSError while the child isn't there yet.

        Raises:
            NeedError: the child died, or isn't ready within the timeout (seconds); shows the end of its log.
        """
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            if not self.alive:
                raise NeedError(f"{self.name} ended with {self.returncode} while starting{self._last_words()}")
            with contextlib.suppress(OSError):
                if await check():
                    return
            await asyncio.sleep(0.05)
        raise NeedError(f"{self.name} was not ready within {timeout:g} s{self._last_words()}")

    async def stop(self, grace: float = 5.0) -> int:
        """Ask with SIGTERM, after the grace (seconds) insist with SIGKILL, reap; its exit status."""
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.wait(), grace)
        except TimeoutError:
            self.kill()
            return await self.wait()

    def kill(self) -> None:
        """SIGKILL to the child's whole group, at once."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def tail(self, lines: int = 10) -> str:
        """The last lines of its log."""
        try:
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def _signal(self, number: signal.Signals) -> None:
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def _last_words(self) -> str:
        words = self.tail()
        return f"; {self.log} ends with:\n{words}" if words else f"; {self.log} is empty"


class Supervisor:
    """The children of one run: stopped in the reverse order of their start, whatever happens in between."""

    def __init__(self, logs: Path) -> None:
        self.logs, self.children = logs, list[Child]()
        self._closing: list[Callable[[], Awaitable[None]]] = []

    async def __aenter__(self) -> Supervisor:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def spawn(
        self,
        name: str,
        command: Sequence[str],
        env: Mapping[str, str] | None = None,
        pass_fds: Iterable[int] = (),
    ) -> Child:
        """Start a child; `env` is added to our own environment. Its log is `logs/NAME.log`.

        Raises:
            NeedError: the program can't be started.
        """
        log = self.logs / f"{name}.log"
        child = spawn(name, command, log, env, pass_fds)
        self.children.append(child)
        return child

    def start_again(self, child: Child) -> Child:
        """Start a child that has ended again, with the same command, environment and log. Raises NeedError."""
        place = self.children.index(child)
        self.children[place] = child.again()
        return self.children[place]

    def before_stop(self, close: Callable[[], Awaitable[None]]) -> None:
        """Have something closed before the children end: it might start one of them again."""
        self._closing.append(close)

    async def stop(self) -> None:
        """End all children, the youngest first, going on past errors; nothing can interrupt it half way."""
        while self._closing:
            with contextlib.suppress(Exception):
                await asyncio.shield(self._closing.pop()())
        for child in reversed(self.children):
            with contextlib.suppress(Exception):
                await asyncio.shield(child.stop())
        self.children.clear()


def spawn(
    name: str,
    command: Sequence[str],
    log: Path,
    env: Mapping[str, str] | None = None,
    pass_fds: Iterable[int] = (),
    outlives_us: bool = False,
) -> Child:
    """Start a child in its own session; `outlives_us` is for the one kind that has to clean up after us.

    Raises:
        NeedError: the program can't be started.
    """
    parent = os.getpid()
    with log.open("ab") as output:
        try:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                start_new_session=True,
                pass_fds=tuple(pass_fds),
                preexec_fn=None if outlives_us else lambda: die_with(parent),  # noqa: PLW1509 (one prctl call, no lock)
            )
        except OSError as error:
            raise NeedError(f"{name} can't be started ({command[0]}): {error.strerror}") from None
    return Child(name, process, log, lambda: spawn(name, command, log, env, pass_fds, outlives_us))


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nothing listens on now, and that nobody else is given for as long as this process runs, or until
    it was given a hundred others: select(2), which some libraries use, can take no more than 1,024 open files.

    It stays bound and is not listened on, so that another flashcrowd sees it as taken; a server that sets SO_REUSEADDR,
    as servers do, can have it all the same (socket(7)).

    It lies below the range from which the kernel takes the ports of outgoing connections (where it says so), as a
    crowd of thousands of connections would soon sit on it; or within FLASHCROWD_PORTS, if that is set (`20000-20999`).

    Raises:
        InputError: FLASHCROWD_PORTS is no range. NeedError: no port of it is free.
    """
    low, high = _range(os.environ.get(PORTS))
    for _ in range(1000):
        port = random.randrange(low, high)
        if (held := _hold(host, port)) is not None:
            if len(_held) == _held.maxlen:
                _held[0].close()
            _held.append(held)
            return port
    raise NeedError(f"no free port on {host} from {low} to {high - 1}; end what listens there, or widen {PORTS}")


def require_free(host: str, port: int, what: str) -> None:
    """Raise NeedError when something listens on a port that is not ours to choose. what: is to listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a server of a moment ago is no hindrance
        try:
            probe.bind((host, port))
        except OSError as error:
            raise NeedError(
                f"{what} can't listen on {host}:{port} ({error.strerror}); wait for the load that does, or end it"
            ) from None


_held: deque[socket.socket] = deque(maxlen=100)

PORTS = "FLASHCROWD_PORTS"
"""The environment variable that names a range for the ports of what is started here."""


def _hold(host: str, port: int) -> socket.socket | None:
    """A socket bound to a port that nobody has, not even to hold it; None when somebody does."""
    held = socket.socket()
    try:
        held.bind((host, port))
    except OSError:
        held.close()
        return None
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return held


def _range(text: str | None) -> tuple[int, int]:
    """The lowest port, and the one behind the highest."""
    if text is None:
        return 10_240, _ephemeral_start()
    low, _, high = text.partition("-")
    if not (low.isdigit() and high.isdigit() and 0 < int(low) <= int(high) < 65_536):
        raise InputError(f"{PORTS}: '{text}' is no range of ports; write it like 20000-20999")
    return int(low), int(high) + 1


def _ephemeral_start() -> int:
    try:
        start = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 32_768
    return max(start, 12_000)


async def accepts(host: str, port: int) -> bool:
    """Whether something listens there; a check for `Child.ready`."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
