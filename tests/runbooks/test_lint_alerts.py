"""Alerts and pages lead to each other, or lint says which doesn't."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from flashcrowd.errors import Problem
from runbooks.lint.alerts import Alert, Alerts, findings, unled
from runbooks.lint.pages import Page, load


@pytest.fixture
def slow(page: Callable[..., str], tmp_path: Path) -> Page:
    """The page `slow`, for the alert Slow; `beside.md` stands beside it."""
    front = "owner: shop\nseverity: page\nslo: order-latency\nalerts: [Slow]"
    (tmp_path / "slow.md").write_text(page({"front": front}))
    (tmp_path / "beside.md").write_text(page({"front": "owner: shop\nseverity: page\nalerts: [Beside]"}))
    return load(tmp_path / "slow.md")


def alert(name: str, file: Path = Path("rules.yml"), **annotations: str) -> Alert:
    return Alert(name, annotations, Problem(file, 7, "groups[0]", ""))


def told(slow: Page, alerts: list[Alert], slos: frozenset[str] | None = None, base: str | None = None) -> list[str]:
    return [f"{one.rule}: {one.problem.message}" for one in findings([slow], Alerts(alerts, slos, base))]


def test_an_alert_and_its_page_that_name_each_other_are_fine(slow: Page) -> None:
    assert told(slow, [alert("Slow", runbook="slow")], frozenset({"order-latency"})) == []


NEAR = "no rule raises Slow; did you mean 'Slwo'?"
BASE = "https://git.example.org/shop/runbooks"


@pytest.mark.parametrize(
    ("alerts", "says"),
    [
        ([alert("Slwo", runbook="slow")], ["one-sided: slow, the runbook of Slwo", f"unknown-alert: {NEAR}"]),
        ([alert("Slow")], ["one-sided: slow says that it answers Slow; name it: runbook: slow"]),
        ([alert("Slow", runbook="slwo")], ["unknown-runbook: Slow: no runbook 'slwo'; did you mean 'slow'?"]),
        ([alert("Slow", runbook="pages/slow.md")], ["unknown-runbook: Slow: no runbook 'pages/slow.md'"]),
        ([alert("Slow", runbook_url=f"{BASE}/slwo.md")], ["unknown-runbook: Slow: no runbook 'slwo'"]),
        ([alert("Slow", runbook="slow"), alert("Down")], ["no-runbook: Down has no runbook"]),
        ([alert("Slow", runbook="slow"), alert("Down", runbook=" ")], ["no-runbook: Down has no runbook"]),
        ([alert("Slow", runbook="slow\n../\0" + "x" * 9000 + ".md")], ["unknown-runbook: Slow: no runbook"]),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told(slow: Page, alerts: list[Alert], says: list[str]) -> None:
    found = told(slow, alerts, base=BASE)
    assert len(found) == len(says)
    assert all(one.startswith(wanted) for one, wanted in zip(found, says, strict=True)), found


@pytest.mark.parametrize(
    "annotations",
    [
        {"runbook": "slow"},
        {"runbook_url": f"{BASE}/slow"},
        {"runbook_url": f"{BASE}/slow.md#mitigation"},
        {"runbook": "slow", "runbook_url": "https://wiki.example.org/orders/1234"},
        {"runbook": "{{ $labels.runbook }}"},
    ],
)
def test_a_page_is_found_however_it_is_named(slow: Page, annotations: dict[str, str]) -> None:
    assert told(slow, [alert("Slow", **annotations)], base=BASE) == []


def test_a_page_is_found_as_a_file_and_beside_the_one_looked_at_and_in_the_library(slow: Page) -> None:
    rules = slow.file.parent / "rules.yml"
    others = [alert("Beside", runbook="beside"), alert("Built", runbook="order-latency")]
    assert told(slow, [alert("Slow", rules, runbook="slow.md"), *others]) == []


def test_an_slo_that_there_is_none_of_is_told(slow: Page) -> None:
    (found,) = told(slow, [alert("Slow", runbook="slow")], frozenset({"order-latancy"}))
    assert found == "unknown-slo: no SLO is called 'order-latency'; did you mean 'order-latancy'?"


def test_a_finding_stands_where_the_alert_does_or_in_the_front_matter(slow: Page) -> None:
    first, second = findings([slow], Alerts([alert("Down")]))
    assert (first.problem.file, first.problem.line, first.problem.path) == (Path("rules.yml"), 7, "groups[0]")
    assert (second.problem.file, second.problem.line, second.problem.path) == (slow.file, 5, "alerts")


def test_a_page_without_alerts_is_told_and_one_that_cannot_be_read_is_not(slow: Page, tmp_path: Path) -> None:
    (tmp_path / "broken.md").write_text("# No front matter\n")
    (tmp_path / "alone.md").write_text("---\nowner: x\nseverity: page\n---\n# T\n")
    found = list(unled([slow, load(tmp_path / "broken.md"), load(tmp_path / "alone.md")]))
    assert [one.problem.file.name for one in found] == ["alone.md"]
