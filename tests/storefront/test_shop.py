"""Tests of ordering: what is sold, to whom, once."""

import asyncio
import time

from .conftest import Client


async def test_ordinary_goods_are_on_sale_from_the_start(client: Client) -> None:
    status, goods = await client.call("GET", "/catalogue")
    assert status == 200
    assert [item["sku"] for item in goods if item["flash"]] == ["lipstick-01"]
    ordinary = next(item["sku"] for item in goods if not item["flash"])
    assert (await client.order(ordinary, "k1"))[0] == 201


async def test_a_replay_gives_the_same_order(client: Client) -> None:
    first = await client.order("mug-01", "k1")
    again = await client.order("mug-01", "k1")
    assert (first[0], again[0]) == (201, 200)
    assert first[1] == again[1]
    assert [row["key"] for row in await client.ledger()] == ["k1"]


async def test_concurrent_orders_with_one_key_are_one_order(client: Client) -> None:
    answers = await asyncio.gather(*(client.order("mug-01", "k1") for _ in range(20)))
    assert sorted(status for status, _ in answers) == [200] * 19 + [201]
    assert len({body["order_id"] for _, body in answers}) == 1


async def test_nothing_is_sold_before_the_opening(client: Client) -> None:
    assert await client.order("lipstick-01", "k1") == (409, {"reason": "not_open"})
    opens_at = time.time() + 0.4
    sale = {"sale_id": "s1", "sku": "lipstick-01", "stock": 5, "opens_at": opens_at, "room": "main"}
    assert (await client.call("POST", "/admin/sales", sale))[0] == 201
    asked = time.time()
    while (answer := await client.order("lipstick-01", "k1"))[0] == 409:
        assert answer[1] == {"reason": "not_open"}
        assert asked < opens_at + 1
        asked = time.time()
    assert answer[0] == 201
    assert time.time() >= opens_at


async def test_a_rush_with_retries_does_not_oversell(client: Client) -> None:
    await client.open_sale("s1", "lipstick-01", 50)
    attempts = [client.order("lipstick-01", f"k{n}", user=f"u{n}") for n in [*range(300), *range(300)]]
    answers = await asyncio.gather(*attempts)
    ids = {body["order_id"] for status, body in answers if status in (200, 201)}
    assert {status for status, _ in answers} <= {200, 201, 409}
    assert len(ids) == 50
    assert {row["order_id"] for row in await client.ledger()} == ids
    assert (await client.stock("s1"))["sold"] == 50


async def test_a_later_sale_replaces_the_earlier(client: Client) -> None:
    await client.switch("blocks", 10)
    await client.open_sale("s1", "lipstick-01", 100)
    assert (await client.order("lipstick-01", "k1"))[0] == 201
    await client.open_sale("s2", "lipstick-01", 1)
    assert (await client.order("lipstick-01", "k2"))[0] == 201
    assert await client.order("lipstick-01", "k3") == (409, {"reason": "sold_out"})
    assert {row["key"]: row["sale_id"] for row in await client.ledger()} == {"k1": "s1", "k2": "s2"}


async def test_orders_that_make_no_sense_are_refused(client: Client) -> None:
    for body in ({"sku": "mug-01"}, {"sku": "mug-01", "quantity": 0}, {"quantity": 1}, [], {"sku": 3, "quantity": 1}):
        headers = {"Authorization": "Bearer u1", "Idempotency-Key": "k1"}
        async with client.session.post(client.storefront.shop + "/orders", json=body, headers=headers) as answer:
            assert answer.status == 400
            assert (await answer.json())["reason"]
    async with client.session.post(client.storefront.shop + "/orders", json={}) as answer:
        assert answer.status == 401
    assert await client.metric("shop", 'shop_orders_total{outcome="invalid"}') == 6


async def test_a_sale_is_known_by_its_figures(client: Client) -> None:
    sale = {"sale_id": "s1", "sku": "lipstick-01", "stock": 5, "opens_at": 1.0, "room": "main"}
    assert (await client.call("POST", "/admin/sales", sale))[0] == 201
    assert (await client.call("POST", "/admin/sales", sale))[0] == 200
    assert (await client.call("POST", "/admin/sales", {**sale, "stock": 6}))[0] == 409


async def test_an_order_is_paid_once(client: Client) -> None:
    order_id = (await client.order("mug-01", "k1"))[1]["order_id"]
    first = await client.call("POST", f"/orders/{order_id}/payment", user="u1")
    assert first[0] == 200
    client.storefront.kill("shop")
    client.storefront.start("shop")
    await client.storefront.ready("shop")
    assert await client.call("POST", f"/orders/{order_id}/payment", user="u1") == first
    assert (await client.call("POST", "/orders/nowhere/payment", user="u1"))[0] == 404
    assert (await client.call("POST", f"/orders/{order_id}/payment"))[0] == 401


async def test_the_waiting_room_lets_so_many_orders_in_a_second(client: Client) -> None:
    waiting = (503, {"reason": "waiting_room"})
    assert await client.call("POST", "/admin/waiting-room", {"rate": 0.001}) == (200, {"rate": 0.001})
    answers = [await client.order("mug-01", f"k{n}") for n in range(10)]
    assert answers == [waiting] * 10
    headers = {"Authorization": "Bearer u1", "Idempotency-Key": "k1"}
    async with client.session.post(client.storefront.shop + "/orders", json={}, headers=headers) as answer:
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    await client.call("POST", "/admin/waiting-room", {"rate": 5})
    answers = await asyncio.gather(*(client.order("mug-01", f"k{n}") for n in range(200)))
    assert waiting in answers
    assert 5 <= sum(status == 201 for status, _ in answers) < 200
    assert await client.call("POST", "/admin/waiting-room", {"rate": None}) == (200, {"rate": None})
    assert {(await client.order("mug-01", f"k{n}"))[0] for n in range(10)} <= {200, 201}
    assert await client.metric("shop", 'shop_orders_total{outcome="waiting"}') >= 12
    assert (await client.call("POST", "/admin/waiting-room", {}))[0] == 400
