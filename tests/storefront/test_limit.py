"""Tests of the limit per user of a sale: exact, whoever asks how often, in both modes, and after a kill."""

import asyncio
import signal
from collections.abc import Iterator
from itertools import count

import aiohttp
import pytest

from .conftest import Client, Storefront, standing

LIMITED = (429, {"reason": "limited"})
numbers = count(1)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storefront]:
    with standing(tmp_path_factory.mktemp("limit"), "inventory", "shop") as made:
        yield made


@pytest.fixture
def storefront(shared: Storefront) -> Storefront:
    return shared


@pytest.fixture(params=["singly", "blocks"])
async def sale(visitor: Client, request: pytest.FixtureRequest) -> str:
    """A fresh sale of 200 units, two a user, in either mode."""
    sale_id = f"s{next(numbers)}"
    await visitor.switch(request.param, 50)
    await visitor.open_sale(sale_id, "lipstick-01", 200, limit=2)
    return sale_id


async def units(client: Client, sale_id: str) -> dict[str, int]:
    """Units stored by user."""
    found: dict[str, int] = {}
    for row in await client.ledger():
        if row["sale_id"] == sale_id:
            found[row["user"]] = found.get(row["user"], 0) + row["quantity"]
    return found


async def buy(client: Client, key: str, user: str, quantity: int = 1) -> tuple[int, dict[str, str]]:
    return await client.order("lipstick-01", key, quantity, user)


async def test_concurrent_keys_of_one_user_share_the_limit(visitor: Client, sale: str) -> None:
    orders = [(f"{sale}-u{user}-{key}", f"u{user}") for key in range(6) for user in range(20)]
    answers = await asyncio.gather(*(buy(visitor, *order) for order in orders))
    assert sorted(status for status, _ in answers) == [201] * 40 + [429] * 80
    assert set(map(str, (body for status, body in answers if status == 429))) == {str(LIMITED[1])}
    assert await units(visitor, sale) == {f"u{user}": 2 for user in range(20)}
    assert (await visitor.stock(sale))["sold"] == 40
    assert await visitor.metric("shop", 'shop_orders_total{outcome="limited"}') >= 80


async def test_a_replay_is_no_further_order(visitor: Client, sale: str) -> None:
    first = await buy(visitor, f"{sale}-a", "u1", 2)
    assert first[0] == 201
    assert await buy(visitor, f"{sale}-b", "u1") == LIMITED
    assert await buy(visitor, f"{sale}-a", "u1", 2) == (200, first[1])
    assert await buy(visitor, f"{sale}-b", "u1") == LIMITED
    assert await buy(visitor, f"{sale}-c", "u2", 3) == LIMITED
    assert await units(visitor, sale) == {"u1": 2}


async def test_the_limit_counts_orders_of_both_modes(visitor: Client, sale: str) -> None:
    assert (await buy(visitor, f"{sale}-a", "u1"))[0] == 201
    for mode, status in (("blocks", 201), ("singly", 201), ("blocks", 429)):
        await visitor.switch(mode, 50)
        assert (await buy(visitor, f"{sale}-{mode}-{status}", "u2"))[0] == status
    assert await units(visitor, sale) == {"u1": 1, "u2": 2}


async def test_other_sales_have_limits_of_their_own(visitor: Client, sale: str) -> None:
    assert (await buy(visitor, f"{sale}-a", "u1", 2))[0] == 201
    await visitor.open_sale(f"{sale}-later", "lipstick-01", 10, limit=1)
    assert (await buy(visitor, f"{sale}-b", "u1"))[0] == 201
    assert await buy(visitor, f"{sale}-c", "u1") == LIMITED
    assert (await visitor.order("mug-01", f"{sale}-d", 5))[0] == 201


