"""Tests of the inventory's interface: every call may be repeated."""

from typing import Any

import pytest

from .conftest import Client

SALE = {"sku": "tea-01", "stock": 10}
ORDER = {"sale_id": "s1", "sku": "tea-01", "quantity": 1, "user": "u1", "key": "k1"}


@pytest.fixture
async def inventory(visitor: Client) -> Client:
    visitor.storefront.start("inventory")
    await visitor.storefront.ready("inventory")
    assert (await call(visitor, "PUT", "/stock/s1", SALE))[0] == 200
    return visitor


async def call(client: Client, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    return await client.call(method, path, body, client.storefront.inventory)


async def test_a_sale_is_registered_once(inventory: Client) -> None:
    assert (await call(inventory, "PUT", "/stock/s1", SALE))[0] == 200
    assert (await call(inventory, "PUT", "/stock/s1", {**SALE, "stock": 11}))[0] == 409
    assert (await inventory.stock("s1"))["initial"] == 10


async def test_an_order_is_stored_once(inventory: Client) -> None:
    first, again = [await call(inventory, "POST", "/orders", ORDER) for _ in range(2)]
    assert (first[0], again[0]) == (201, 200)
    assert first[1] == again[1]
    assert (await call(inventory, "POST", "/orders", {**ORDER, "key": "k2", "sale_id": "s9"}))[0] == 404
    assert (await call(inventory, "POST", "/orders", {**ORDER, "key": "k2", "quantity": 10}))[1] == {
        "reason": "sold_out",
        "remaining": 9,
    }


async def test_a_block_is_granted_once_and_returned_once(inventory: Client) -> None:
    ask = {"sale_id": "s1", "quantity": 30, "request_id": "b1"}
    for _ in range(2):
        assert await call(inventory, "POST", "/blocks", ask) == (
            200,
            {"block_id": "b1", "granted": 10, "remaining": 0},
        )
    for _ in range(2):
        assert (await call(inventory, "DELETE", "/blocks/b1", {"unused": 4}))[0] == 200
    stock = await inventory.stock("s1")
    assert (stock["remaining"], stock["reserved"]) == (4, 6)


async def test_a_batch_is_recorded_once_and_gives_back_what_was_sold_before(inventory: Client) -> None:
    await call(inventory, "POST", "/orders", ORDER)
    await call(inventory, "POST", "/blocks", {"sale_id": "s1", "quantity": 5, "request_id": "b1"})
    batch = {"orders": [{**ORDER, "block_id": "b1"}, {**ORDER, "key": "k2", "block_id": "b1"}]}
    released = [(await call(inventory, "POST", "/orders/batch", batch))[1]["released"] for _ in range(2)]
    assert released == [["s1"], []]
    stock = await inventory.stock("s1")
    assert (stock["remaining"], stock["reserved"], stock["sold"]) == (5, 3, 2)


async def test_a_block_cannot_be_overspent(inventory: Client) -> None:
    await call(inventory, "POST", "/blocks", {"sale_id": "s1", "quantity": 1, "request_id": "b1"})
    batch = {"orders": [{**ORDER, "key": f"k{n}", "block_id": "b1"} for n in range(2)]}
    async with inventory.session.post(inventory.storefront.inventory + "/orders/batch", json=batch) as answer:
        assert answer.status == 500
    assert (await inventory.stock("s1"))["sold"] == 0


async def test_the_ledger_can_be_read_on(inventory: Client) -> None:
    for number in range(3):
        await call(inventory, "POST", "/orders", {**ORDER, "key": f"k{number}"})
    async with inventory.session.get(inventory.storefront.inventory + "/ledger?after=2") as answer:
        assert (await answer.text()).count("\n") == 1
    assert await inventory.metric("inventory", 'inventory_stock{sku="tea-01"}') == 7


async def test_requests_that_make_no_sense_are_refused(inventory: Client) -> None:
    for method, path, body in (
        ("POST", "/orders", {}),
        ("POST", "/orders", {**ORDER, "quantity": True}),
        ("POST", "/orders/batch", {"orders": [ORDER]}),
        ("POST", "/blocks", {"sale_id": "s1", "quantity": -1, "request_id": "b"}),
        ("PUT", "/stock/s2", {"sku": "x", "stock": "many"}),
        ("GET", "/ledger?after=x", None),
    ):
        assert (await call(inventory, method, path, body))[0] == 400


async def test_an_attempt_that_was_overtaken_counts_no_more(inventory: Client) -> None:
    """The stock is in a block when the shop asks again, and back when its first attempt arrives at last."""
    block = {"sale_id": "s1", "quantity": 10, "request_id": "b1"}
    assert (await call(inventory, "POST", "/blocks", block))[1]["granted"] == 10
    assert (await call(inventory, "POST", "/orders", {**ORDER, "ticket": 5, "again": True}))[0] == 409
    assert (await call(inventory, "DELETE", "/blocks/b1", {"unused": 10}))[0] == 200
    assert (await call(inventory, "POST", "/orders", {**ORDER, "ticket": 4}))[0] == 412
    assert (await inventory.stock("s1"))["sold"] == 0
    assert (await call(inventory, "POST", "/orders", {**ORDER, "ticket": 6}))[0] == 201


async def test_attempts_of_an_earlier_life_of_the_shop_count_no_more(inventory: Client) -> None:
    for ticket in (100, 50):  # a fence never goes back
        assert (await call(inventory, "PUT", "/fence", {"ticket": ticket}))[0] == 200
    inventory.storefront.kill("inventory")
    inventory.storefront.start("inventory")
    await inventory.storefront.ready("inventory")
    assert (await call(inventory, "POST", "/orders", {**ORDER, "ticket": 99}))[0] == 412
    assert (await call(inventory, "POST", "/orders", {**ORDER, "ticket": 101}))[0] == 201
