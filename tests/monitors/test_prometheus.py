from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from flashcrowd.errors import InputError, NeedError
from flashcrowd.process import Supervisor, free_port
from monitors import server
from monitors.prometheus import Prometheus


async def test_a_query_gives_samples_with_labels_value_and_time(prometheus: Prometheus) -> None:
    (sample,) = await prometheus.query("up")
    assert (sample.labels["job"], sample.value) == ("shop", 1)
    assert sample.time == pytest.approx(time.time(), abs=60)
    assert [sample.value for sample in await prometheus.query("1 + 1")] == [2]


async def test_a_scalar_is_none_where_there_is_nothing(prometheus: Prometheus) -> None:
    assert await prometheus.scalar("sum(up)") == 1
    assert await prometheus.scalar("sum(no_such_series)") is None
    assert await prometheus.scalar("0 / 0") is None
    assert math.isnan((await prometheus.query("0 / 0"))[0].value)


async def test_several_series_are_no_scalar(prometheus: Prometheus) -> None:
    with pytest.raises(
        InputError, match=r"wants a query with one series, got 2; put sum\(\.\.\.\) around it: measured"
    ):
        await prometheus.scalar("measured_total")


async def test_a_time_in_the_past_is_asked_as_it_was(prometheus: Prometheus) -> None:
    assert await prometheus.scalar("time()", 1_000_000.5) == 1_000_000.5
    assert await prometheus.scalar("sum(up)", time.time() - 86_400) is None


async def test_a_range_gives_points_and_leaves_holes_out(prometheus: Prometheus) -> None:
    (line,) = await prometheus.query_range("vector(time()) > 102 or vector(time()) < 101", 100, 104, 1)
    assert line.points == ((100, 100), (103, 103), (104, 104))


async def test_a_bad_query_is_refused_with_prometheus_words(prometheus: Prometheus) -> None:
    with pytest.raises(InputError, match=r"refuses the query: .*unclosed left parenthesis; the query is: sum\("):
        await prometheus.query("sum(")
    with pytest.raises(InputError, match="one value a series, got a matrix"):
        await prometheus.query("up[1m]")


async def test_it_tells_what_it_scrapes(prometheus: Prometheus, until: Callable[..., Awaitable[None]]) -> None:
    async def up() -> bool:
        return [(target.job, target.health) for target in await prometheus.targets()] == [("shop", "up")]

    assert await prometheus.ready()
    await until(up)
    (target,) = await prometheus.targets()
    assert (target.interval, target.error) == ("200ms", "")


async def test_it_tells_which_alerts_it_has_rules_for(prometheus: Prometheus) -> None:
    assert await prometheus.alert_names() == {"OrderBurn"}


async def test_a_dead_address_is_told_within_the_deadline() -> None:
    port = free_port()
    async with Prometheus(f"http://someone:secret@127.0.0.1:{port}", timeout=0.3) as prometheus:
        assert not await prometheus.ready()
        with pytest.raises(NeedError, match=f"prometheus at http://127.0.0.1:{port} did not answer within 0.3 s"):
            await prometheus.query("up")


async def test_a_server_in_trouble_is_asked_again() -> None:
    good = b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"7"]}]}}'
    async with answering([(503, b"starting"), (500, b"{}"), (200, good)]) as url, Prometheus(url) as prometheus:
        assert await prometheus.scalar("x") == 7


async def test_a_server_that_stays_in_trouble_is_given_up_with_its_words() -> None:
    busy = b'{"status":"error","errorType":"timeout","error":"query timed out"}'
    async with answering([(503, busy)]) as url, Prometheus(url, timeout=0.4) as prometheus:
        with pytest.raises(NeedError, match="its answer was 503 query timed out"):
            await prometheus.query("x")


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (200, b"<html>", "answers with 200, but not as a prometheus does"),
        (404, b"no", "answers with 404 no, but not as a prometheus does"),
        (401, b"", "without credentials"),
    ],
)
async def test_something_else_at_the_address_is_told(status: int, body: bytes, says: str) -> None:
    async with answering([(status, body)]) as url, Prometheus(url) as prometheus:
        with pytest.raises(NeedError, match=says):
            await prometheus.query("x")


@pytest.mark.parametrize("url", ["prometheus:9090", "ftp://host", "http://", "http://host:99999"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="is not the URL of a Prometheus"):
        Prometheus(url)


async def test_a_machine_without_prometheus_is_told_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    async with Supervisor(tmp_path) as supervisor:
        with pytest.raises(NeedError) as caught:
            await server.start(supervisor, tmp_path, {})
    assert str(caught.value).splitlines() == [
        "prometheus not found on PATH. It judges the SLOs, so a game day can't do without it.",
        "  Debian, Ubuntu:  apt install prometheus        macOS:  brew install prometheus",
    ]


async def test_a_wrong_rule_file_is_told_before_the_server_starts(tmp_path: Path, promtool: str) -> None:
    rule_file = tmp_path / "odd.yml"
    rule_file.write_text("groups: [{name: odd, rules: [{record: 'x', expr: 'sum('}]}]")
    async with Supervisor(tmp_path) as supervisor:
        with pytest.raises(InputError, match="unclosed left parenthesis"):
            await server.start(supervisor, tmp_path / "prometheus", {}, [rule_file])
        assert not supervisor.children


@asynccontextmanager
async def answering(answers: Sequence[tuple[int, bytes]]) -> AsyncIterator[str]:
    """An HTTP server with these answers in turn, the last one for ever; its URL."""
    turn = iter(answers)
    last = answers[-1]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        status, body = next(turn, last)
        writer.write(f"HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    port = free_port()
    listener = await asyncio.start_server(serve, "127.0.0.1", port)
    async with listener:
        yield f"http://127.0.0.1:{port}"
