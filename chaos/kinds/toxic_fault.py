"""Faults that are a toxic of a link's proxy: all that such kinds have in common.

A kind of them says which toxic it is, what to ask through the link, and by what a connection shows it.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from chaos.clients.toxiproxy import Listener, NothingThereError, Toxiproxy
from chaos.fault import Fault, Injection, Probe
from chaos.kinds.asking import Answer, Question, enough
from flashcrowd.dial import pinned
from flashcrowd.guard import Guard
from flashcrowd.target import Component, Link
from flashcrowd.units import Ratio, format_duration

Stream = Literal["upstream", "downstream"]

PATIENCE = 5.0
"""Seconds that an answer may take besides what a fault adds to it."""

BACK = 4.0
"""Seconds in which a healed link may become itself again: what it held comes first. Well below one try of healing
(`chaos.healing.TRY`), as a link that another fault keeps slow is healed of this one all the same."""

GRACE = 1.0
"""Seconds after a fault's time at which our own proxy forgets its toxic by itself, whoever is still there to heal."""


@dataclass(frozen=True)
class Toxic:
    """One toxic, in Toxiproxy's words."""

    type: str
    attributes: Mapping[str, int | float | str]
    stream: Stream = "downstream"
    toxicity: float = 1.0


class ToxicInjection(Injection):
    """A toxic on a proxy, `name` being its own. ttl: seconds after which our proxy forgets it; a Toxiproxy doesn't.

    question: what is asked through the link; None where that has no probe. before: how it was answered before the
    fault, as a rule, and at the worst where the fault strikes a share of connections; None where it wasn't.
    """

    toxiproxy: str
    proxy: str
    name: str
    type: str
    stream: Stream
    toxicity: float
    attributes: dict[str, Any]
    ttl: float
    question: Question | None
    before: Answer | None

    @abstractmethod
    def shows(self, answer: Answer, before: Answer) -> bool:
        """Whether a connection that got this answer is one on which the fault bites."""

    @abstractmethod
    def figures(self, answers: Sequence[Answer], before: Answer) -> tuple[str, dict[str, float | bool | None]]:
        """Those answers that count, told in a clause (`p50 811 ms`) and as a probe's figures."""

    @property
    def patience(self) -> float:
        """Seconds after which an answer isn't waited for any more."""
        return PATIENCE

    @property
    def api(self) -> Toxiproxy:
        return Toxiproxy(self.toxiproxy)

    async def inject(self) -> None:
        await self.api.add(self.proxy, self.name, self.type, self.stream, self.toxicity, self.attributes, self.ttl)

    async def bites(self) -> Probe:
        if self.question is None:
            return Probe(False, f"can't be seen: the link {self.proxy} has no probe in the target file")
        if self.before is None:
            return Probe(False, f"can't be seen: {self.question} wasn't answered before the fault either")
        answers = await self.question.ask(enough(self.toxicity), self.patience)
        shown = [answer for answer in answers if self.shows(answer, self.before)]
        bitten = len(shown) >= (len(answers) / 2 if self.toxicity == 1 else 1)
        text, figures = self.figures(shown if bitten else answers, self.before)
        if self.toxicity < 1:
            text = f"{len(shown)} of {len(answers)} connections{f', {text}' if shown else ''}"
            figures |= {"struck": len(shown), "asked": len(answers)}
        return Probe(bitten, text, figures)

    async def heal(self) -> None:
        with contextlib.suppress(NothingThereError):  # a proxy's toxics end with its process
            await self.api.remove(self.proxy, self.name)

    async def healed(self) -> Probe:
        try:
            if await self.api.has(self.proxy, self.name):
                return Probe(False, f"toxic {self.name} is still on {self.proxy}")
        except NothingThereError:
            return Probe(True, f"nothing listens at {self.toxiproxy} any more, and the fault is gone with it")
        return await self._back()

    def by_hand(self) -> str:
        return self.api.by_hand(self.proxy, self.name)

    async def _back(self) -> Probe:
        """Removed, and how the link is now; one that stays as it is for a cause of its own is not this fault."""
        if self.question is None or self.before is None:
            return Probe(True, "removed", {"back": None})
        text, figures = f"{self.question} isn't answered", dict[str, float | bool | None]()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BACK):
                while True:
                    answers = await self.question.ask(enough(self.toxicity), self.patience)
                    text, figures = self.figures(answers, self.before)
                    if not any(self.shows(answer, self.before) for answer in answers):
                        return Probe(True, f"{text} again", {"back": True, **figures})
                    await asyncio.sleep(0.2)
        return Probe(True, f"removed, but {text}", {"back": False, **figures})


