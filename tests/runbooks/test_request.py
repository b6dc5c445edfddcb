import asyncio
import contextlib
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from flashcrowd.guard import Guard
from flashcrowd.process import free_port
from runbooks.actions import CAPTURED, ActionError, RefusedError
from runbooks.model import Heading, HttpStep
from runbooks.request import describe_request, send

GUARD = Guard(["127.0.0.1"])


def step(**changes: Any) -> HttpStep:
    given = {"step": "reserve", "method": "POST", "url": "${shop.admin}/x", "headers": (), "body": ""}
    return HttpStep.model_validate({**given, "section": Heading.MITIGATION, "why": "", "line": 1, **changes})


async def test_variables_reach_url_headers_and_body_as_data(server: Any) -> None:
    variables = {"shop.admin": server.url, "why": 'say "hi"\n', "env.T": "abc"}
    request = step(headers=(("Authorization", "Bearer ${env.T}"),), body='{"why": "${why}"}')
    assert await send(request, variables, GUARD) == '200 {"ok": true}'
    ((method, path, headers, body),) = server.seen
    assert (method, path, headers["authorization"]) == ("POST", "/x", "Bearer abc")
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {"why": 'say "hi"\n'}


async def test_another_host_is_refused_before_the_first_packet(server: Any) -> None:
    for url in ("http://192.0.2.1/x", f"http://127.0.0.1:{server.server_address[1]}@192.0.2.1/", "http://[::1]/"):
        with pytest.raises(RefusedError, match="not in allow_hosts"):
            await send(step(url=url), {}, GUARD)


async def test_a_redirect_is_not_followed(server: Any) -> None:
    server.answers["/x"] = (302, {"location": f"{server.url}/other"}, b"")
    with pytest.raises(ActionError, match="answered 302, expected 2xx"):
        await send(step(), {"shop.admin": server.url}, GUARD)
    assert server.paths == ["/x"]


async def test_a_proxy_of_the_environment_is_not_used(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    assert (await send(step(), {"shop.admin": server.url}, GUARD)).startswith("200")


@pytest.mark.parametrize(("status", "expect", "error"), [(503, None, ActionError), (404, None, RefusedError)])
async def test_a_refusal_is_told_from_a_failure(server: Any, status: int, expect: Any, error: type[Exception]) -> None:
    server.answers["/x"] = (status, {}, b"no stock")
    with pytest.raises(error, match=f"answered {status}, expected 2xx") as caught:
        await send(step(expect=expect), {"shop.admin": server.url}, GUARD)
    assert type(caught.value) is error
    assert caught.value.output == f"{status} no stock"  # type: ignore[attr-defined]


async def test_an_expected_status_is_well(server: Any) -> None:
    server.answers["/x"] = (404, {}, b"")
    assert await send(step(expect="== 404"), {"shop.admin": server.url}, GUARD) == "404"


async def test_a_closed_port_is_certain_not_to_have_acted() -> None:
    with pytest.raises(RefusedError, match="can't be reached"):
        await send(step(), {"shop.admin": f"http://127.0.0.1:{free_port()}"}, GUARD)


async def test_an_answer_that_does_not_come_may_have_acted() -> None:
    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.read()
        writer.close()
        gone.set()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as quiet:
        url = f"http://127.0.0.1:{quiet.sockets[0].getsockname()[1]}"
        with pytest.raises(ActionError, match="no answer within 200ms") as caught:
            await send(step(timeout="200ms"), {"shop.admin": url}, GUARD)
        assert not isinstance(caught.value, RefusedError)
        await gone.wait()


async def test_a_long_answer_is_cut(server: Any) -> None:
    server.answers["/x"] = (200, {}, b"x" * 1_000_000)
    assert len(await send(step(), {"shop.admin": server.url}, GUARD)) == CAPTURED + len("200 ")


def test_a_request_is_described_as_it_will_be_sent(tmp_path: Path) -> None:
    request = step(headers=(("X-A", "1"),), body='{"a": "${b}"}')
    assert describe_request(request, {"shop.admin": "http://s", "b": "c"}) == 'POST http://s/x\nX-A: 1\n{"a": "c"}'


async def test_a_request_carries_the_mark_and_its_own_headers_outweigh_it(server: Any) -> None:
    marks = iter([{"X-Pressure-Test": "true", "traceparent": "one"}, {"traceparent": "two"}])
    for _ in range(2):
        request = step(headers=(("x-pressure-test", "false"),))
        await send(request, {"shop.admin": server.url}, GUARD, lambda: next(marks))
    (_, _, first, _), (_, _, second, _) = server.seen
    assert (first["x-pressure-test"], first["traceparent"], second["traceparent"]) == ("false", "one", "two")


async def test_an_answer_that_comes_byte_by_byte_does_not_outlast_the_timeout() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        with contextlib.suppress(OSError):
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as slow:
        url = f"http://127.0.0.1:{slow.sockets[0].getsockname()[1]}"
        with pytest.raises(ActionError, match="no answer within 200ms"):
            await send(step(timeout="200ms"), {"shop.admin": url}, GUARD)


async def test_a_packed_answer_is_not_unpacked(server: Any) -> None:
    packed = gzip.compress(b"x" * 10_000_000)
    server.answers["/x"] = (200, {"content-encoding": "gzip"}, packed)
    assert len(await send(step(), {"shop.admin": server.url}, GUARD)) <= len(packed) + len("200 ")
    assert server.seen[0][2]["accept-encoding"] == "identity"


async def test_a_redirect_to_a_forbidden_host_leads_nowhere(server: Any) -> None:
    reached = list[str]()

    async def forbidden(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append("reached")
        writer.close()

    async with await asyncio.start_server(forbidden, "127.0.0.2", 0) as outside:
        port = outside.sockets[0].getsockname()[1]
        server.answers["/x"] = (307, {"location": f"http://127.0.0.2:{port}/"}, b"")
        with pytest.raises(ActionError, match="answered 307"):
            await send(step(), {"shop.admin": server.url}, GUARD)
        with pytest.raises(RefusedError, match=r"127\.0\.0\.2 is not in allow_hosts"):
            await send(step(), {"shop.admin": f"http://127.0.0.2:{port}"}, GUARD)
    assert reached == []


async def test_a_name_is_allowed_by_what_it_means(server: Any) -> None:
    local = server.url.replace("127.0.0.1", "localhost")
    with pytest.raises(RefusedError, match=r"localhost \(.+\) is not in allow_hosts"):
        await send(step(), {"shop.admin": local}, Guard(["10.0.0.0/8"]))
    assert server.seen == []
