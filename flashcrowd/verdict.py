"""Verdict: what was judged, and the one of three outcomes that it comes to.

Three-valued, as Jepsen's checkers are (jepsen/src/jepsen/checker.clj, `merge-valid`): a failure outweighs a doubt, a
doubt outweighs any number of passes, and nothing judged is a doubt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from flashcrowd.errors import ExitCode


class Outcome(StrEnum):
    """What a judge may say."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"

    @property
    def exit_code(self) -> ExitCode:
        return {
            Outcome.PASS: ExitCode.PASS,
            Outcome.FAIL: ExitCode.FAIL,
            Outcome.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
        }[self]


@dataclass(frozen=True)
class Finding:
    """One judged thing.

    name: what was judged, stable across runs, as `slo/order-latency/outside` or `invariant/oversold`.
    message: one sentence with the figures, without a full stop.
    evidence: JSON values from which the message can be checked (counts, queries, times).
    """

    name: str
    outcome: Outcome
    message: str
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """Findings and what they come to together."""

    findings: tuple[Finding, ...]

    @property
    def outcome(self) -> Outcome:
        return merge(finding.outcome for finding in self.findings)

    def of(self, outcome: Outcome) -> tuple[Finding, ...]:
        """The findings with this outcome, in order."""
        return tuple(finding for finding in self.findings if finding.outcome is outcome)

    def as_dict(self) -> dict[str, Any]:
        return {"outcome": self.outcome.value, "findings": [asdict(finding) for finding in self.findings]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Verdict:
        """The inverse of `as_dict`; the outcome is worked out again, never trusted."""
        return cls(tuple(Finding(**{**row, "outcome": Outcome(row["outcome"])}) for row in data["findings"]))


def merge(outcomes: Iterable[Outcome]) -> Outcome:
    """The worst of the outcomes; of none, inconclusive: nothing was judged, and that is no pass."""
    seen = set(outcomes)
    for outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS):
        if outcome in seen:
            return outcome
    return Outcome.INCONCLUSIVE