class ToxicFault(Fault):
    """A fault that is a toxic of the component's link."""

    injection: ClassVar[type[ToxicInjection]]

    @abstractmethod
    def toxic(self) -> Toxic:
        """The toxic that it is."""

    @abstractmethod
    def what(self) -> str:
        """What it does, in a few words with the figures: `800 ms ± 50 ms`; may be empty."""

    async def question(self, near: Listener, probe: str | None) -> Question | None:
        """What to ask to see it, at the link's near end; None where it can't be seen. probe: the link's."""
        return Question(host=near.host, port=near.port, path=probe) if probe else None

    def describe(self) -> str:
        what = f", {self.what()}" if self.what() else ""
        return f"{self.kind} on {self.on}{what} for {format_duration(self.duration)}"

    def check(self, component: Component) -> str | None:
        if component.link is None:
            return f"{self.on} has no link; give it one (toxiproxy, proxy) in the target file"
        return None

    async def prepare(self, identity: str, component: Component, guard: Guard) -> ToxicInjection:
        assert component.link is not None
        toxic, link = self.toxic(), component.link
        toxiproxy, near = await reach(self.on, link, guard)
        question = await self.question(near, link.probe)
        return self.injection(
            toxiproxy=toxiproxy,
            proxy=link.proxy,
            name=f"flashcrowd-{identity}",
            type=toxic.type,
            stream=toxic.stream,
            toxicity=toxic.toxicity,
            attributes=dict(toxic.attributes),
            ttl=self.duration + GRACE,
            question=question,
            before=await self.normal(question) if question is not None else None,
        )

    async def normal(self, question: Question) -> Answer | None:
        """How the question is answered without the fault; None where it isn't."""
        return await usual(question, self.toxic().toxicity)


class ConnectionFault(ToxicFault):
    """One that strikes a `share` of the link's connections, in the direction of `stream`: answers, or upstream."""

    share: Annotated[Ratio, Field(gt=0)] = 1.0
    stream: Stream = "downstream"

    def describe(self) -> str:
        parts = [self.what()] if self.what() else []
        if self.stream == "upstream":
            parts.append("upstream")
        if self.share < 1:
            parts.append(f"{self.share * 100:.3g} % of connections")
        return f"{', '.join([f'{self.kind} on {self.on}', *parts])} for {format_duration(self.duration)}"


async def usual(question: Question, share: float) -> Answer | None:
    """What is normal where a share is struck: of few among many, none that is late by itself may be taken for one."""
    return await (question.typical(PATIENCE) if share >= 1 else question.slowest(PATIENCE, enough(share)))


async def reach(on: str, link: Link, guard: Guard) -> tuple[str, Listener]:
    """The API of a component's link with its address pinned, and where the link's clients connect; both allowed.

    Raises:
        GuardError: one of them isn't. NeedError: there is no such proxy, or no answer.
    """
    place = f"components.{on}.link"
    toxiproxy = await pinned(guard, link.toxiproxy, f"{place}.toxiproxy")
    near = await Toxiproxy(toxiproxy).listener(link.proxy)
    guard.check_host(near.host, f"{place}.proxy")
    return toxiproxy, near
