"""`flashcrowd runbook generate`: files, exit codes and what stands on which stream."""

from __future__ import annotations

import pytest
from made_evidence import LATENCY, objective, rehearsed, run, unrehearsed

from runbooks.catalogue import LIBRARY
from runbooks.generator import generate
from runbooks.parser import read_runbook


@pytest.fixture
def page(tmp_path):
    """A page that was made from a rehearsal whose run directory is gone."""
    file = tmp_path / "order-latency.md"
    file.write_text(generate(None, file, objective(), [run(1, LATENCY, rehearsed=(rehearsed(LATENCY),))]))
    return file


def test_a_page_without_any_evidence_is_a_page(flashcrowd, tmp_path):
    made = flashcrowd("runbook", "generate", "chat-delivery", "--out", "pages")
    assert (made.code, made.out) == (0, "pages/chat-delivery.md written\n")
    assert read_runbook(tmp_path / "pages" / "chat-delivery.md").front.alerts == ["ChatDeliveryBurn"]
    shown = flashcrowd("runbook", "show", "./pages/chat-delivery.md")
    assert shown.code == 0
    assert "never rehearsed" in shown.out
    assert "<!--" not in shown.out
    assert flashcrowd("runbook", "generate", "chat-delivery", "--out", "pages").out.endswith("is up to date\n")


def test_check_fails_while_the_page_would_change_and_shows_how(flashcrowd, page):
    before = page.read_text()
    checked = flashcrowd("runbook", "generate", "order-latency", "--out", page, "--check")
    assert checked.code == 1
    assert checked.out.startswith(f"--- {page}\n+++ {page}\n@@ ")
    assert page.read_text() == before
    shown = flashcrowd("runbook", "generate", "order-latency", "--out", page, "--dry-run")
    assert (shown.code, shown.out) == (0, checked.out)
    assert flashcrowd("runbook", "generate", "order-latency", "--out", page).out == f"{page} renewed\n"
    checked = flashcrowd("runbook", "generate", "order-latency", "--out", page, "--check")
    assert (checked.code, checked.out) == (0, "")


def test_a_page_that_is_not_there_yet_is_all_new(flashcrowd, tmp_path):
    shown = flashcrowd("runbook", "generate", "chat-delivery", "--out", "new.md", "--check")
    assert shown.code == 1
    assert shown.out.startswith("--- /dev/null\n+++ new.md\n")
    assert not (tmp_path / "new.md").exists()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda text: text.replace("<!-- /flashcrowd:generated first -->", ""), "'first' is never ended"),
        (lambda text: text + text[text.index("<!-- flashcrowd:generated rehearsals") :], "is there already, in line"),
        (lambda text: text.replace("## Impact", "## Impakt"), "the heading '## Impact' is missing"),
        (lambda text: text.replace("owner:", "ownr:"), "ownr"),
    ],
)
def test_a_page_that_is_wrong_is_refused_with_its_line_and_stays_as_it_is(flashcrowd, page, wrong, says):
    page.write_text(text := wrong(page.read_text()))
    refused = flashcrowd("runbook", "generate", "order-latency", "--out", page)
    assert refused.code == 2
    assert says in refused.err
    assert page.read_text() == text


def test_a_page_of_peoples_own_with_nothing_to_tell_gets_that_alone(flashcrowd, tmp_path):
    original = unrehearsed((LIBRARY / "order-latency.md").read_text()).encode()
    (tmp_path / "order-latency.md").write_bytes(original)
    assert flashcrowd("runbook", "generate", "order-latency", "--out", ".").code == 0
    assert (tmp_path / "order-latency.md").read_bytes().startswith(original)
    assert read_runbook(tmp_path / "order-latency.md").front.rehearsed is None


def test_wrong_words_end_with_2(flashcrowd):
    assert "did you mean 'order-latency'" in flashcrowd("runbook", "generate", "order-latancy").err
    assert flashcrowd("runbook", "generate", "order-latency", "--from", "nowhere").code == 2
    assert flashcrowd("runbook", "generate", "order-latency", "--slo", "nowhere.yaml").code == 2
