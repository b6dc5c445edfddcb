"""Faults that strike single requests of a link: all that `http.error` and `http.delay` have in common.

They are toxics that only our own proxy knows. It counts the requests that it strikes, and so tells how the fault bites
on the platform's own traffic where our own probe isn't struck.
"""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated, ClassVar

from pydantic import Field

from chaos.fault import Probe
from chaos.kinds.asking import Answer, Question, enough
from chaos.kinds.toxic_fault import Toxic, ToxicFault, ToxicInjection, usual
from flashcrowd.errors import NeedError
from flashcrowd.units import Ratio, format_duration

TRAFFIC = 5.0
"""Seconds for which the platform's own requests are waited for, where our own aren't struck."""


class RequestInjection(ToxicInjection):
    """A toxic that strikes requests. struck: the proxy's name for the count of those."""

    struck: ClassVar[str]

    @property
    def asks_itself(self) -> bool:
        """Whether the link's probe is a request that the fault strikes."""
        method, path = self.attributes.get("method"), str(self.attributes["path"])
        return self.question is not None and method in (None, "GET") and fnmatchcase(self.question.path or "", path)

    async def inject(self) -> None:
        try:
            await super().inject()
        except NeedError as error:
            if "invalid toxic type" in str(error):
                raise NeedError(
                    f"the proxy at {self.toxiproxy} knows no toxic {self.type}, as Toxiproxy doesn't; put "
                    "`python -m chaos.proxy` in its place"
                ) from None
            raise

    async def bites(self) -> Probe:
        if self.asks_itself and self.before is not None:
            assert self.question is not None
            share = float(self.attributes["share"])
            answers = await self.question.ask(enough(share), self.patience)
            struck = [answer for answer in answers if self.shows(answer, self.before)]
            text, figures = self.figures(struck or answers, self.before)
            told = text if share >= 1 else f"{len(struck)} of {len(answers)} requests: {text}"
            return Probe(bool(struck), told, {**figures, "asked": len(answers), "struck": len(struck)})
        return await self._on_traffic()

    async def _on_traffic(self) -> Probe:
        """The platform's own requests, as the proxy counts them."""
        until = time.monotonic() + TRAFFIC
        while True:
            seen = await self.api.seen(self.proxy, self.name)
            if struck := seen.get(self.struck, 0):
                return Probe(True, f"{self.struck} {struck} of {seen['requests']} requests", dict(seen))
            if time.monotonic() > until:
                path = self.attributes["path"]
                text = f"{seen.get('requests', 0)} requests came through in {TRAFFIC:g} s, none for {path} was struck"
                return Probe(False, text, dict(seen))
            await asyncio.sleep(0.1)


class RequestFault(ToxicFault):
    """Strikes a `share` of the requests with this `method` (any, if not given) whose path fits the glob `path`."""

    share: Annotated[Ratio, Field(gt=0)] = 1.0
    path: Annotated[str, Field(min_length=1)] = "*"
    method: Annotated[str | None, Field(pattern="^[A-Z-]+$")] = None

    @abstractmethod
    def does(self) -> tuple[str, Mapping[str, int | float | str]]:
        """The toxic's type and attributes, but for those that say which requests it strikes."""

    def toxic(self) -> Toxic:
        kind, attributes = self.does()
        which: dict[str, int | float | str] = {"share": self.share, "path": self.path}
        if self.method is not None:
            which["method"] = self.method
        return Toxic(kind, {**attributes, **which})

    async def normal(self, question: Question) -> Answer | None:
        return await usual(question, self.share)

    def describe(self) -> str:
        which = " ".join([*([self.method] if self.method else []), self.path if self.path != "*" else "requests"])
        some = f"{self.share * 100:.3g} % of {which}" if self.share < 1 else which
        return f"{self.kind} on {self.on}, {self.what()} for {some}, for {format_duration(self.duration)}"
