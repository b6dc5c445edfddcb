"""Evidence: how old, how it ended, and what it was made for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runbooks.lint.evidence import Present, findings
from runbooks.lint.pages import Page, load

DAY = 86_400.0
AT = 1_784_541_600.0  # 2026-07-20T10:00:00Z
NOW = Present(
    {name: f"{digit}" * 12 for digit, name in zip("1234", ("runbook", "plan", "rules", "target"), strict=True)}
)
AGAINST = "{" + ", ".join(f'{name}: "{text}"' for name, text in NOW.fingerprints.items()) + "}"


@pytest.fixture
def rehearsed(page: Callable[..., str], tmp_path: Path) -> Callable[..., Page]:
    def build(evidence: str | None, every: str = "") -> Page:
        front = f"owner: shop\nseverity: page\nalerts: [Slow]\n{every}"
        front += f"\nrehearsed: {{{evidence}}}" if evidence is not None else ""
        (tmp_path / "slow.md").write_text(page({"front": front}))
        return load(tmp_path / "slow.md")

    return build


def evidence(recovered: str = ", recovered: 16s", against: str = f", against: {AGAINST}") -> str:
    return f"at: 2026-07-20T10:00:00Z, plan: sale, fault: network.latency{recovered}{against}"


def told(page: Page, days: float = 1, present: Present = NOW) -> list[str]:
    assert not page.faults
    return [f"{one.rule}: {one.problem.message}" for one in findings(page, present, AT + days * DAY)]


def test_fresh_evidence_of_what_there_is_now_is_fine(rehearsed: Callable[..., Page]) -> None:
    assert told(rehearsed(evidence())) == []
    assert told(rehearsed(evidence()), days=89.9) == []
    assert told(rehearsed(evidence(), "rehearse_every: 365d"), days=364) == []


@pytest.mark.parametrize(
    ("given", "every", "days", "says"),
    [
        (None, "", 1, "not-rehearsed: was never rehearsed"),
        (evidence(), "", 90.1, "rehearsal-old: was rehearsed 90 days ago; its limit is 90d"),
        (evidence(), "rehearse_every: 7d", 8, "rehearsal-old: was rehearsed 8 days ago; its limit is 7d"),
        (evidence(), "", -1, "rehearsal-old: was rehearsed in the future, at 2026-07-20 10:00 UTC"),
        (evidence(recovered=""), "", 1, "rehearsal-failed: the rehearsal of 2026-07-20 didn't end in recovery"),
        (evidence(against=""), "", 1, "rehearsal-other: doesn't say what it was made for"),
    ],
)
def test_doubtful_evidence_is_told(
    rehearsed: Callable[..., Page], given: str | None, every: str, days: float, says: str
) -> None:
    (found,) = told(rehearsed(given, every), days)
    assert found.startswith(says)


@pytest.mark.parametrize(
    ("part", "says"), [("runbook", "the steps"), ("plan", "its plan"), ("rules", "the SLOs"), ("target", "the target")]
)
def test_evidence_of_another_version_is_told(rehearsed: Callable[..., Page], part: str, says: str) -> None:
    changed = Present({**NOW.fingerprints, part: "abcdefabcdef"})
    (found,) = told(rehearsed(evidence()), present=changed)
    assert found.startswith(f"rehearsal-other: {says}")
    assert "now abcdefabcdef" in found


def test_what_nobody_can_compare_is_told(rehearsed: Callable[..., Page]) -> None:
    present = Present({"runbook": NOW.fingerprints["runbook"]}, "no plan 'sale' is at hand to compare it with")
    assert told(rehearsed(evidence()), present=present) == [f"rehearsal-other: {present.unknown}"]


def test_it_stands_at_its_line(rehearsed: Callable[..., Page]) -> None:
    page = rehearsed(evidence(recovered=""))
    (found,) = findings(page, NOW, AT)
    assert page.file.read_text().split("\n")[found.problem.line - 1].startswith("rehearsed:")
