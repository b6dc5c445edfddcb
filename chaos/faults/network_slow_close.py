"""`network.slow_close`: a link's connections end later than their last byte.

    {kind: network.slow_close, on: inventory, delay: 2s, for: 60s}

Needs: a `link` on the component, whose probe is answered with the end of the connection where that is asked for.

Bites: when the end of an answered connection comes later than before by at least half of what was asked.

Heals: the toxic, which carries the fault's own name, is removed; ends that it held go on at once.

Holds: our own proxy forgets the toxic a second after the fault's time; on a Toxiproxy nothing does, and `flashcrowd
chaos recover` removes it.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaos.clients.toxiproxy import Listener
from chaos.kinds.asking import Answer, Question
from chaos.kinds.toxic_fault import PATIENCE, ConnectionFault, Toxic, ToxicInjection
from flashcrowd.units import Duration


class SlowCloseInjection(ToxicInjection):
    """A slow_close toxic."""

    @property
    def patience(self) -> float:
        return float(self.attributes["delay"]) / 1000 + PATIENCE

    def shows(self, answer: Answer, before: Answer) -> bool:
        late, then = _late_ms(answer), _late_ms(before)
        return late is not None and late - (then or 0.0) >= float(self.attributes["delay"]) / 2

    def figures(self, answers: Sequence[Answer], before: Answer) -> tuple[str, dict[str, float | bool | None]]:
        late = [found for answer in answers if (found := _late_ms(answer)) is not None]
        if not late:
            return f"{self.question} doesn't end", {"late_ms": None, "before_ms": _late_ms(before)}
        now = round(statistics.median(late), 1)
        return f"the end {now:.0f} ms after the last byte", {"late_ms": now, "before_ms": _late_ms(before)}


class NetworkSlowClose(ConnectionFault):
    """The end of what a component sends waits for `delay` (seconds)."""

    kind: Literal["network.slow_close"] = "network.slow_close"
    delay: Annotated[Duration, Field(ge=0.001)]
    stream: Literal["downstream"] = "downstream"

    injection: ClassVar[type[ToxicInjection]] = SlowCloseInjection

    def toxic(self) -> Toxic:
        return Toxic("slow_close", {"delay": round(self.delay * 1000)}, self.stream, self.share)

    def what(self) -> str:
        return f"{self.delay * 1000:.0f} ms"

    async def question(self, near: Listener, probe: str | None) -> Question | None:
        return Question(host=near.host, port=near.port, path=probe, whole=True) if probe else None


def _late_ms(answer: Answer) -> float | None:
    """Milliseconds from its last byte to its end."""
    if answer.end is None or answer.last is None:
        return None
    return round(1000 * (answer.end - answer.last), 1)
