"""The documents: their examples are read by what they are examples of, and their links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from chaos.catalogue import catalogue, table
from chaos.faults import parse_fault
from gamedays.planning.checks import prepare

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return [token.content for token in MarkdownIt().parse(page.read_text()) if token.info == language]


def test_the_plan_and_the_target_of_the_docs_are_right(tmp_path):
    (plan,) = blocks(ROOT / "docs" / "plans.md", "yaml")
    target, *_ = blocks(ROOT / "docs" / "targets.md", "yaml")
    (tmp_path / "friday.yaml").write_text(plan)
    (tmp_path / "staging.yaml").write_text(target)
    prepared = prepare(str(tmp_path / "friday.yaml"))
    assert prepared.target is not None
    assert prepared.target.name == "staging"
    assert [slo.name for slo in prepared.slos] == ["order-availability", "order-latency", "chat-delivery"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
        assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_every_path_that_the_docs_name_exists():
    for page in PAGES:
        for path in re.findall(
            r"`((?:gamedays|chaos|monitors|runbooks|loadtests|flashcrowd|tests|benchmarks)/[\w/.-]+)`", page.read_text()
        ):
            assert (ROOT / path).exists(), f"{page.name} names {path}"


def test_the_page_of_faults_has_every_kind_as_it_is():
    _, _, kinds = (ROOT / "docs" / "faults.md").read_text().partition("<!-- kinds -->\n\n")
    assert kinds == table(), "docs/faults.md is out of date: flashcrowd chaos list --markdown"


def test_the_example_of_every_kind_is_one():
    for kind in catalogue():
        assert parse_fault(kind.given).describe().startswith(kind.name)
