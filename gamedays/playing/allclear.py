"""All-clear: which incidents are over now that a fault has healed. The game master knows; on-call is told.

a healed, nothing else is broken            all of them
a healed, b is in place                     those of the SLO that a was expected to spoil, unless b is, too
a healed, expected to spoil nothing; b      none yet: nobody knows whose they are until b has healed
"""

from __future__ import annotations

from dataclasses import dataclass

from gamedays.plan import FaultStep


@dataclass(frozen=True)
class AllClear:
    """What is over: the incidents of these SLOs, or all where it is None, that were answered at `since` (unix seconds)
    or later; what was answered before the first fault was none of ours."""

    since: float
    slos: frozenset[str] | None = None

    def concerns(self, slo: str, began: float) -> bool:
        return began >= self.since and (self.slos is None or slo in self.slos)


class Broken:
    """The faults that are in place, as they come and go."""

    def __init__(self) -> None:
        self._in_place: list[FaultStep] = []
        self._since: float | None = None

    def injected(self, step: FaultStep, at: float) -> None:
        """A fault is in place since `at`, unix seconds."""
        self._in_place.append(step)
        self._since = at if self._since is None else self._since

    def healed(self, step: FaultStep) -> AllClear:
        """What is over, now that this fault was seen to heal."""
        self._in_place = [other for other in self._in_place if other is not step]
        since = self._since or 0.0
        if not self._in_place:
            return AllClear(since)
        return AllClear(since, _spoiled(step) - frozenset[str]().union(*map(_spoiled, self._in_place)))


def _spoiled(step: FaultStep) -> frozenset[str]:
    return frozenset({step.expect.slo}) if step.expect is not None else frozenset()
