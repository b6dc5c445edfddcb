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


def test_what_saw_too_little_is_left_out_where_the_run_was_about_orders():
    little = {"forbidden_said": 1, "forbidden_delivered": 0, "order_checked": 9, "out_of_order": 0}
    assert [finding.outcome for finding in judge_chat(little)] == [Outcome.INCONCLUSIVE] * 2
    assert list(judge_chat(little, aside=True)) == []
    broken = {**little, "forbidden_delivered": 1, "out_of_order": 1}
    assert [finding.outcome for finding in judge_chat(broken, aside=True)] == [Outcome.FAIL] * 2
