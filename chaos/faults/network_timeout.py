"""`network.timeout`: nothing gets through a link any more, and nobody is told.

    {kind: network.timeout, on: inventory, share: 50 %, for: 30s}

Needs: a `link` on the component.

Bites: when a request through the link, that was answered before, isn't within ten times as long (a second at least).

Heals: the toxic, which carries the fault's own name, is removed; connections that have lost bytes are closed then.

Holds: our own proxy forgets the toxic a second after the fault's time; on a Toxiproxy nothing does, and `flashcrowd
chaos recover` removes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaos.kinds.asking import Answer
from chaos.kinds.toxic_fault import PATIENCE, ConnectionFault, Toxic, ToxicInjection
from flashcrowd.units import Duration, format_duration

LEAST = 1.0
"""Seconds without an answer that count as silence, at least."""


class TimeoutInjection(ToxicInjection):
    """A timeout toxic."""

    @property
    def patience(self) -> float:
        before = self.before.first if self.before is not None else None
        return min(PATIENCE, max(LEAST, 10 * (before or 0.0)))

    def shows(self, answer: Answer, before: Answer) -> bool:
        return answer.broke is not None

    def figures(self, answers: Sequence[Answer], before: Answer) -> tuple[str, dict[str, float | bool | None]]:
        silent = sum(answer.broke is not None for answer in answers)
        text = f"no answer within {self.patience:.3g} s" if silent else f"{self.question} is answered"
        return text, {"silent": silent, "asked": len(answers)}


class NetworkTimeout(ConnectionFault):
    """Connections whose bytes are lost. close_after: seconds without any after which they are closed; never, if 0."""

    kind: Literal["network.timeout"] = "network.timeout"
    close_after: Annotated[Duration, Field(ge=0)] = 0.0

    injection: ClassVar[type[ToxicInjection]] = TimeoutInjection

    def toxic(self) -> Toxic:
        return Toxic("timeout", {"timeout": round(self.close_after * 1000)}, self.stream, self.share)

    def what(self) -> str:
        return f"closed after {format_duration(self.close_after)}" if self.close_after else "silent"
