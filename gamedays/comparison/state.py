"""State: something that holds or doesn't, as an invariant; chance has no part in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flashcrowd.verdict import Outcome, merge
from gamedays.comparison.row import Call, Tolerance
from gamedays.comparison.weighed import Weighed, untold

_WORDS = {Outcome.PASS: "holds", Outcome.FAIL: "broken", Outcome.INCONCLUSIVE: "-"}


@dataclass(frozen=True)
class State:
    """outcome: whether it held; inconclusive where that can't be told. message: its sentence."""

    outcome: Outcome
    message: str
    unit: str = ""

    @property
    def value(self) -> float | None:
        return None if self.outcome is Outcome.INCONCLUSIVE else float(self.outcome is Outcome.FAIL)

    @property
    def text(self) -> str:
        return _WORDS[self.outcome]

    def weigh(self, before: Sequence[State], tolerance: Tolerance) -> Weighed:
        """Broken now, and not known to be broken before, is worse."""
        was = State(merge(one.outcome for one in before), before[0].message)
        if self.outcome is Outcome.INCONCLUSIVE or (
            was.outcome is Outcome.INCONCLUSIVE and self.outcome is not Outcome.FAIL
        ):
            return untold(self, was, self.message if self.outcome is Outcome.INCONCLUSIVE else f"before: {was.message}")
        call = {True: Call.SAME, False: Call.WORSE if self.outcome is Outcome.FAIL else Call.BETTER}
        why = self.message if self.outcome is Outcome.FAIL else "it holds"
        return Weighed(was.text, self.text, "", was.value, self.value, call[was.outcome is self.outcome], why)
