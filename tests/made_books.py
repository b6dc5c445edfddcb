"""Books of correct sales and draws, drawn by hypothesis: what viewers saw, and what the target stored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec
from hypothesis import strategies as st

from loadtests.draw_ledger import Win
from loadtests.entries import EntryRecord
from loadtests.history import OrderOutcome, OrderRecord
from loadtests.invariants.hall import Draw
from loadtests.invariants.sale import Sale
from loadtests.ledger import LedgerEntry
from loadtests.stock import StockRow

SKU = "lipstick-01"
OPENS = (10.0, 20.0)
"""Two waves; every order of a wave is over a second after its opening."""


def record(key: str, outcome: str = "accepted", reason: str = "", **more: Any) -> OrderRecord:
    accepted = outcome == "accepted"
    fields = {
        "start": 10.0,
        "end": 10.1,
        "key": key,
        "user": f"user-{key}",
        "sku": SKU,
        "quantity": 1,
        "outcome": OrderOutcome(outcome),
        "reason": reason,
        "order_id": f"o-{key}" if accepted else "",
        "status": 201 if accepted else 409,
        "attempts": 1,
        "traceparent": f"00-{key}",
    }
    return OrderRecord(**{**fields, **more})


def entry(key: str, order_id: str | None = None, **more: Any) -> LedgerEntry:
    fields = {"key": key, "user": f"user-{key}", "sku": SKU, "quantity": 1, "sale_id": ""}
    return LedgerEntry(order_id=f"o-{key}" if order_id is None else order_id, **{**fields, **more})


@dataclass
class Books:
    """A sale of two waves."""

    history: list[OrderRecord]
    ledger: list[LedgerEntry]
    sales: list[Sale]
    stock: list[StockRow]
    settled: bool = True

    def but(self, **changed: Any) -> Books:
        return replace(self, **changed)


changed = msgspec.structs.replace


@st.composite
def correct_sales(draw: st.DrawFn, limit: int = 2) -> Books:
    """What the viewers of a correct shop see, what it stores, and what it says of its stock.

    In each wave more is wanted than there is, and somebody wants more than the limit, so that no check is vacuous.
    Some answers get lost, before or after the order was stored; some accepted orders are replayed.
    """
    named = draw(st.booleans())
    history, ledger, sales, rows = list[OrderRecord](), list[LedgerEntry](), list[Sale](), list[StockRow]()
    for wave, opens in enumerate(OPENS):
        sale_id = f"wave-{wave}"
        stock = draw(st.integers(2, 6))
        sales.append(Sale(SKU, stock, opens, sale_id, limit))
        sold, bought = 0, dict[str, int]()
        wishes = [("greedy", True)] * (limit + 1) + draw(
            st.lists(st.tuples(st.sampled_from([f"{wave}-{n}" for n in range(9)]), st.booleans()), max_size=12)
        )
        wishes += [(f"{wave}-late-{n}", True) for n in range(stock + 1)]
        for number, (user, answered) in enumerate(wishes):
            key = f"{wave}-{number}"
            about = {"user": user, "start": opens + number / 100, "end": opens + number / 100 + 0.1}
            if bought.get(user, 0) >= limit:
                outcome, reason = "rejected", "limited"
            elif sold >= stock:
                outcome, reason = "rejected", "sold_out"
            else:
                outcome, reason, sold = "accepted", "", sold + 1
                bought[user] = bought.get(user, 0) + 1
                ledger.append(entry(key, user=user, sale_id=sale_id if named else ""))
            seen = record(key, outcome if answered else "unknown", reason if answered else "no answer", **about)
            history.append(seen)
            if outcome == "accepted" and answered and draw(st.booleans()):
                history.append(changed(seen, status=200))
        rows.append(StockRow(SKU, stock, stock - sold, sold, 0, sale_id))
    return Books(history, draw(st.permutations(ledger)), sales, rows)


@dataclass
class DrawBooks:
    """One draw."""

    draw: Draw
    wins: list[Win]
    entries: list[EntryRecord]


@st.composite
def correct_draws(draw: st.DrawFn) -> DrawBooks:
    """What entrants of a correct draw are told, and whom the target stores as winners: at least three, and a loser."""
    prizes = [f"prize-{n}" for n in range(draw(st.integers(3, 5)))]
    users = [f"user-{n}" for n in range(len(prizes) + draw(st.integers(1, 6)))]
    drawn = dict(zip(draw(st.permutations(users)), prizes, strict=False))
    entries = [
        EntryRecord(10.0, 40.0, "d", user, "entered", True, drawn.get(user, ""), 200, f"00-{user}") for user in users
    ]
    entries += [EntryRecord(35.0, 35.1, "d", f"late-{n}", "refused", False, "", 409, "00") for n in range(2)]
    wins = [Win("d", user, prize) for user, prize in drawn.items()] + [Win("other", "somebody", "prize-0")]
    return DrawBooks(Draw("d", len(prizes), 20.0), wins, draw(st.permutations(entries)))
