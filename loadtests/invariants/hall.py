"""Hall: one draw, who came to it, and what they won; and what was wrong about it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from flashcrowd.verdict import Finding, Outcome
from loadtests.invariants.violation import EXAMPLES, Example


@dataclass(frozen=True)
class Draw:
    """One draw as it was scheduled. closes_at: unix seconds. prizes: how many there are."""

    draw: str
    prizes: int
    closes_at: float


@dataclass
class Wrong:
    """Examples of one kind of violation."""

    count: int = 0
    examples: list[Example] = field(default_factory=list)

    def add(self, **example: object) -> None:
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(example)

    def finding(self, name: str, broken: str, held: str) -> Finding:
        outcome, message = (Outcome.FAIL, broken) if self.count else (Outcome.PASS, held)
        return Finding(f"invariant/{name}", outcome, message, {"count": self.count, "entries": self.examples})


@dataclass
class Hall:
    """entered, doubtful: viewers, those with an unclear answer apart. rows: prizes given.

    strangers: winners who haven't been seen to enter.
    """

    draw: Draw
    prizes_of: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    strangers: set[str] = field(default_factory=set)
    entered: int = 0
    doubtful: int = 0
    rows: int = 0

    @property
    def winners(self) -> int:
        """Users who won something."""
        return len(self.prizes_of)

    @property
    def least(self) -> int:
        """Prizes that must go."""
        return min(self.draw.prizes, self.entered)

    @property
    def most(self) -> int:
        """Entrants who may win: those without a clear answer may have entered."""
        return min(self.draw.prizes, self.entered + self.doubtful)
