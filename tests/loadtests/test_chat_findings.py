"""What a load's own counts say of the chat."""

from __future__ import annotations

import pytest

from flashcrowd.verdict import Outcome
from loadtests.invariants.chat import judge_chat

GOOD = {"forbidden_said": 40, "forbidden_delivered": 0, "order_checked": 5000, "out_of_order": 0}


@pytest.mark.parametrize(
    ("change", "name", "outcome"),
    [
        ({"forbidden_delivered": 1}, "forbidden-phrase", Outcome.FAIL),
        ({"forbidden_said": 9}, "forbidden-phrase", Outcome.INCONCLUSIVE),
        ({"out_of_order": 2}, "chat-order", Outcome.FAIL),
        ({"order_checked": 9}, "chat-order", Outcome.INCONCLUSIVE),
    ],
)
def test_each_is_judged_by_itself(change, name, outcome):
    found = {finding.name: finding.outcome for finding in judge_chat({**GOOD, **change})}
    assert found.pop(f"invariant/{name}") is outcome
    assert list(found.values()) == [Outcome.PASS]


def test_a_chat_without_forbidden_phrases_or_numbers_is_left_out():
    assert list(judge_chat({})) == []
    assert [finding.name for finding in judge_chat({"order_checked": 100})] == ["invariant/chat-order"]
