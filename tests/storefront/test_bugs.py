"""Tests of the planted bugs: each breaks its own invariant in an ordinary evening, and no other."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from storefront.settings import BUGS

from .conftest import Client, Storefront, eventually, frame, joined, standing

STOCK, LIMITED = 100, 30
SAID = ("buy followers", "ｂｕｙ　ｆｏｌｌｏｗｅｒｓ", "刷 单", "соuntеrfeit goods", "good evening")


@pytest.fixture(scope="module", params=["", *BUGS])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storefront]:
    with standing(tmp_path_factory.mktemp("bugs"), "inventory", "shop", "live-1", bug=request.param) as made:
        yield made


@pytest.fixture
def storefront(shared: Storefront) -> Storefront:
    return shared


@dataclass
class Evening:
    """What viewers saw, and what the storefront says."""

    accepted: dict[str, set[str]] = field(default_factory=dict)  # numbers by key
    rejected: Counter[str] = field(default_factory=Counter)  # keys by sale
    rejected_keys: set[str] = field(default_factory=set)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    stock: dict[str, dict[str, int]] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    winners: list[dict[str, str]] = field(default_factory=list)
    told: dict[str, str | None] = field(default_factory=dict)

    def broken(self) -> set[str]:
        """The invariants that don't hold."""
        keys = Counter(row["key"] for row in self.ledger)
        sold = Counter(dict.fromkeys(self.stock, 0))
        users: dict[str, set[str]] = {}
        for row in self.ledger:
            sold[row["sale_id"]] += row["quantity"]
            if row["sale_id"] == "limited":
                users.setdefault(row["user"], set()).add(row["key"])
        figures = self.stock.values()
        prizes = Counter(row["user"] for row in self.winners)
        checks = {
            "oversell": all(sold[sale] <= figures["initial"] for sale, figures in self.stock.items()),
            "undersell": all(sold[sale] >= self.stock[sale]["initial"] for sale in self.rejected),
            "lost-order": all(key in keys for key in self.accepted),
            "duplicate-on-retry": max(keys.values()) == 1,
            "rejected-but-stored": not self.rejected_keys & set(keys),
            "replay": all(len(numbers) == 1 for numbers in self.accepted.values()),
            "number": all(row["order_id"] in self.accepted.get(row["key"], {row["order_id"]}) for row in self.ledger),
            "limit-ignored": all(len(orders) == 1 for orders in users.values()),
            "conservation": all(one["initial"] == one["remaining"] + one["sold"] + one["reserved"] for one in figures),
            "stock-is-ledger": all(sold[sale] == figures["sold"] for sale, figures in self.stock.items()),
            "forbidden-phrase": self.heard == ["good evening"],
            "winner-twice": max(prizes.values()) == 1,
            "prizes": sorted(row["prize"] for row in self.winners) == ["p0", "p1", "p2"],
            "told": all({"user": user, "prize": won} in self.winners for user, won in self.told.items() if won),
        }
        return {name for name, holds in checks.items() if not holds}


async def buy(client: Client, evening: Evening, sku: str, key: str, user: str, sale: str) -> None:
    """Order, try again when the answer isn't clear, and once more when it is: a replay."""
    for _ in range(4):
        status, body = await client.order(sku, key, user=user)
        if status in (200, 201):
            evening.accepted.setdefault(key, set()).add(body["order_id"])
        elif body["reason"] == "sold_out":
            evening.rejected[sale] += 1
        if status in (409, 429):
            evening.rejected_keys.add(key)
        if status != 503 and not (status == 201 and key.endswith("3")):
            return


async def rush(client: Client, evening: Evening) -> None:
    await client.open_sale("rush", "lipstick-01", STOCK)
    await client.open_sale("limited", "lipstick-02", LIMITED + 10, limit=1)
    buyers = [buy(client, evening, "lipstick-01", f"r{n}", f"u{n}", "rush") for n in range(400)]
    greedy = [buy(client, evening, "lipstick-02", f"l{n}", f"u{n % LIMITED}", "limited") for n in range(LIMITED + 5)]
    await asyncio.gather(*buyers, *greedy)
    for hour in range(100):  # until it is noticed that nothing is left: the bug `oversell` believes an old count
        late = [buy(client, evening, "lipstick-01", f"late{hour}-{n}", f"u{n}", "rush") for n in range(20)]
        await asyncio.gather(*late)
        if evening.rejected["rush"]:
            break
    evening.ledger = await client.ledger()
    _, sales = await client.call("GET", "/admin/stock")
    evening.stock = {sale["sale_id"]: sale for sale in sales}


async def draw(client: Client, evening: Evening) -> None:
    facts = {"draw_id": "d", "prizes": ["p0", "p1", "p2"], "opens_at": time.time(), "closes_at": time.time() + 1.5}
    assert (await client.call("POST", "/admin/draws", facts))[0] == 201

    async def entered() -> bool:
        return (await client.call("POST", "/draws/d/entries", user="u0"))[0] in (200, 201)

    await eventually(entered)
    entries = [client.call("POST", "/draws/d/entries", user=f"u{n}") for n in range(1, 10)]
    assert {status for status, _ in await asyncio.gather(*entries)} == {201}

    async def drawn() -> bool:
        return (await client.call("GET", "/draws/d/result", user="u0"))[0] == 200

    await eventually(drawn)
    rows = await client.ledger("/admin/draws/ledger")
    evening.winners = [{"user": row["user"], "prize": row["prize"]} for row in rows]
    for n in range(10):
        evening.told[f"u{n}"] = (await client.call("GET", "/draws/d/result", user=f"u{n}"))[1]["prize"]


async def chat(client: Client, evening: Evening) -> None:
    async with client.storefront.viewer("sayer") as sayer, client.storefront.viewer("hearer") as hearer:
        await joined(sayer)
        await joined(hearer)
        for said in SAID:
            await sayer.send(json.dumps({"type": "chat", "text": said}))
        while SAID[-1] not in evening.heard:
            evening.heard += [message["text"] for message in (await frame(hearer, "chat"))["messages"]]


async def test_each_bug_breaks_its_invariant_and_no_other(visitor: Client) -> None:
    evening = Evening()
    await rush(visitor, evening)
    await asyncio.gather(draw(visitor, evening), chat(visitor, evening))
    bug = visitor.storefront.bug
    assert evening.broken() == ({bug} if bug else set())
    assert len(evening.accepted) > STOCK
    assert evening.rejected["rush"] > 0
