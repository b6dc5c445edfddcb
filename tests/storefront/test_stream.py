"""Tests of the picture: what players get, that it stands still without an origin, and goes on from the other."""

import asyncio
import re
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urljoin

import pytest

from .conftest import Client, Storefront, eventually, standing

SERVICES = ("inventory", "shop", "origin-main", "origin-backup", "stream")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storefront]:
    with standing(tmp_path_factory.mktemp("stream"), *SERVICES) as made:
        yield made


@pytest.fixture
def storefront(shared: Storefront) -> Storefront:
    return shared


async def get(client: Client, path: str) -> tuple[int, bytes]:
    async with client.session.get(urljoin(client.storefront.url("stream"), path)) as answer:
        return answer.status, await answer.read()


async def playlist(client: Client, path: str = "/main/low.m3u8") -> list[str]:
    status, body = await get(client, path)
    assert status == 200
    assert body.startswith(b"#EXTM3U\n")
    return body.decode().splitlines()


async def newest(client: Client) -> int:
    return int((await playlist(client))[-1].removeprefix("low/").removesuffix(".ts"))


async def switch(client: Client, origin: str) -> tuple[int, dict[str, str]]:
    return await client.call("POST", "/admin/origin", {"origin": origin}, client.storefront.url("stream"))


async def test_a_player_finds_its_way_from_the_master_to_the_segments(visitor: Client) -> None:
    master = await playlist(visitor, "/main/live.m3u8")
    rates = [int(found[1]) for line in master if (found := re.match(r"#EXT-X-STREAM-INF:BANDWIDTH=(\d+),", line))]
    names = [line for line in master if not line.startswith("#")]
    assert len(rates) == len(names) == 3
    assert rates == sorted(rates)
    for rate, name in zip(rates, names, strict=True):
        lines = await playlist(visitor, f"/main/{name}")
        assert "#EXT-X-TARGETDURATION:1" in lines
        assert "#EXT-X-ENDLIST" not in lines
        status, segment = await get(visitor, f"/main/{lines[-1]}")
        assert status == 200
        assert set(segment[::188]) == {0x47}
        assert abs(len(segment) * 8 - rate) < 188 * 8


async def test_segments_are_consecutive_and_dated_and_the_window_slides(visitor: Client) -> None:
    before = await newest(visitor)

    async def advanced() -> bool:
        return await newest(visitor) >= before + 2

    await eventually(advanced)
    lines = await playlist(visitor, "/another-room/medium.m3u8")
    first = int(next(line for line in lines if line.startswith("#EXT-X-MEDIA-SEQUENCE")).partition(":")[2])
    numbers = [int(line.split("/")[1].removesuffix(".ts")) for line in lines if not line.startswith("#")]
    assert numbers == list(range(first, first + len(numbers)))
    dates = [line.partition(":")[2] for line in lines if line.startswith("#EXT-X-PROGRAM-DATE-TIME")]
    assert [datetime.fromisoformat(date).timestamp() for date in dates] == numbers
    assert numbers[-1] + 1 <= time.time()
    assert (await get(visitor, f"/main/low/{before - 1000}.ts"))[0] == 404
    assert (await get(visitor, "/main/ultra.m3u8"))[0] == 404


async def test_without_its_origin_the_picture_stands_still_and_goes_on_from_the_backup(visitor: Client) -> None:
    failures = 'stream_origin_failures_total{origin="main"}'
    before = await visitor.metric("stream", failures)
    visitor.storefront.signal("origin-main", signal.SIGSTOP)
    last = await newest(visitor)

    async def noticed() -> bool:
        return await visitor.metric("stream", failures) >= before + 3

    await eventually(noticed)
    stood = await newest(visitor)
    assert stood <= last + 1  # one may have been complete when its origin was stopped
    assert await visitor.metric("stream", "stream_newest_segment_age_seconds") > 1
    assert await switch(visitor, "backup") == (200, {"origin": "backup"})

    async def goes_on() -> bool:
        return await newest(visitor) > stood + 1

    await eventually(goes_on)
    lines = [line for line in await playlist(visitor) if not line.startswith("#")]
    numbers = [int(line.split("/")[1].removesuffix(".ts")) for line in lines]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert stood in numbers
    assert await visitor.metric("stream", 'stream_origin{origin="backup"}') == 1
    visitor.storefront.signal("origin-main", signal.SIGCONT)
    assert (await switch(visitor, "main"))[0] == 200
    assert (await switch(visitor, "elsewhere"))[0] == 400


async def start_of_picture(client: Client) -> int:
    return (await get(client, "/main/live.m3u8"))[0]


async def ask_for_passes(client: Client, asked: object) -> tuple[int, dict[str, str]]:
    return await client.call("POST", "/admin/passes", {"asked": asked}, client.storefront.url("stream"))


async def test_a_start_waits_for_the_shops_pass_and_who_watches_does_not(visitor: Client) -> None:
    late = 'stream_passes_total{outcome="late"}'
    before = await visitor.metric("stream", late)
    visitor.storefront.signal("shop", signal.SIGSTOP)
    try:
        waiting = asyncio.create_task(start_of_picture(visitor))
        assert await playlist(visitor)
        await asyncio.sleep(0.6)  # a pass is late after 0.5 s
        assert not waiting.done()
    finally:
        visitor.storefront.signal("shop", signal.SIGCONT)
    assert await waiting == 200
    assert await visitor.metric("stream", late) == before + 1


async def test_nobody_gets_in_without_a_pass_until_the_doors_are_opened(visitor: Client) -> None:
    failed = 'stream_passes_total{outcome="failed"}'
    before = await visitor.metric("stream", failed)
    visitor.storefront.kill("shop")
    try:
        assert await start_of_picture(visitor) == 503
        assert await visitor.metric("stream", failed) == before + 1
        assert (await ask_for_passes(visitor, "no"))[0] == 400
        assert await ask_for_passes(visitor, False) == (200, {"asked": False})
        assert await start_of_picture(visitor) == 200
        assert await visitor.metric("stream", "stream_passes_asked") == 0
        assert await ask_for_passes(visitor, True) == (200, {"asked": True})
        assert await start_of_picture(visitor) == 503
    finally:
        visitor.storefront.start("shop")
        await visitor.storefront.ready("shop")
    assert await start_of_picture(visitor) == 200
