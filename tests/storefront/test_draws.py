"""Tests of the draw: who enters on time takes part, prizes are drawn once, everybody is told."""

import asyncio
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from .conftest import Client, Storefront, eventually, frame, joined, standing

numbers = count(1)
CLOSED = (409, {"reason": "closed"})


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storefront]:
    with standing(tmp_path_factory.mktemp("draws"), "inventory", "shop", "live-1") as made:
        yield made


@pytest.fixture
def storefront(shared: Storefront) -> Storefront:
    return shared


async def schedule(client: Client, prizes: int, opens_in: float = 0.0, lasts: float = 0.5, room: str = "main") -> str:
    draw, opens_at = f"d{next(numbers)}", time.time() + opens_in
    facts = {"draw_id": draw, "prizes": [f"p{n}" for n in range(prizes)], "room": room}
    body = {**facts, "opens_at": opens_at, "closes_at": opens_at + lasts}
    assert (await client.call("POST", "/admin/draws", body))[0] == 201
    assert (await client.call("POST", "/admin/draws", body))[0] == 200
    assert (await client.call("POST", "/admin/draws", {**body, "prizes": ["other"]}))[0] == 409
    return draw


async def enter(client: Client, draw: str, user: str) -> tuple[int, Any]:
    return await client.call("POST", f"/draws/{draw}/entries", user=user)


async def result(client: Client, draw: str, user: str) -> str | None:
    """The prize, waited for."""

    async def drawn() -> dict[str, Any] | None:
        status, body = await client.call("GET", f"/draws/{draw}/result", user=user)
        assert status in (200, 202)
        return body if status == 200 else None

    prize: str | None = (await eventually(drawn))["prize"]
    return prize


async def opened(client: Client, draw: str) -> None:
    async def takes_entries() -> bool:
        return (await enter(client, draw, "first"))[0] in (200, 201)

    await eventually(takes_entries)


@pytest.mark.parametrize(("prizes", "entrants"), [(3, 40), (5, 2)])
async def test_every_entrant_is_told_and_there_are_as_many_winners_as_prizes(
    visitor: Client, prizes: int, entrants: int
) -> None:
    draw = await schedule(visitor, prizes)
    await opened(visitor, draw)
    users = ["first", *(f"u{n}" for n in range(entrants - 1))]
    answers = await asyncio.gather(*(enter(visitor, draw, user) for user in users * 2))
    assert sorted(status for status, _ in answers) == [200] * (entrants + 1) + [201] * (entrants - 1)
    told = dict(zip(users, await asyncio.gather(*(result(visitor, draw, user) for user in users)), strict=True))
    won = {user: prize for user, prize in told.items() if prize}
    assert len(won) == len(set(won.values())) == min(prizes, entrants)
    rows = [row for row in await visitor.ledger("/admin/draws/ledger") if row["draw"] == draw]
    assert {row["user"]: row["prize"] for row in rows} == won
    assert len(rows) == len(won)
    _, draws = await visitor.call("GET", "/admin/draws")
    figures = next(one for one in draws if one["draw_id"] == draw)
    assert (figures["entrants"], len(figures["prizes"])) == (entrants, prizes)


async def test_entries_count_from_the_opening_until_the_drawing(visitor: Client) -> None:
    draw = await schedule(visitor, 1, opens_in=0.3, lasts=0.3)
    assert await enter(visitor, draw, "early") == (409, {"reason": "not_open"})
    await opened(visitor, draw)
    assert await result(visitor, draw, "first") == "p0"
    assert await enter(visitor, draw, "late") == CLOSED
    assert await result(visitor, draw, "late") is None
    assert (await enter(visitor, draw, "first"))[0] == 200


async def test_viewers_of_the_room_hear_of_it(visitor: Client) -> None:
    async with visitor.storefront.viewer("u1", "here") as here, visitor.storefront.viewer("u2", "there") as there:
        await joined(here)
        await joined(there)
        other = await schedule(visitor, 1, room="there")
        draw = await schedule(visitor, 2, room="here")
        event = await frame(here, "draw_opened")
        assert event["closes_at"] > time.time()
        assert event == {"type": "draw_opened", "draw": draw, "prizes": 2, "closes_at": event["closes_at"]}
        assert await frame(here, "draw_drawn") == {"type": "draw_drawn", "draw": draw}
        assert (await frame(there, "draw_drawn"))["draw"] == other


async def test_a_draw_survives_the_kill_of_the_shop(visitor: Client) -> None:
    """One is killed before its drawing, which is then made up for; the other after, and is not drawn again."""
    done, open_still = await schedule(visitor, 2, lasts=0.2), await schedule(visitor, 3, lasts=1.0)
    await opened(visitor, done)
    await opened(visitor, open_still)
    users = [f"u{n}" for n in range(20)]
    assert {(await enter(visitor, open_still, user))[0] for user in users} == {201}
    await result(visitor, done, "first")
    before = [row for row in await visitor.ledger("/admin/draws/ledger") if row["draw"] == done]
    assert len(before) == 1
    visitor.storefront.kill("shop")
    visitor.storefront.start("shop")
    await visitor.storefront.ready("shop")
    won = [await result(visitor, open_still, user) for user in ["first", *users]]
    assert sorted(filter(None, won)) == ["p0", "p1", "p2"]
    rows = await visitor.ledger("/admin/draws/ledger")
    assert [row for row in rows if row["draw"] == done] == before
    assert len([row for row in rows if row["draw"] == open_still]) == 3


async def test_what_makes_no_sense_is_refused(visitor: Client) -> None:
    draw = {"draw_id": "d", "prizes": ["p"], "opens_at": 1.0, "closes_at": 2.0}
    for wrong in ({"prizes": []}, {"prizes": [1]}, {"closes_at": 1.0}, {"draw_id": "a/b"}, {"opens_at": None}):
        assert (await visitor.call("POST", "/admin/draws", {**draw, **wrong}))[0] == 400
    assert (await enter(visitor, "nowhere", "u1"))[0] == 404
    assert (await enter(visitor, "nowhere", ""))[0] == 401