async def test_the_limit_survives_a_killed_shop(visitor: Client, sale: str) -> None:
    """In blocks the orders are in the journal alone: the inventory stands still until the shop is back."""
    before = await buy(visitor, f"{sale}-a", "u1", 2)
    assert before[0] == 201
    in_blocks = (await visitor.call("GET", "/admin/reservation"))[1]["mode"] == "blocks"
    if in_blocks:
        visitor.storefront.signal("inventory", signal.SIGSTOP)
        assert (await buy(visitor, f"{sale}-b", "u2", 2))[0] == 201
    visitor.storefront.kill("shop")
    visitor.storefront.signal("inventory", signal.SIGCONT)
    visitor.storefront.start("shop")
    await visitor.storefront.ready("shop")
    assert await buy(visitor, f"{sale}-c", "u1") == LIMITED
    assert await buy(visitor, f"{sale}-a", "u1", 2) == (200, before[1])
    assert (await buy(visitor, f"{sale}-d", "u2", 2))[0] == (429 if in_blocks else 201)
    assert await units(visitor, sale) == {"u1": 2, "u2": 2}


@pytest.mark.parametrize(("stock", "first", "second"), [(100, 200, 429), (10, 429, 201)])
async def test_an_attempt_with_an_unknown_end_is_settled_before_the_user_gets_more(
    visitor: Client, stock: int, first: int, second: int
) -> None:
    """With all the stock in a block the inventory has nothing left for the first order, so the second may have it."""
    sale = f"s{next(numbers)}"
    await visitor.switch("singly")
    await visitor.open_sale(sale, "lipstick-01", stock, limit=1)
    visitor.storefront.kill("inventory")
    assert (await buy(visitor, f"{sale}-a", "u1"))[0] == 503
    assert (await buy(visitor, f"{sale}-b", "u1"))[0] == 503
    visitor.storefront.start("inventory")
    await visitor.storefront.ready("inventory")
    await visitor.switch("blocks", 10)
    assert (await buy(visitor, f"{sale}-b", "u1"))[0] == second
    assert (await buy(visitor, f"{sale}-a", "u1"))[0] == first
    assert await units(visitor, sale) == {"u1": 1}


async def test_orders_of_a_killed_shop_that_arrive_late_are_refused(visitor: Client) -> None:
    """The inventory stands still with an order of the shop's earlier life in its socket; the next life sells anew."""
    sale = f"s{next(numbers)}"
    await visitor.switch("singly")
    await visitor.open_sale(sale, "lipstick-01", 10, limit=1)
    inventory = visitor.storefront.inventory
    order = {"sale_id": sale, "sku": "lipstick-01", "quantity": 1, "user": "u1", "key": f"{sale}-late", "ticket": 1}
    visitor.storefront.kill("shop")
    visitor.storefront.start("shop")
    await visitor.storefront.ready("shop")
    assert (await buy(visitor, f"{sale}-a", "u1"))[0] == 201
    assert (await visitor.call("POST", "/orders", order, inventory))[0] == 412
    assert await units(visitor, sale) == {"u1": 1}


async def test_a_rush_with_kills_never_passes_the_limit(visitor: Client) -> None:
    sale = f"s{next(numbers)}"
    await visitor.switch("singly")
    await visitor.open_sale(sale, "lipstick-01", 150, limit=1)
    accepted: dict[str, str] = {}

    async def buyer(user: str) -> None:
        for key in (f"{sale}-{user}-{n}" for n in range(3)):
            for _ in range(8):
                try:
                    status, body = await buy(visitor, key, user)
                except (aiohttp.ClientError, TimeoutError):
                    status = 503
                if status in (200, 201):
                    accepted[key] = body["order_id"]
                if status != 503:
                    break
                await asyncio.sleep(0.05)

    async def operator() -> None:
        for _ in range(2):
            await visitor.switch("blocks", 20)
            await visitor.switch("singly", 20)
        visitor.storefront.kill("inventory")
        visitor.storefront.start("inventory")
        await visitor.storefront.ready("inventory")
        await visitor.switch("blocks", 20)

    await asyncio.gather(operator(), *(buyer(f"u{n}") for n in range(60)))
    stored = {row["key"]: row for row in await visitor.ledger() if row["sale_id"] == sale}
    assert {key: stored[key]["order_id"] for key in accepted} == accepted
    assert max((await units(visitor, sale)).values()) == 1
    assert (await visitor.stock(sale))["sold"] == len(stored)
