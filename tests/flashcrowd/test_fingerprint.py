"""Fingerprints: the same for the same, whatever the order of its keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from flashcrowd.fingerprint import fingerprint


def test_it_is_known_beforehand_so_that_other_versions_of_python_find_the_same():
    assert fingerprint({"b": [1, 2.5, None], "a": "ü"}) == "703dceec79c3"


def test_the_order_of_keys_does_not_count_and_that_of_a_list_does():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint([1, 2]) != fingerprint([2, 1])


@pytest.mark.parametrize("value", [Path("x"), float("nan"), {1.5: {2}}])
def test_what_is_no_json_has_none(value):
    with pytest.raises((TypeError, ValueError)):
        fingerprint(value)
