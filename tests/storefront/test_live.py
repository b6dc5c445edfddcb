"""Tests of the live service: two processes, one port, one conversation."""

import asyncio
import json
import signal
import time
from contextlib import AsyncExitStack
from functools import partial
from itertools import count

import pytest
from quickest import quickest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from storefront.live import admit
from storefront.rooms import COMMENTS, WAIT, Room

from .conftest import Client, eventually, frame, joined

PROCESSES = ("live-1", "live-2")


@pytest.fixture
async def live(visitor: Client) -> Client:
    visitor.storefront.start("bus", *PROCESSES)
    await visitor.storefront.ready(*PROCESSES)
    return visitor


async def everywhere(live: Client, stack: AsyncExitStack, viewers: int = 2) -> list[ClientConnection]:
    """Viewers, enough of them that each process holds one: the kernel spreads connections as it likes."""
    watching: list[ClientConnection] = []
    while len(watching) < viewers or 0 in [await live.metric(name, "live_connections") for name in PROCESSES]:
        viewer = await stack.enter_async_context(live.storefront.viewer(f"u{len(watching)}"))
        await joined(viewer)
        watching.append(viewer)
        assert len(watching) < 50
    return watching


async def test_a_comment_reaches_the_viewers_of_both_processes(live: Client) -> None:
    async with AsyncExitStack() as stack:
        watching = await everywhere(live, stack)
        text = "fc:7f3a|1|1712.5 привет 你好 \N{PARTY POPPER}"
        await watching[0].send(json.dumps({"type": "chat", "text": text}))
        raw = await asyncio.wait_for(asyncio.gather(*(viewer.recv(decode=False) for viewer in watching)), 5)
    assert all(text.encode() in message for message in raw)
    assert json.loads(raw[0]) == {"type": "chat", "messages": [{"user": "u0", "text": text}]}


async def test_comments_of_one_viewer_keep_their_order_and_stay_in_their_room(live: Client) -> None:
    async with live.storefront.viewer("u1") as here, live.storefront.viewer("u2", "other") as there:
        await joined(here)
        await joined(there)
        for number in range(100):
            await here.send(json.dumps({"type": "chat", "text": f"c{number}"}))
        seen: list[str] = []
        while len(seen) < 100:
            seen += [message["text"] for message in (await frame(here, "chat"))["messages"]]
        assert seen == [f"c{number}" for number in range(100)]
        await there.send('{"type":"chat","text":"elsewhere"}')
        assert (await frame(there, "chat"))["messages"] == [{"user": "u2", "text": "elsewhere"}]


async def test_the_opening_of_a_sale_arrives_at_its_instant(live: Client) -> None:
    live.storefront.start("inventory", "shop")
    await live.storefront.ready("shop")
    async with AsyncExitStack() as stack:
        watching = await everywhere(live, stack)
        numbers = count(1)

        async def lateness() -> float:
            """Seconds from the instant of a sale's opening until all viewers know."""
            opens_at, sale_id = time.time() + 0.5, f"s{next(numbers)}"
            sale = {"sale_id": sale_id, "sku": "lipstick-01", "stock": 5, "opens_at": opens_at, "room": "main"}
            assert (await live.call("POST", "/admin/sales", sale))[0] == 201
            events = await asyncio.gather(*(frame(viewer, "sale_opened") for viewer in watching))
            known_at = time.time()
            assert opens_at <= events[0].pop("opened_at") <= known_at
            assert events[0] == {"type": "sale_opened", "sale_id": sale_id, "sku": "lipstick-01", "stock": 5}
            return known_at - opens_at

        assert 0 <= await quickest(lateness, 0.25, 5) < 0.25


BAD = [
    "not json",
    "[]",
    "{}",
    '{"type":"dance"}',
    '{"type":"chat"}',
    '{"type":"chat","text":""}',
    json.dumps({"type": "chat", "text": "x" * 501}),
    '{"type":["chat"]}',
    "[" * 4000,
    b"\x00\xff",
]


