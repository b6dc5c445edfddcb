"""Tests of the reservation in blocks, and of what survives a kill."""

import asyncio
import signal
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import aiohttp
import pytest

from .conftest import Client, eventually, slow_link

Answers = list[tuple[int, dict[str, Any]]]


async def orders(client: Client, keys: Iterable[str], sku: str = "lipstick-01") -> Answers:
    return await asyncio.gather(*(client.order(sku, key) for key in keys))


def acknowledged(answers: Answers) -> set[str]:
    return {body["order_id"] for status, body in answers if status in (200, 201)}


async def test_orders_in_blocks_need_no_inventory(client: Client) -> None:
    await client.open_sale("s1", "lipstick-01", 100)
    await client.switch("blocks", 100)
    client.storefront.signal("inventory", signal.SIGSTOP)
    first = await orders(client, (f"k{n}" for n in range(60)))
    assert {status for status, _ in first} == {201}
    rest = await orders(client, (f"k{n}" for n in range(120)))
    assert sorted(status for status, _ in rest) == [200] * 60 + [201] * 40 + [409] * 20
    client.storefront.signal("inventory", signal.SIGCONT)
    rows = await client.ledger()
    assert len(rows) == 100
    assert {row["order_id"] for row in rows} == acknowledged(rest)
    assert await client.metric("shop", "shop_outbox_orders") == 0
    stock = await client.stock("s1")
    assert (stock["remaining"], stock["reserved"], stock["sold"]) == (0, 0, 100)


async def test_blocks_are_refilled_until_the_stock_is_gone(client: Client) -> None:
    await client.switch("blocks", 20)
    await client.open_sale("s1", "lipstick-01", 205)
    answers = await orders(client, (f"k{n}" for n in range(300)))
    assert len(acknowledged(answers)) == 205
    assert len(await client.ledger()) == 205
    assert await client.order("lipstick-01", "late") == (409, {"reason": "sold_out"})


async def test_switching_back_returns_what_is_unused(client: Client) -> None:
    await client.open_sale("s1", "lipstick-01", 100)
    await client.switch("blocks", 50)
    assert (await client.stock("s1"))["reserved"] == 50
    assert await client.metric("shop", "shop_reservation_blocks") == 1
    await orders(client, ["k1", "k2"])
    await client.switch("singly")
    assert len(await client.ledger()) == 2
    stock = await client.stock("s1")
    assert (stock["remaining"], stock["reserved"], stock["sold"]) == (98, 0, 2)
    assert await client.metric("shop", "shop_reservation_blocks") == 0


async def test_switching_under_load_neither_oversells_nor_undersells_nor_duplicates(client: Client) -> None:
    await client.open_sale("s1", "lipstick-01", 400)
    answers: Answers = []

    async def buyer(number: int) -> None:
        for n in range(30):
            for _ in range(2):  # every order is sent twice, perhaps in two modes
                answers.append(await client.order("lipstick-01", f"k{number}-{n}"))

    async def operator() -> None:
        for _ in range(6):
            await client.switch("blocks", 40)
            await client.switch("singly", 40)

    await asyncio.gather(operator(), *(buyer(number) for number in range(20)))
    rows = await client.ledger()
    assert len(rows) == len({row["key"] for row in rows}) == 400
    assert {row["order_id"] for row in rows} == acknowledged(answers)
    assert {status for status, _ in answers} == {200, 201, 409}
    stock = await client.stock("s1")
    assert (stock["remaining"], stock["reserved"], stock["sold"]) == (0, 0, 400)


async def test_a_killed_shop_loses_no_acknowledged_order(client: Client) -> None:
    await client.open_sale("s1", "lipstick-01", 100)
    await client.switch("blocks", 80)
    client.storefront.signal("inventory", signal.SIGSTOP)
    before = await orders(client, (f"k{n}" for n in range(50)))
    assert len(acknowledged(before)) == 50
    client.storefront.kill("shop")
    client.storefront.signal("inventory", signal.SIGCONT)
    client.storefront.start("shop")
    await client.storefront.ready("shop")
    assert await client.call("GET", "/admin/reservation") == (200, {"mode": "blocks", "size": 80})
    replayed = await orders(client, (f"k{n}" for n in range(50)))
    assert {status for status, _ in replayed} == {200}
    assert acknowledged(replayed) == acknowledged(before)
    rest = await orders(client, (f"n{n}" for n in range(60)))
    assert len(acknowledged(rest)) == 50
    assert {row["order_id"] for row in await client.ledger()} == acknowledged(before) | acknowledged(rest)
    assert (await client.stock("s1"))["sold"] == 100


