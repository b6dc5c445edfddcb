"""`toxiproxy`: any toxic of the proxy's, as its API names it.

    {kind: toxiproxy, on: inventory, type: limit_data, attributes: {bytes: 1000}, for: 60s}

Needs: a `link` on the component, whose proxy knows the type.

Bites: when the toxic is there, and answers through the link break off or are cut off, or take twice as long as before
and 20 ms more, or come in twice as many pieces.

Heals: the toxic, which carries the fault's own name, is removed.

Holds: our own proxy forgets the toxic a second after the fault's time; on a Toxiproxy nothing does, and `flashcrowd
chaos recover` removes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from chaos.clients.toxiproxy import Listener
from chaos.kinds.asking import Answer, Question, median
from chaos.kinds.toxic_fault import ConnectionFault, Toxic, ToxicInjection

NOISE = 0.02
"""Seconds by which an answer may be later for no reason."""


class AnyInjection(ToxicInjection):
    """A toxic of whatever type."""

    def shows(self, answer: Answer, before: Answer) -> bool:
        if answer.broke or answer.size < before.size / 2 or (answer.end is None and before.end is not None):
            return True
        later = any(_later(now, then) for now, then in ((answer.first, before.first), (answer.end, before.end)))
        return later or answer.reads >= 2 * before.reads + 1

    def figures(self, answers: Sequence[Answer], before: Answer) -> tuple[str, dict[str, float | bool | None]]:
        now = median(answers)
        broken = sum(answer.broke is not None for answer in answers)
        text = f"{_told(now)}, {_told(before)} before" + (f", {broken} of {len(answers)} broke off" if broken else "")
        return text, {"bytes": now.size, "before": before.size, "broken": broken}


class AnyToxic(ConnectionFault):
    """A toxic of a `type` with these `attributes`."""

    kind: Literal["toxiproxy"] = "toxiproxy"
    type_: Annotated[str, Field(alias="type")]
    attributes: dict[str, Any] = {}

    injection: ClassVar[type[ToxicInjection]] = AnyInjection

    def toxic(self) -> Toxic:
        return Toxic(self.type_, self.attributes, self.stream, self.share)

    def what(self) -> str:
        return " ".join([self.type_, *(f"{name} {value}" for name, value in self.attributes.items())])

    async def question(self, near: Listener, probe: str | None) -> Question | None:
        return Question(host=near.host, port=near.port, path=probe, whole=True) if probe else None


def _later(now: float | None, then: float | None) -> bool:
    return now is not None and then is not None and now >= 2 * then + NOISE


def _told(answer: Answer) -> str:
    end = f" in {1000 * answer.end:.0f} ms" if answer.end is not None else ", without an end"
    return f"{answer.size:,} bytes{end}"
