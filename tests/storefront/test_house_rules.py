"""Tests of what operators impose on the chat, and of moderation on its way: two processes, the same rules."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from .conftest import Client, Storefront, eventually, frame, joined, standing

PROCESSES = ("live-1", "live-2")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storefront]:
    with standing(tmp_path_factory.mktemp("rules"), *PROCESSES) as made:
        yield made


@pytest.fixture
def storefront(shared: Storefront) -> Storefront:
    return shared


async def impose(client: Client, path: str, body: Any, process: str = "live-1") -> int:
    return (await client.call("POST", path, body, client.storefront.url(process)))[0]


async def rules(client: Client, process: str) -> dict[str, float]:
    found: dict[str, float] = (await client.call("GET", "/admin/rules", base=client.storefront.url(process)))[1]
    return found


async def say(viewer: ClientConnection, *said: str) -> None:
    for text in said:
        await viewer.send(json.dumps({"type": "chat", "text": text}))


async def counted(client: Client, metric: str) -> float:
    return sum([await client.metric(name, metric) for name in PROCESSES])


async def test_a_forbidden_comment_reaches_nobody_and_only_its_sender_is_told(visitor: Client) -> None:
    async with visitor.storefront.viewer("sender") as sender, visitor.storefront.viewer("other") as other:
        await joined(sender)
        await joined(other)
        await say(sender, "加 微 信 abc", "ｂｕｙ ｆollowers", "fine")
        assert [await frame(sender, "error") for _ in range(2)] == [{"type": "error", "reason": "forbidden"}] * 2
        assert (await frame(other, "chat"))["messages"] == [{"user": "sender", "text": "fine"}]
    assert await counted(visitor, "live_forbidden_total") == 2


async def test_slow_mode_holds_in_every_process_and_in_one_that_comes_later(visitor: Client) -> None:
    assert await impose(visitor, "/admin/slow-mode", {"seconds": 600}) == 200

    async def everywhere() -> bool:
        return [(await rules(visitor, name))["slow"] for name in PROCESSES] == [600, 600]

    await eventually(everywhere)
    visitor.storefront.kill("live-2")
    visitor.storefront.start("live-2")
    await visitor.storefront.ready("live-2")
    await eventually(everywhere)
    async with visitor.storefront.viewer("u1", "slow") as viewer:
        await joined(viewer)
        await say(viewer, "first", "second")
        refused = await frame(viewer, "error")
        assert refused["reason"] == "slow_mode"
        assert 0 < refused["retry_after"] <= 600
        assert (await frame(viewer, "chat"))["messages"] == [{"user": "u1", "text": "first"}]
        assert await impose(visitor, "/admin/slow-mode", {"seconds": 0}, "live-2") == 200

        async def lifted() -> bool:
            return [(await rules(visitor, name))["slow"] for name in PROCESSES] == [0, 0]

        await eventually(lifted)
        await say(viewer, "third", "fourth")
        assert [message["text"] for message in (await frame(viewer, "chat"))["messages"]] == ["third", "fourth"]
    assert await counted(visitor, "live_slowed_total") == 1


async def test_sampling_delivers_a_share_of_the_comments_of_big_rooms(visitor: Client) -> None:
    assert await impose(visitor, "/admin/sampling", {"share": 0.2, "over": 1}) == 200
    for name in PROCESSES:

        async def sampled(name: str = name) -> bool:
            return (await rules(visitor, name))["share"] == 0.2

        await eventually(sampled)
    said = [f"c{n}" for n in range(200)]
    async with visitor.storefront.viewer("u1", "small") as alone:
        await joined(alone)
        await say(alone, *said)
        assert await heard(alone, until="c199") == said
    watching = []
    try:
        # Three viewers of two processes: one has two of them.
        watching = [await visitor.storefront.viewer(f"u{n}", "big") for n in range(3)]
        for viewer in watching:
            await joined(viewer)
        for viewer in watching:
            await say(viewer, *said)
            await viewer.send('{"type":"ping"}')
            await frame(viewer, "pong")
    finally:
        for viewer in watching:
            await viewer.close()
    assert 200 < await counted(visitor, "live_sampled_total") < 600
    assert await impose(visitor, "/admin/sampling", {"share": 1}) == 200


async def heard(viewer: ClientConnection, until: str) -> list[str]:
    """The comments that arrive, up to that one."""
    texts: list[str] = []
    while until not in texts:
        texts += [message["text"] for message in (await frame(viewer, "chat"))["messages"]]
    return texts


async def test_reconnects_are_spread_by_every_process(visitor: Client) -> None:
    assert await impose(visitor, "/admin/reconnects", {"over": 30}, "live-2") == 200

    async def everywhere() -> bool:
        return [await visitor.metric(name, "live_reconnects_over_seconds") for name in PROCESSES] == [30, 30]

    await eventually(everywhere)
    assert await impose(visitor, "/admin/reconnects", {"over": 0}) == 200


async def test_what_makes_no_sense_is_refused(visitor: Client) -> None:
    for path, body in (("slow-mode", {}), ("slow-mode", {"seconds": -1}), ("sampling", {"share": 2})):
        assert await impose(visitor, f"/admin/{path}", body) == 400
