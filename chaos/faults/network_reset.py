"""`network.reset`: a link's connections are reset when something comes through them.

    {kind: network.reset, on: inventory, after: 0s, share: 20 %, for: 30s}

Needs: a `link` on the component.

Bites: when connections through the link, that were answered before, end with a reset.

Heals: the toxic, which carries the fault's own name, is removed.

Holds: our own proxy forgets the toxic a second after the fault's time; on a Toxiproxy nothing does, and `flashcrowd
chaos recover` removes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaos.kinds.asking import Answer
from chaos.kinds.toxic_fault import PATIENCE, ConnectionFault, Toxic, ToxicInjection
from flashcrowd.units import Duration


class ResetInjection(ToxicInjection):
    """A reset_peer toxic."""

    @property
    def patience(self) -> float:
        return float(self.attributes["timeout"]) / 1000 + PATIENCE

    def shows(self, answer: Answer, before: Answer) -> bool:
        return answer.broke is not None and "reset" in answer.broke

    def figures(self, answers: Sequence[Answer], before: Answer) -> tuple[str, dict[str, float | bool | None]]:
        broken = sum(self.shows(answer, before) for answer in answers)
        text = f"{broken} of {len(answers)} were reset" if broken else f"{self.question} is answered"
        return text, {"reset": broken, "asked": len(answers)}


class NetworkReset(ConnectionFault):
    """Both sides of a connection get a reset, `after` (seconds) its first byte."""

    kind: Literal["network.reset"] = "network.reset"
    after: Annotated[Duration, Field(ge=0)] = 0.0

    injection: ClassVar[type[ToxicInjection]] = ResetInjection

    def toxic(self) -> Toxic:
        return Toxic("reset_peer", {"timeout": round(self.after * 1000)}, self.stream, self.share)

    def what(self) -> str:
        return f"after {self.after * 1000:.0f} ms" if self.after else "at once"
