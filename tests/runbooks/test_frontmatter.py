"""One field of the front matter is written anew; every other byte stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashcrowd.errors import DocumentError
from runbooks.frontmatter import renewed
from runbooks.model import FrontMatter
from runbooks.parser import documents_in

FILE = Path("page.md")
VALUE = {
    "at": "2026-11-23T10:02:11.000Z",
    "plan": "flash-sale",
    "fault": "network.latency on inventory, 800 ms for 1m",
    "detected": "5.9s",
    "mitigation": "reserve-blocks",
    "against": {"plan": "012345678901", "rules": "1234567e1234", "target": "50ccfab7ef29"},
}
OLD = [
    "rehearsed: null\n",
    "rehearsed: {at: 2020-01-01T00:00:00Z,\n  plan: x, fault: y}\n",
    "rehearsed:\n\n  at: 2020-01-01\n",
]


def front(text: str) -> FrontMatter:
    return documents_in(text.split("---")[1], FILE)[0].parse(FrontMatter)


@pytest.mark.parametrize("old", ["", *OLD])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_field_is_written_wherever_it_stood_and_the_rest_stays(old, end):
    page = f"---\nowner: shop # me\n{old}# theirs\n\nseverity:   page\n---\n# Slow\n---\n".replace("\n", end)
    result = renewed(page, FILE, VALUE)
    read = front(result)
    assert read.rehearsed is not None
    assert read.rehearsed.against is not None
    assert read.rehearsed.against.plan == "012345678901"
    assert (read.rehearsed.detected, read.rehearsed.fault) == (5.9, VALUE["fault"])
    assert renewed(result, FILE, VALUE) == result
    assert renewed(result, FILE, None) == page.replace(old.replace("\n", end), "")


def test_the_same_in_another_layout_is_left_as_it_is():
    page = "---\nowner: shop\nrehearsed: {plan: x,   fault: y}\nseverity: page\n---\n"
    assert renewed(page, FILE, {"plan": "x", "fault": "y"}) == page


@pytest.mark.parametrize(
    "text", ["{owner: shop, severity: page}", "owner: &who shop\nrehearsed: &x {plan: y}\nslo: *x"]
)
def test_a_layout_in_which_it_has_no_place_of_its_own_is_refused(text):
    with pytest.raises(DocumentError, match="front matter"):
        renewed(f"---\n{text}\n---\n", FILE, VALUE)


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30))
def test_any_words_are_read_back(words):
    result = renewed("---\nowner: shop\nseverity: page\n---\n", FILE, {**VALUE, "plan": words})
    assert "---" in words or front(result).rehearsed.plan == words