async def test_malformed_frames_are_answered_counted_and_survived(live: Client) -> None:
    async with live.storefront.viewer("u1") as viewer:
        await viewer.send('{"type":"chat","text":"too early"}')
        assert (await frame(viewer, "error"))["reason"] == "join first"
        await joined(viewer)
        for bad in BAD:
            await viewer.send(bad)
            assert (await frame(viewer, "error"))["reason"]
        await viewer.send('{"type":"chat","text":"half a pair: \\ud83d"}')
        assert (await frame(viewer, "chat"))["messages"][0]["text"] == "half a pair: ?"
    counted = [await live.metric(name, "live_malformed_total") for name in PROCESSES]
    assert sum(counted) == len(BAD) + 1


async def test_an_oversized_frame_ends_only_its_sender(live: Client) -> None:
    async with live.storefront.viewer("u1") as viewer, live.storefront.viewer("u2") as other:
        await viewer.send("x" * 100_000)
        with pytest.raises(ConnectionClosed):
            await viewer.recv()
        await joined(other)


async def test_a_viewer_needs_a_token_and_a_room(live: Client) -> None:
    for user, room, status in (("", "main", 401), ("u1", "", 404), ("u1", "a/b", 404)):
        with pytest.raises(InvalidStatus) as refusal:
            await live.storefront.viewer(user, room)
        assert refusal.value.response.status_code == status


async def test_a_viewer_who_reads_too_slowly_is_dropped(live: Client) -> None:
    async with live.storefront.viewer("slow") as slow, live.storefront.viewer("fast") as fast:
        await joined(fast)
        await joined(slow)
        slow.transport.pause_reading()

        async def dropped() -> bool:
            for _ in range(500):
                await fast.send(json.dumps({"type": "chat", "text": "x" * 500}))
            await frame(fast, "chat")
            return sum([await live.metric(name, "live_dropped_viewers_total") for name in PROCESSES]) == 1

        await eventually(dropped)
        await joined(fast)
        slow.transport.abort()


async def test_the_end_of_a_process_says_goodbye(live: Client) -> None:
    async with AsyncExitStack() as stack:
        watching = await everywhere(live, stack)
        for name in PROCESSES:
            live.storefront.signal(name, signal.SIGTERM)
        for viewer in watching:
            await frame(viewer, "bye")
            with pytest.raises(ConnectionClosed) as closed:
                await viewer.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
    assert [live.storefront.processes[name].wait(20) for name in PROCESSES] == [0, 0]


async def test_chat_goes_on_when_the_bus_comes_back(live: Client) -> None:
    async with live.storefront.viewer("u1") as viewer:
        await joined(viewer)
        live.storefront.kill("bus")
        live.storefront.start("bus")

        async def heard() -> bool:
            await viewer.send('{"type":"chat","text":"again"}')
            return bool(await frame(viewer, "chat", within=0.5))

        assert await eventually(heard)


async def test_a_full_process_refuses_further_viewers() -> None:
    async def watch(viewer: ServerConnection) -> None:
        await viewer.wait_closed()

    async with serve(watch, "127.0.0.1", 0, process_request=partial(admit, most=1)) as server:
        port = server.sockets[0].getsockname()[1]
        address, headers = f"ws://127.0.0.1:{port}/rooms/main", {"Authorization": "Bearer u1"}
        async with connect(address, additional_headers=headers):
            with pytest.raises(InvalidStatus) as refusal:
                await connect(address, additional_headers=headers)
            assert refusal.value.response.status_code == 503
            assert "Retry-After" not in refusal.value.response.headers


async def test_a_full_process_says_when_to_come_again_where_reconnects_are_spread() -> None:
    async def watch(viewer: ServerConnection) -> None:
        await viewer.wait_closed()

    async with serve(watch, "127.0.0.1", 0, process_request=partial(admit, most=0, again=lambda: 7)) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(InvalidStatus) as refusal:
            await connect(f"ws://127.0.0.1:{port}/rooms/main", additional_headers={"Authorization": "Bearer u1"})
        assert refusal.value.response.headers["Retry-After"] == "7"


def test_comments_that_are_too_many_for_a_frame_wait_for_the_next_one() -> None:
    room = Room()
    for number in range(COMMENTS + 3):
        room.say(str(number).encode())
    room.flush()
    assert list(room.comments) == [str(COMMENTS + number).encode() for number in range(3)]


def test_a_room_keeps_the_newest_comments_when_too_many_wait() -> None:
    room = Room()
    for number in range(WAIT + 3):
        room.say(str(number).encode())
    assert (len(room.comments), room.comments[0], room.comments[-1]) == (WAIT, b"3", str(WAIT + 2).encode())
