"""`network.latency`: a link's answers come later, through the proxy or a user's own Toxiproxy.

    {kind: network.latency, on: inventory, delay: 800ms, jitter: 50ms, share: 30 %, for: 60s}

Needs: a `link` on the component.

Bites: when most requests through the link take longer than before by at least half of what was asked; of a share of
connections, when one of many (60 at most) takes so much longer than the slowest of as many before.

Heals: the toxic, which carries the fault's own name, is removed.

Holds: our own proxy forgets the toxic a second after the fault's time; on a Toxiproxy nothing does, and `flashcrowd
chaos recover` removes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from chaos.kinds.asking import Answer, median
from chaos.kinds.toxic_fault import PATIENCE, ConnectionFault, Toxic, ToxicInjection
from flashcrowd.units import Duration, format_duration


class LatencyInjection(ToxicInjection):
    """A latency toxic."""

    @property
    def patience(self) -> float:
        return (self._delay_ms + float(self.attributes["jitter"])) / 1000 + PATIENCE

    def shows(self, answer: Answer, before: Answer) -> bool:
        return answer.first is not None and _ms(answer) - _ms(before) >= self._delay_ms / 2

    def figures(self, answers: Sequence[Answer], before: Answer) -> tuple[str, dict[str, float | bool | None]]:
        now, then = median(answers), _ms(before)
        if now.first is None:
            return f"{self.question} isn't answered", {"p50_ms": None, "before_ms": then}
        text = f"p50 {_ms(now):.0f} ms"
        if not self.shows(now, before):
            text += f", {then:.0f} ms before, {self._delay_ms} ms asked"
        return text, {"p50_ms": _ms(now), "before_ms": then}

    @property
    def _delay_ms(self) -> int:
        return int(self.attributes["latency"])


class NetworkLatency(ConnectionFault):
    """`delay` ± `jitter` (seconds) on all that a component answers, on a `share` of its connections."""

    kind: Literal["network.latency"] = "network.latency"
    delay: Annotated[Duration, Field(ge=0.001)]
    jitter: Annotated[Duration, Field(ge=0)] = 0.0

    injection: ClassVar[type[ToxicInjection]] = LatencyInjection

    @model_validator(mode="after")
    def _jitter_fits(self) -> NetworkLatency:
        if self.jitter > self.delay:
            raise ValueError(f"jitter {format_duration(self.jitter)} is more than delay {format_duration(self.delay)}")
        return self

    def toxic(self) -> Toxic:
        attributes = {"latency": round(self.delay * 1000), "jitter": round(self.jitter * 1000)}
        return Toxic("latency", attributes, self.stream, self.share)

    def what(self) -> str:
        return f"{self.delay * 1000:.0f} ms{f' ± {self.jitter * 1000:.0f} ms' if self.jitter else ''}"


def _ms(answer: Answer) -> float:
    """Milliseconds to its first bytes."""
    return round(1000 * (answer.first or 0.0), 1)
