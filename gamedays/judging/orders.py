"""Orders: what viewers saw beside what the target stored, as a run directory keeps both: orders, draws, chat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from flashcrowd.errors import FlashcrowdError, InputError
from flashcrowd.rundir import RunDirectory
from flashcrowd.seal import EVENTS, lacking
from flashcrowd.verdict import Finding, Outcome
from gamedays.playing.books import DRAW_LEDGER, LEDGER, STOCK
from loadtests.draw_ledger import saved_wins
from loadtests.entries import read_entries
from loadtests.history import read_history
from loadtests.invariants import Judgement, Sale, judge
from loadtests.invariants.chat import judge_chat
from loadtests.invariants.draws import judge_draws
from loadtests.invariants.hall import Draw
from loadtests.ledger import saved_orders
from loadtests.result import read_result
from loadtests.stock import StockRow, saved_stock

HISTORIES = "load/history-"


def judge_orders(run: RunDirectory, doubt: str | None = None) -> Judgement:
    """Compare both. Without a ledger nothing is known of the orders' fate: one inconclusive finding says so.

    doubt: as of `doubt_of_books`.
    """
    judgement = _orders(run) if doubt is None else _unchecked(doubt)
    return Judgement((*judgement.findings, *judge_others(run)), judgement.summary)


def doubt_of_books(run: RunDirectory, damaged: Sequence[str]) -> str | None:
    """Why orders can't be judged by what the run left; `damaged` as of `seal.damage`.

    Half a ledger, or a sale that nobody knows to have been opened, would accuse the target.
    """
    books = [one for one in damaged if one.startswith((EVENTS, HISTORIES, LEDGER, STOCK))]
    return lacking(run, books)


def judge_others(run: RunDirectory) -> tuple[Finding, ...]:
    """What is judged beside the orders, and also where none were made: draws and chat."""
    draws = _draws(run)
    return (*draws, *_chat(run, aside=bool(draws) or (run.path / LEDGER).is_file()))


def _orders(run: RunDirectory) -> Judgement:
    if not (run.path / LEDGER).is_file():
        return _unchecked(f"the run left no {LEDGER}")
    try:
        history, ledger = read_history(run.path / "load"), saved_orders(run.path / LEDGER)
        return judge(history, ledger, _sales(run), _stock(run), _settled(run))
    except FlashcrowdError as error:
        return _unchecked(run.told(error))


def _unchecked(reason: str) -> Judgement:
    finding = Finding("invariant/orders", Outcome.INCONCLUSIVE, f"the orders can't be checked: {reason}")
    return Judgement((finding,), judge((), ()).summary)


def _sales(run: RunDirectory) -> Iterator[Sale]:
    for event in run.events("sale", "opened"):
        data = event.data
        yield Sale(data["sku"], data["stock"], event.time, data.get("sale_id", ""), data.get("limit"))


def _stock(run: RunDirectory) -> list[StockRow]:
    file = run.path / STOCK
    try:
        return list(saved_stock(file)) if file.is_file() else []
    except msgspec.DecodeError as error:
        raise InputError(f"{file} is damaged: {error}") from None


def _settled(run: RunDirectory) -> bool | None:
    """Whether the ledger was at rest; None for a run of a version that didn't look."""
    read = run.events("ledger", "read")
    return bool(read[-1].data["settled"]) if read else None


def _draws(run: RunDirectory) -> tuple[Finding, ...]:
    opened = [event.data for event in run.events("draw", "opened")]
    if not opened:
        return ()
    if not (run.path / DRAW_LEDGER).is_file():
        message = f"the draws can't be checked: the run left no {DRAW_LEDGER}; give spec.draw.ledger"
        return (Finding("invariant/draws", Outcome.INCONCLUSIVE, message),)
    try:
        draws = [Draw(data["draw_id"], len(data["prizes"]), data["closes_at"]) for data in opened]
        return judge_draws(draws, saved_wins(run.path / DRAW_LEDGER), read_entries(run.path / "load"))
    except FlashcrowdError as error:
        return (Finding("invariant/draws", Outcome.INCONCLUSIVE, f"the draws can't be checked: {run.told(error)}"),)


def _chat(run: RunDirectory, aside: bool) -> tuple[Finding, ...]:
    """A load that left no figures says so itself."""
    try:
        return tuple(judge_chat(read_result(run).chat, aside))
    except InputError:
        return ()