async def test_a_shop_killed_while_asking_for_a_block_leaves_no_stock_behind(client: Client) -> None:
    await client.open_sale("s1", "lipstick-01", 100)
    client.storefront.signal("inventory", signal.SIGSTOP)
    switching = asyncio.create_task(client.call("POST", "/admin/reservation", {"mode": "blocks", "size": 60}))

    async def asked() -> bool:
        with closing(sqlite3.connect(client.storefront.directory / "shop.db")) as journal:
            return bool(journal.execute("SELECT count(*) = 6 FROM blocks WHERE granted IS NULL").fetchone()[0])

    await eventually(asked)
    client.storefront.kill("shop")
    with pytest.raises(aiohttp.ClientError):
        await switching
    client.storefront.signal("inventory", signal.SIGCONT)
    client.storefront.start("shop")
    await client.storefront.ready("shop")
    assert (await client.stock("s1"))["reserved"] == 0
    assert len(acknowledged(await orders(client, (f"k{n}" for n in range(110))))) == 100


async def test_a_killed_inventory_loses_no_acknowledged_order(client: Client) -> None:
    await client.open_sale("s1", "lipstick-01", 400)
    rush = asyncio.create_task(orders(client, (f"k{n}" for n in range(300))))

    async def some() -> bool:
        return await client.metric("inventory", 'inventory_orders_total{outcome="stored"}') > 20

    await eventually(some)
    client.storefront.kill("inventory")
    answers = await rush
    client.storefront.start("inventory")
    await client.storefront.ready("inventory")
    stored = {row["order_id"] for row in await client.ledger()}
    assert acknowledged(answers) <= stored
    assert {status for status, _ in answers} <= {201, 503}
    again = await orders(client, (f"k{n}" for n in range(300)))
    assert len(acknowledged(again)) == 300
    assert (await client.stock("s1"))["sold"] == 300


async def test_an_unknown_order_stays_with_the_inventory_across_the_switch(client: Client) -> None:
    await client.open_sale("s1", "lipstick-01", 10)
    client.storefront.kill("inventory")
    assert await client.order("lipstick-01", "k1") == (503, {"reason": "inventory"})
    client.storefront.start("inventory")
    await client.storefront.ready("inventory")
    await client.switch("blocks", 10)
    assert (await client.order("lipstick-01", "k1"))[0] == 201
    assert [row["key"] for row in await client.ledger()] == ["k1"]
    assert (await client.stock("s1"))["sold"] == 1


async def test_on_a_slow_link_orders_need_no_round_trip_after_the_switch(visitor: Client) -> None:
    visitor.storefront.start("bus", "inventory")
    await visitor.storefront.ready("inventory")
    async with slow_link(visitor.storefront.ports["inventory"], 0.2) as port:
        visitor.storefront.link = f"http://127.0.0.1:{port}"
        visitor.storefront.start("shop")
        await visitor.storefront.ready("shop")
        await visitor.open_sale("s1", "lipstick-01", 300)
        queued = asyncio.create_task(orders(visitor, (f"q{n}" for n in range(200))))
        await visitor.switch("blocks", 500)
        visitor.storefront.signal("inventory", signal.SIGSTOP)
        assert (await visitor.order("mug-01", "m1"))[0] == 201
        visitor.storefront.signal("inventory", signal.SIGCONT)
        rest = await orders(visitor, (f"k{n}" for n in range(200)))
        assert len(acknowledged(await queued) | acknowledged(rest)) == 300


async def test_a_sale_registered_during_the_switch_has_its_block_too(visitor: Client) -> None:
    visitor.storefront.start("bus", "inventory")
    await visitor.storefront.ready("inventory")
    async with slow_link(visitor.storefront.ports["inventory"], 0.2) as port:
        visitor.storefront.link = f"http://127.0.0.1:{port}"
        visitor.storefront.start("shop")
        await visitor.storefront.ready("shop")
        await asyncio.gather(visitor.open_sale("s1", "lipstick-01", 30), visitor.switch("blocks", 500))
        visitor.storefront.signal("inventory", signal.SIGSTOP)
        answers = await orders(visitor, (f"k{n}" for n in range(40)))
        assert sorted(status for status, _ in answers) == [201] * 30 + [409] * 10
        visitor.storefront.signal("inventory", signal.SIGCONT)


@pytest.mark.slow
async def test_with_a_dead_inventory_the_ledger_says_so(client: Client) -> None:
    await client.switch("blocks")
    client.storefront.kill("inventory")
    assert (await client.order("mug-01", "k1"))[0] == 201
    late, stock = await asyncio.gather(client.call("GET", "/admin/ledger"), client.call("GET", "/admin/stock"))
    assert late == (503, {"reason": "outbox not drained"})
    assert stock == (503, {"reason": "inventory"})
