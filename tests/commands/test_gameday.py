from __future__ import annotations


def test_a_plan_is_shown_and_nothing_is_started(flashcrowd, tmp_path):
    ended = flashcrowd("gameday", "plan", "flash-sale-rehearsal")
    assert ended.code == 0
    assert ended.out.startswith("flash-sale-rehearsal · embedded · 2 min\n")
    assert list(tmp_path.iterdir()) == []


def test_the_scenarios_are_listed_with_their_purpose(flashcrowd):
    ended = flashcrowd("load", "list")
    assert ended.code == 0
    assert ended.out.startswith("live-commerce   A live sale")
