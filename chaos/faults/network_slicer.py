"""`network.slicer`: what comes through a link comes in small slices.

    {kind: network.slicer, on: inventory, size: 64, variation: 16, delay: 5ms, for: 60s}

Needs: a `link` on the component, whose probe is answered with more than two slices.

Bites: when an answer comes in more pieces than before, half as many as slices at least.

Heals: the toxic, which carries the fault's own name, is removed; what it held goes on at once.

Holds: our own proxy forgets the toxic a second after the fault's time; on a Toxiproxy nothing does, and `flashcrowd
chaos recover` removes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from chaos.clients.toxiproxy import Listener
from chaos.kinds.asking import Answer, Question, median
from chaos.kinds.toxic_fault import PATIENCE, ConnectionFault, Toxic, ToxicInjection
from flashcrowd.units import Duration


class SlicerInjection(ToxicInjection):
    """A slicer toxic."""

    @property
    def patience(self) -> float:
        size = self.before.size if self.before is not None else 0
        slices = size / float(self.attributes["average_size"])
        return min(3 * PATIENCE, slices * float(self.attributes["delay"]) / 1e6 + PATIENCE)

    def shows(self, answer: Answer, before: Answer) -> bool:
        return answer.reads > max(before.reads, answer.size / float(self.attributes["average_size"]) / 2)

    def figures(self, answers: Sequence[Answer], before: Answer) -> tuple[str, dict[str, float | bool | None]]:
        now = median(answers)
        text = f"{now.size:,} bytes in {now.reads:,} pieces, {before.reads:,} before"
        return text, {"pieces": now.reads, "before": before.reads}


class NetworkSlicer(ConnectionFault):
    """Slices of `size` ± `variation` bytes, with a pause of `delay` (seconds) behind each."""

    kind: Literal["network.slicer"] = "network.slicer"
    size: Annotated[int, Field(ge=1)]
    variation: Annotated[int, Field(ge=0)] = 0
    delay: Annotated[Duration, Field(ge=0.001)] = 0.01
    stream: Literal["downstream"] = "downstream"

    injection: ClassVar[type[ToxicInjection]] = SlicerInjection

    @model_validator(mode="after")
    def _variation_fits(self) -> NetworkSlicer:
        if self.variation >= self.size:
            raise ValueError(
                f"variation {self.variation} is not less than size {self.size}; a slice has a byte or more"
            )
        return self

    def toxic(self) -> Toxic:
        attributes = {
            "average_size": self.size,
            "size_variation": self.variation,
            "delay": round(self.delay * 1_000_000),
        }
        return Toxic("slicer", attributes, self.stream, self.share)

    def what(self) -> str:
        return f"{self.size}{f' ± {self.variation}' if self.variation else ''} bytes each {self.delay * 1000:.3g} ms"

    async def question(self, near: Listener, probe: str | None) -> Question | None:
        return Question(host=near.host, port=near.port, path=probe, whole=True) if probe else None
