from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbooks.catalogue import builtin_names, find
from runbooks.model import PromqlStep, Rehearsal, Runbook
from runbooks.page import WIDTH, printable, prose, rehearsed, render, source


@pytest.mark.parametrize("name", builtin_names())
def test_a_page_fits_80_columns_but_for_what_must_stay_whole(name: str) -> None:
    page = find(name)
    whole = {f"      {line}" for step in page for line in source(step).split("\n")}
    shown = render(page).splitlines()
    assert [line for line in shown if len(line) > WIDTH and line not in whole] == []
    assert whole <= set(shown)


def test_a_page_shows_each_section_and_step_with_its_settings(runbook: Callable[..., Runbook]) -> None:
    shown = render(runbook())
    assert "alerts: Slow · owner: shop · severity: page · never rehearsed" in shown
    assert "\nDiagnosis\n  Is it slow?\n\n  [slow] promql · expected > 0.3\n      slow_seconds\n" in shown
    assert "[reserve] http · undo: release\n      POST ${shop.admin}/reserve\n" in shown


def test_a_table_that_is_too_wide_is_told_row_by_row() -> None:
    narrow = "| a | b |\n| --- | --- |\n| 1 | 2 |"
    assert prose(narrow) == [f"  {line}" for line in narrow.split("\n")]
    long = "command on live, python -m storefront.flood start, for 32 seconds"
    wide = f"| step | in health | {long} |\n| --- | :-: | --- |\n| `a\\|b` | no (0 %) | yes (100 %) |\n| `c` |  | no |"
    assert prose(wide) == [
        "  - step: `a|b` · in health: no (0 %) · command on live, python -m",
        "    storefront.flood start, for 32 seconds: yes (100 %)",
        "  - step: `c` · command on live, python -m storefront.flood start, for 32",
        "    seconds: no",
    ]


def test_lists_keep_their_items_and_code_its_lines() -> None:
    markdown = "1. one\n   goes on\n2. two\n\n```sh\na   b\n```"
    assert prose(markdown) == ["  1. one goes on", "  2. two", "  ```sh", "  a   b", "  ```"]


@pytest.mark.parametrize(
    ("seconds", "recovered", "words"),
    [
        (3 * 86_400 + 5, "16.2s", "last rehearsed 3 days ago: recovered in 16s"),
        (3_700, None, "last rehearsed 1 hour ago: did not recover"),
        (5, "1m30s", "last rehearsed just now: recovered in 1m30s"),
    ],
)
def test_evidence_is_told_in_words(seconds: float, recovered: str | None, words: str) -> None:
    given = {"at": "2026-11-20T10:00:00Z", "plan": "sale", "fault": "network.latency"}
    evidence = Rehearsal.model_validate({**given, **({"recovered": recovered} if recovered else {})})
    assert rehearsed(evidence, evidence.at.timestamp() + seconds) == words


@given(st.text())
@settings(deadline=None)
def test_nothing_printed_moves_the_cursor(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert all(char in "\n\t" or (char.isprintable() or ord(char) > 0x9F) for char in shown)
    assert "\x1b" not in shown


def test_words_of_any_language_are_kept() -> None:
    assert printable("订单很慢 é · →") == "订单很慢 é · →"


def test_every_expectation_is_shown(runbook: Callable[..., Runbook]) -> None:
    shown = render(runbook())
    for step in runbook():
        if isinstance(step, PromqlStep):
            assert f"expected {step.expect}" in shown


def test_what_github_hides_is_not_shown_and_what_it_shows_as_code_stays_so(runbook: Callable[..., Runbook]) -> None:
    meaning = "<!-- flashcrowd:generated x -->\n\nOne <!-- no --> two.\n\n<!-- /flashcrowd:generated x -->"
    impact = "1. Do:\n   ```sh\n   a   b\n\n   c\n   ```\n2. Wait.\n\n| a | b |\n|---|---|\n| c | d |"
    shown = render(runbook({"Meaning": meaning, "Impact": impact}))
    assert "\nMeaning\n  One  two.\n" in shown.replace("One two", "One  two")
    assert "<!--" not in shown
    code = "  1. Do:\n     ```sh\n     a   b\n\n     c\n     ```\n  2. Wait.\n"
    assert code in shown
    assert "  | a | b |\n  |---|---|\n  | c | d |\n" in shown
