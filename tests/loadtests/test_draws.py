"""Draws: each wrong is found by its own invariant and by no other."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from made_books import DrawBooks, correct_draws

from flashcrowd.verdict import Finding, Outcome
from loadtests.draw_ledger import Win
from loadtests.entries import EntryRecord
from loadtests.invariants.draws import judge_draws
from loadtests.invariants.hall import Draw


def findings(books: DrawBooks) -> dict[str, Finding]:
    found = judge_draws([books.draw], books.wins, books.entries)
    return {finding.name.removeprefix("invariant/"): finding for finding in found}


def broken(books: DrawBooks) -> set[str]:
    return {name for name, finding in findings(books).items() if finding.outcome is not Outcome.PASS}


def entries_of(books: DrawBooks, user: str, **changed: object) -> list[EntryRecord]:
    """The entries, one user's changed."""
    return [replace(one, **changed) if one.user == user else one for one in books.entries]


@settings(deadline=None)
@given(correct_draws())
def test_a_correct_draw_passes_all(books):
    assert broken(books) == set()
    assert set(findings(books)) == {"draw-winners", "draw-once", "draw-entered", "draw-told", "draw-answered"}


@settings(deadline=None)
@given(correct_draws(), st.data())
def test_each_wrong_has_its_own_finding(books, data):
    winner = data.draw(st.sampled_from([win for win in books.wins if win.draw == "d"]))
    loser = next(one.user for one in books.entries if one.outcome == "entered" and not one.prize)
    rest = [win for win in books.wins if win is not winner]

    withheld = entries_of(books, winner.user, prize="")
    assert broken(replace(books, wins=rest, entries=withheld)) == {"draw-winners"}
    second = next(win for win in rest if win.draw == "d")
    twice = [win if win is not second else Win("d", winner.user, win.prize) for win in books.wins]
    unlucky = entries_of(books, second.user, prize="")
    assert broken(replace(books, wins=twice, entries=unlucky)) == {"draw-once"}
    assert broken(replace(books, wins=[*books.wins, Win("d", winner.user, "prize-9")])) == {"draw-once"}
    assert broken(replace(books, wins=[*rest, Win("d", "ghost", winner.prize)], entries=withheld)) == {"draw-entered"}
    assert broken(replace(books, wins=[*rest, Win("d", "late-0", winner.prize)], entries=withheld)) == {"draw-entered"}
    assert broken(replace(books, entries=entries_of(books, loser, prize="prize-0"))) == {"draw-told"}
    assert broken(replace(books, entries=entries_of(books, winner.user, prize="prize-9"))) == {"draw-told"}
    assert broken(replace(books, entries=entries_of(books, loser, answered=False))) == {"draw-answered"}
    extra = [*books.wins, Win("d", loser, "prize-9")]
    assert broken(replace(books, wins=extra, entries=entries_of(books, loser, prize="prize-9"))) == {"draw-winners"}


def test_a_violation_names_who_it_was_and_how_to_trace_them():
    books = DrawBooks(Draw("d", 2, 20.0), [], [EntryRecord(1.0, 2.0, "d", "u", "entered", True, "cup", 200, "00-1")])
    told = findings(books)["draw-told"]
    assert told.message == "1 viewers were told another result than the ledger of draws has"
    (one,) = told.evidence["entries"]
    assert (one["user"], one["prize"], one["stored"], one["traceparent"]) == ("u", "cup", [], "00-1")


def test_an_entry_without_a_clear_answer_may_or_may_not_take_part():
    unclear = [EntryRecord(1.0, 2.0, "d", f"u{n}", "unknown", True, "", 200, "00") for n in range(3)]
    nobody = findings(DrawBooks(Draw("d", 2, 20.0), [], unclear))["draw-winners"]
    assert nobody.outcome is Outcome.INCONCLUSIVE
    for winners in range(1, 3):
        wins = [Win("d", f"u{n}", "cup") for n in range(winners)]
        told = [replace(one, prize="cup") if n < winners else one for n, one in enumerate(unclear)]
        assert findings(DrawBooks(Draw("d", 2, 20.0), wins, told))["draw-winners"].outcome is Outcome.PASS


def test_whoever_leaves_before_the_result_is_due_can_not_complain():
    early = [EntryRecord(1.0, 21.0, "d", "u", "entered", False, "", 202, "00")]
    found = findings(DrawBooks(Draw("d", 1, 20.0), [Win("d", "u", "cup")], early))
    assert found["draw-answered"].outcome is Outcome.INCONCLUSIVE
    assert found["draw-answered"].message.startswith("1 entrants left before the result was due")


def test_a_draw_that_nobody_entered_decides_nothing_and_without_a_draw_there_is_nothing_to_say():
    (finding,) = judge_draws([Draw("d", 1, 20.0)], [], [])
    assert (finding.outcome, finding.message) == (Outcome.INCONCLUSIVE, "nobody entered the draw")
    assert judge_draws([], [], []) == ()


def test_the_same_user_who_tries_twice_is_one_entrant():
    entries = [
        EntryRecord(1.0, 40.0, "d", "u", how, True, "cup", 200, "00") for how in ("unknown", "entered", "entered")
    ]
    winners = findings(DrawBooks(Draw("d", 5, 20.0), [Win("d", "u", "cup")], entries))["draw-winners"]
    assert (winners.outcome, winners.message) == (Outcome.PASS, "1 winners among 1 entrants for 5 prizes")
