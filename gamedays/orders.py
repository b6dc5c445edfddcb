"""Orders: the viewers' history beside the target's ledger, as a run directory keeps both."""

from __future__ import annotations

import json
from collections.abc import Iterator, Set
from dataclasses import asdict

from flashcrowd.errors import FlashcrowdError
from flashcrowd.guard import Guard
from flashcrowd.rundir import RunDirectory
from flashcrowd.target import Target
from flashcrowd.verdict import Finding, Outcome
from loadtests import invariants
from loadtests.history import read_history
from loadtests.ledger import LedgerEntry, parse_entry, read_ledger

LEDGER = "load/ledger.jsonl"


async def known_orders(target: Target, guard: Guard) -> Set[str]:
    """The numbers of the orders that the ledger has before the run: they are not ours to judge."""
    return {entry.order_id for entry in await read_ledger(target, guard)}


async def save_ledger(run: RunDirectory, target: Target, guard: Guard, before: Set[str]) -> None:
    """Write what the ledger has gained since. Raises NeedError when it can't be read."""
    entries = [entry for entry in await read_ledger(target, guard, run=run.name) if entry.order_id not in before]
    run.write_text(LEDGER, "".join(json.dumps(asdict(entry)) + "\n" for entry in entries))


def judge_orders(run: RunDirectory) -> invariants.Judgement:
    """Compare the two. Without a ledger nothing is known of the orders' fate: one inconclusive finding says so."""
    stock: dict[str, int] = {}
    opened: dict[str, float] = {}
    for event in run.events("sale", "opened"):
        sku = event.data["sku"]
        stock[sku] = stock.get(sku, 0) + event.data["stock"]
        opened[sku] = max(opened.get(sku, 0.0), event.time)
    if not (run.path / LEDGER).is_file():
        return _unchecked(f"the run left no {LEDGER}")
    try:
        return invariants.judge(read_history(run.path / "load"), _ledger(run), stock, opened)
    except FlashcrowdError as error:
        return _unchecked(str(error))


def _unchecked(reason: str) -> invariants.Judgement:
    finding = Finding("invariant/orders", Outcome.INCONCLUSIVE, f"the orders can't be checked: {reason}")
    return invariants.Judgement((finding,), invariants.judge((), (), {}, {}).summary)


def _ledger(run: RunDirectory) -> Iterator[LedgerEntry]:
    with (run.path / LEDGER).open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            yield parse_entry(line, f"{LEDGER}:{number}")
