"""A runbook's fingerprint: what it does counts, what it says doesn't."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runbooks.catalogue import builtin_names, find
from runbooks.fingerprints import of_runbook
from runbooks.parser import parse

TWO = (
    'Slow?\n\n```promql {{"step": "{0}", "expect": "> 0.3"}}\nslow_seconds\n```\n\n'
    'Down?\n\n```promql {{"step": "{1}", "expect": "> 0.3"}}\nslow_seconds\n```'
)


@pytest.mark.parametrize("name", builtin_names())
def test_a_built_in_page_has_one(name):
    assert re.fullmatch("[0-9a-f]{12}", of_runbook(find(name)))


@pytest.mark.parametrize(
    "changes",
    [
        {"Meaning": "Something else is said.\n\n```\nslow_seconds\n```"},
        {"front": "owner: somebody else\nseverity: ticket\nalerts: [Other]"},
        {"Rehearsals": "One more."},
        {"Diagnosis": 'Why?\n\n\n```promql {"expect": "> 0.3", "step": "slow"}\n  slow_seconds  \n\n```'},
    ],
)
def test_prose_evidence_and_layout_do_not_count(runbook, changes):
    assert of_runbook(runbook(changes)) == of_runbook(runbook())


@pytest.mark.parametrize(
    "changes",
    [
        {"Diagnosis": 'Is it slow?\n\n```promql {"step": "slow", "expect": "> 0.4"}\nslow_seconds\n```'},
        {"Diagnosis": 'Is it slow?\n\n```promql {"step": "slow", "expect": "> 0.3"}\nother_seconds\n```'},
        {"Mitigation": 'R.\n\n```http {"step": "reserve", "undo": "release"}\nPOST ${shop.admin}/other\n```'},
        {"Mitigation": 'R.\n\n```http {"step": "reserve"}\nPOST ${shop.admin}/reserve\n```', "Rollback": "None."},
    ],
)
def test_a_query_an_expectation_an_address_or_a_setting_counts(runbook, changes):
    assert of_runbook(runbook(changes)) != of_runbook(runbook())


def test_the_order_of_steps_that_only_look_does_not_count(page):
    pages = [page({"Diagnosis": TWO.format(*names)}) for names in (("slow", "down"), ("down", "slow"))]
    first, second = (of_runbook(parse(text, Path("slow.md"))) for text in pages)
    assert first == second
