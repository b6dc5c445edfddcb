"""`redis.pause`: a Redis server lets its clients wait (CLIENT PAUSE), for all commands or for those that write.

    {kind: redis.pause, on: cache, commands: writes, for: 20s}

`commands` is `all` unless it is given: then nothing at all is answered, health checks included.

Needs: `redis` on the component, and a user there that may CLIENT PAUSE, CLIENT UNPAUSE and PING (for `writes`, DEL).

Bites: when a command of our own (PING; for `writes`, the DEL of a key that there is none of) isn't answered for a
second.

Heals: the holder, which renews short pauses, is killed; `writes` are let go with CLIENT UNPAUSE, which ends whatever
pause of writes the server has.

Holds: the server itself, which ends a pause after 0.1 s (`all`) or 1 s (`writes`) when nobody renews it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, ClassVar, Literal

from chaos.clients.redis import RedisServer, server_of
from chaos.fault import Fault, Injection, Probe
from chaos.kinds.holding import HeldInjection, end_of, holders, unavailable
from flashcrowd.errors import FlashcrowdError
from flashcrowd.units import format_duration

if TYPE_CHECKING:
    from flashcrowd.components import Component
    from flashcrowd.guard import Guard

UNANSWERED = 1.0
"""Seconds without an answer after which the server counts as paused."""

BACK = 4.0
"""Seconds in which it answers again: the last pause is over after one, and what has queued up comes first."""

UNPAUSE = 0.5
"""Seconds for CLIENT UNPAUSE; where it doesn't get through, the pause lapses by itself."""


class RedisPauseInjection(HeldInjection):
    """A holder that renews pauses. before_ms: the answer to a command of our own before them."""

    server: RedisServer
    commands: Literal["all", "writes"]
    before_ms: float

    def words(self) -> list[str]:
        server = self.server
        options = {"tls-name": server.tls_name, "user": server.user, "password-env": server.password_env}
        given = [f"--{name}={value}" for name, value in options.items() if value is not None]
        return ["redis", f"--host={server.host}", f"--port={server.port}", f"--commands={self.commands}", *given]

    async def bites(self) -> Probe:
        try:
            now = await self._ask(UNANSWERED)
        except TimeoutError:
            message = f"{self._command[0]} not answered for {UNANSWERED:g} s, {self.before_ms:g} ms before"
            return Probe(True, message, {"before_ms": self.before_ms, "answer_ms": None})
        except (OSError, FlashcrowdError) as error:
            return Probe(False, f"can't be seen: {error}")
        figures = {"before_ms": self.before_ms, "answer_ms": now}
        return Probe(False, f"{self._command[0]} answered in {now:g} ms, {self.before_ms:g} ms before", figures)

    async def heal(self) -> None:
        await super().heal()
        if self.commands == "writes":
            with contextlib.suppress(OSError, FlashcrowdError):
                await self.server.ask(UNPAUSE, "CLIENT", "UNPAUSE")

    async def healed(self) -> Probe:
        if holders(self.identity):
            return await super().healed()
        command = self._command[0]
        try:
            now = await self._ask(BACK)
        except ConnectionRefusedError:
            return Probe(True, f"nothing listens at {self.server} any more, and the pause is gone with it")
        except TimeoutError:
            message = f"its holder is gone and its last pause over, but {command} is not answered within {BACK:g} s"
            return Probe(True, message, {"back": False})
        except (OSError, FlashcrowdError) as error:
            return Probe(True, f"its holder is gone, and its last pause ends by itself; {error}", {"back": None})
        return Probe(True, f"{command} answered in {now:g} ms", {"back": True, "answer_ms": now})

    async def _ask(self, timeout: float) -> float:
        return await self.server.ask(timeout, *self._command)

    @property
    def _command(self) -> list[str]:
        """What shows the pause and changes nothing."""
        return ["PING"] if self.commands == "all" else ["DEL", self.token]


class RedisPause(Fault):
    """`commands` that wait."""

    kind: Literal["redis.pause"] = "redis.pause"
    commands: Literal["all", "writes"] = "all"

    injection: ClassVar[type[Injection]] = RedisPauseInjection

    @classmethod
    def capability(cls) -> str | None:
        return unavailable()

    def describe(self) -> str:
        return f"{self.kind} on {self.on}, {self.commands} of its commands for {format_duration(self.duration)}"

    def check(self, component: Component) -> str | None:
        if component.redis is None:
            return f"{self.on} has no redis; give it one (url) in the target file"
        return None

    async def prepare(self, identity: str, component: Component, guard: Guard) -> RedisPauseInjection:
        assert component.redis is not None
        server = await server_of(component.redis, f"components.{self.on}.redis.url", guard)
        injection = RedisPauseInjection(
            identity=identity, until=end_of(self.duration), server=server, commands=self.commands, before_ms=0.0
        )
        before = await injection.server.ask(UNANSWERED, *injection._command)
        return injection.model_copy(update={"before_ms": before})
