from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashcrowd.verdict import Outcome
from loadtests.entries import EntryRecord, EntryWriter, file_of, read_entries
from loadtests.fairness import GROUPS, SUSPICION, chi_square_tail, judge_fairness


def entry(draw: str, rank: int, prize: str = "", outcome: str = "entered", answered: bool = True) -> EntryRecord:
    return EntryRecord(1e9 + rank, 1e9 + rank, draw, f"u{rank}", outcome, answered, prize, 200, "")


def held(draws: int, entrants: int, prizes: int, chance: random.Random, weight=lambda rank: 1.0):
    """Entries of so many draws, the winners drawn by their weights without replacement."""
    for draw in range(draws):
        ranks = sorted(range(entrants), key=lambda rank: chance.random() ** (1 / weight(rank)), reverse=True)
        winners = set(ranks[:prizes])
        rows = [entry(f"d{draw}", rank, "a prize" if rank in winners else "") for rank in range(entrants)]
        chance.shuffle(rows)
        yield from rows


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("draws", "entrants", "prizes"), [(40, 50, 5), (1, 5000, 60), (20, 37, 18)])
def test_a_fair_draw_passes(seed, draws, entrants, prizes):
    finding = judge_fairness(held(draws, entrants, prizes, random.Random(seed)))
    assert finding.outcome is Outcome.PASS
    assert finding.evidence["draws"] == draws


@pytest.mark.parametrize("early", [True, False])
def test_a_draw_that_favours_the_early_or_the_late_fails(early):
    def weight(rank):
        return 3.0 if (rank < 50) is early else 1.0

    finding = judge_fairness(held(40, 100, 5, random.Random(1), weight))
    assert finding.outcome is Outcome.FAIL
    assert finding.evidence["chance"] < SUSPICION
    assert finding.message.startswith("who wins depends on when one entered: 200 winners in 40 draws")


def test_as_few_fair_runs_are_called_unfair_as_the_test_says():
    chance = random.Random(8)
    found = [judge_fairness(held(6, 60, 20, chance)).evidence["chance"] for _ in range(400)]
    for level in (0.05, 0.2, 0.5):
        wrong = sum(value < level for value in found)
        assert abs(wrong - 400 * level) < 4 * (400 * level * (1 - level)) ** 0.5 + 400 * 0.02


@pytest.mark.parametrize(
    ("draws", "entrants", "prizes"), [(0, 10, 1), (49, 30, 1), (100, 20, 20), (100, 9, 3), (10, 100, 0)]
)
def test_too_few_winners_or_nothing_but_winners_say_nothing(draws, entrants, prizes):
    assert judge_fairness(held(draws, entrants, prizes, random.Random(2))).outcome is Outcome.INCONCLUSIVE


def test_entries_that_do_not_count_or_were_not_answered_are_left_out():
    others = [entry("d", rank, "x", outcome, answered) for rank in range(90) for outcome, answered in
              (("refused", False), ("unknown", True), ("entered", False))]  # fmt: skip
    assert judge_fairness(others).evidence["draws"] == 0


@pytest.mark.parametrize(
    ("distance", "degrees", "tail"), [(0.0, 9, 1.0), (16.919, 9, 0.05), (27.877, 9, 0.001), (3.841, 1, 0.05)]
)
def test_the_tail_is_that_of_the_tables(distance, degrees, tail):
    assert chi_square_tail(distance, degrees) == pytest.approx(tail, rel=2e-3)


def test_an_even_number_of_degrees_is_refused():
    with pytest.raises(ValueError, match="are even"):
        chi_square_tail(1.0, 2)
    assert (GROUPS - 1) % 2


records = st.builds(
    EntryRecord,
    start=st.floats(0, 2e9),
    end=st.floats(0, 2e9),
    draw=st.text(),
    user=st.text(),
    outcome=st.sampled_from(["entered", "refused", "unknown"]),
    answered=st.booleans(),
    prize=st.text(),
    status=st.integers(0, 599),
    traceparent=st.text(),
)


@settings(deadline=None, max_examples=20)
@given(st.lists(records, max_size=5))
def test_entries_read_back(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("load")
    writer = EntryWriter(file_of(folder, 0))
    for row in rows:
        writer.add(row)
    writer.flush()
    with file_of(folder, 0).open("a") as file:
        file.write('{"start": 1')
    assert list(read_entries(folder)) == rows
