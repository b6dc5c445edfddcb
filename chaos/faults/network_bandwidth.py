"""`network.bandwidth`: a link's connections have so many bits a second, each by itself.

    {kind: network.bandwidth, on: inventory, rate: 800kbit, for: 60s}

Needs: a `link` on the component, whose probe, asked up to 200 times on one connection, is answered with as many bytes
as take a fifth of a second at this rate.

Bites: when those bytes take longer than before by half of the time that the rate gives them.

Heals: the toxic, which carries the fault's own name, is removed; what it held goes on at once.

Holds: our own proxy forgets the toxic a second after the fault's time; on a Toxiproxy nothing does, and `flashcrowd
chaos recover` removes it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaos.clients.toxiproxy import Listener
from chaos.kinds.asking import Answer, Question
from chaos.kinds.toxic_fault import PATIENCE, ConnectionFault, Toxic, ToxicInjection
from flashcrowd.units import BitRate, format_bit_rate

MOST_REQUESTS = 200
LOOK = 0.6
"""Seconds that the bytes of a look take at the rate asked for; at least a third of that, or it can't be seen."""


class BandwidthInjection(ToxicInjection):
    """A bandwidth toxic."""

    def shows(self, answer: Answer, before: Answer) -> bool:
        if answer.last is None or before.last is None:
            return False
        return answer.last - before.last >= answer.size / self._rate / 2 > 0

    def figures(self, answers: Sequence[Answer], before: Answer) -> tuple[str, dict[str, float | bool | None]]:
        rates = [8 * answer.size / answer.last for answer in answers if answer.last]
        if not rates:
            return f"{self.question} isn't answered", {"bits_per_second": None}
        seen = statistics.median(rates)
        return f"{format_bit_rate(float(f'{seen:.2g}'))} a second", {"bits_per_second": round(seen)}

    @property
    def _rate(self) -> float:
        """Bytes a second."""
        return float(self.attributes["rate"]) * 1000


class NetworkBandwidth(ConnectionFault):
    """`rate` (bits per second, in steps of 8 kbit) for what each connection sends in the fault's direction."""

    kind: Literal["network.bandwidth"] = "network.bandwidth"
    rate: Annotated[BitRate, Field(ge=8000)]
    stream: Literal["downstream"] = "downstream"

    injection: ClassVar[type[ToxicInjection]] = BandwidthInjection

    def toxic(self) -> Toxic:
        return Toxic("bandwidth", {"rate": round(self.rate / 8000)}, self.stream, self.share)

    def what(self) -> str:
        return f"{format_bit_rate(self.rate)} a second"

    async def question(self, near: Listener, probe: str | None) -> Question | None:
        if not probe:
            return None
        once = Question(host=near.host, port=near.port, path=probe, whole=True)
        answer = await once.typical(PATIENCE)
        if answer is None or not answer.size:
            return once
        wanted = math.ceil(self.rate / 8 * LOOK / answer.size)
        return once.model_copy(update={"requests": max(1, min(MOST_REQUESTS, wanted))})
