"""`network.latency`: a link's answers come later, through the proxy or a user's own Toxiproxy.

    {kind: network.latency, on: inventory, delay: 800ms, jitter: 50ms, for: 60s}

Needs: a `link` on the component.

Bites: when the median of a few requests through the link has risen by at least half of what was asked.

Heals: the toxic, which carries the fault's own name, is removed.

Holds: nothing does yet; `flashcrowd chaos recover` removes it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from chaos.asking import Question
from chaos.fault import Fault, Injection, Probe
from chaos.toxiproxy import NothingThereError, Toxiproxy
from flashcrowd.dial import pinned
from flashcrowd.guard import Guard
from flashcrowd.target import Component
from flashcrowd.units import Duration, format_duration

PATIENCE = 5.0
"""Seconds that an answer may take besides the delay."""

BACK = 4.0
"""Seconds in which a healed link may become quick again: what it held comes first. Well below one try of healing
(`chaos.healing.TRY`), as a link that another fault keeps slow is healed of this one all the same."""


class LatencyInjection(Injection):
    """A latency toxic, by its name. before_ms: the link's median answer before it; None where nobody answered."""

    toxiproxy: str
    proxy: str
    toxic: str
    latency_ms: int
    jitter_ms: int
    question: Question | None
    before_ms: float | None

    async def inject(self) -> None:
        await self._api.add_latency(self.proxy, self.toxic, self.latency_ms, self.jitter_ms)

    async def bites(self) -> Probe:
        if self.question is None:
            return Probe(False, f"can't be seen: the link {self.proxy} has no probe in the target file")
        if self.before_ms is None:
            return Probe(False, f"can't be seen: {self.question} wasn't answered before the fault either")
        try:
            now = await self._ask(self.question)
        except OSError as error:
            return Probe(False, str(error))
        figures = {"p50_ms": now, "before_ms": self.before_ms}
        if self._is_slow(now):
            return Probe(True, f"p50 {now:.0f} ms", figures)
        return Probe(False, f"p50 {now:.0f} ms, {self.before_ms:.0f} ms before, {self.latency_ms} ms asked", figures)

    async def heal(self) -> None:
        try:
            await self._api.remove(self.proxy, self.toxic)
        except NothingThereError:
            return  # a proxy's toxics end with its process

    async def healed(self) -> Probe:
        try:
            if await self._api.has(self.proxy, self.toxic):
                return Probe(False, f"toxic {self.toxic} is still on {self.proxy}")
        except NothingThereError:
            return Probe(True, f"nothing listens at {self.toxiproxy} any more, and the fault is gone with it")
        return await self._back()

    def by_hand(self) -> str:
        return self._api.by_hand(self.proxy, self.toxic)

    async def _back(self) -> Probe:
        """Removed, and how quick the link is now; one that stays slow for a cause of its own is not this fault."""
        if self.question is None or self.before_ms is None:
            return Probe(True, "removed", {"back": None})
        now: float | None = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BACK):
                while (now := await self._answer(self.question)) is None or self._is_slow(now):
                    await asyncio.sleep(0.2)
                return Probe(True, f"p50 {now:.0f} ms again", {"back": True, "p50_ms": now})
        seen = "isn't answered" if now is None else f"still takes {now:.0f} ms ({self.before_ms:.0f} ms before)"
        return Probe(True, f"removed, but {self.question} {seen}", {"back": False, "p50_ms": now})

    async def _answer(self, question: Question) -> float | None:
        try:
            return await self._ask(question)
        except OSError:
            return None

    async def _ask(self, question: Question) -> float:
        """The link's median answer in milliseconds."""
        return await _milliseconds(question, (self.latency_ms + self.jitter_ms) / 1000 + PATIENCE)

    def _is_slow(self, now: float) -> bool:
        return now - (self.before_ms or 0.0) >= self.latency_ms / 2

    @property
    def _api(self) -> Toxiproxy:
        return Toxiproxy(self.toxiproxy)


class NetworkLatency(Fault):
    """`delay` ± `jitter` (seconds) on every answer of a component."""

    kind: Literal["network.latency"] = "network.latency"
    delay: Annotated[Duration, Field(ge=0.001)]
    jitter: Annotated[Duration, Field(ge=0)] = 0.0

    injection: ClassVar[type[Injection]] = LatencyInjection

    @model_validator(mode="after")
    def _jitter_fits(self) -> NetworkLatency:
        if self.jitter > self.delay:
            raise ValueError(f"jitter {format_duration(self.jitter)} is more than delay {format_duration(self.delay)}")
        return self

    def describe(self) -> str:
        jitter = f" ± {self.jitter * 1000:.0f} ms" if self.jitter else ""
        return f"{self.kind} on {self.on}, {self.delay * 1000:.0f} ms{jitter} for {format_duration(self.duration)}"

    def check(self, component: Component) -> str | None:
        if component.link is None:
            return f"{self.on} has no link; give it one (toxiproxy, proxy) in the target file"
        return None

    async def prepare(self, identity: str, component: Component, guard: Guard) -> LatencyInjection:
        assert component.link is not None
        link, place = component.link, f"components.{self.on}.link"
        toxiproxy = await pinned(guard, link.toxiproxy, f"{place}.toxiproxy")
        near = await Toxiproxy(toxiproxy).listener(link.proxy)
        guard.check_host(near.host, f"{place}.proxy")
        question = link.probe and Question(host=near.host, port=near.port, path=link.probe)
        return LatencyInjection(
            toxiproxy=toxiproxy,
            proxy=link.proxy,
            toxic=f"flashcrowd-{identity}",
            latency_ms=round(self.delay * 1000),
            jitter_ms=round(self.jitter * 1000),
            question=question or None,
            before_ms=await _before(question) if question else None,
        )


async def _before(question: Question) -> float | None:
    try:
        return await _milliseconds(question, PATIENCE)
    except OSError:
        return None


async def _milliseconds(question: Question, timeout: float) -> float:
    return round(1000 * await question.median(timeout), 1)
