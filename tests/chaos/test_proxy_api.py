"""The API's contract, as Toxiproxy's clients rely on it."""

from __future__ import annotations

import asyncio
import sys

import pytest

from flashcrowd.process import accepts, free_port

LATENCY = {"type": "latency", "attributes": {"latency": 5}}


async def test_a_proxy_is_created_listed_shown_and_deleted(proxy, upstream):
    port = free_port()
    body = {"name": "inventory", "listen": f"127.0.0.1:{port}", "upstream": f"127.0.0.1:{upstream[1]}"}
    created = await proxy.client.post("/proxies", json=body)
    shape = {**body, "enabled": True, "toxics": []}
    assert (created.status_code, created.json()) == (201, shape)
    assert (await proxy.client.get("/proxies")).json() == {"inventory": shape}
    assert (await proxy.client.get("/proxies/inventory")).json() == shape
    assert await accepts("127.0.0.1", port)
    deleted = await proxy.client.delete("/proxies/inventory")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await proxy.client.get("/proxies")).json() == {}
    assert not await accepts("127.0.0.1", port)


async def test_a_toxic_has_toxiproxys_defaults(proxy, upstream):
    await proxy.create("inventory", upstream)
    answer = await proxy.client.post("/proxies/inventory/toxics", json={"type": "latency", "attributes": {}})
    toxic = {
        "name": "latency_downstream",
        "type": "latency",
        "stream": "downstream",
        "toxicity": 1.0,
        "attributes": {"latency": 0, "jitter": 0},
    }
    assert (answer.status_code, answer.json()) == (200, toxic)
    assert (await proxy.client.get("/proxies/inventory/toxics")).json() == [toxic]
    assert (await proxy.client.get("/proxies/inventory/toxics/latency_downstream")).json() == toxic
    assert (await proxy.client.get("/proxies/inventory")).json()["toxics"] == [toxic]


@pytest.mark.parametrize("verb", ["POST", "PATCH"])
async def test_an_update_keeps_what_it_does_not_name(proxy, upstream, verb):
    await proxy.create("inventory", upstream)
    await proxy.add_latency("inventory", 5, jitter=2, name="slow", toxicity=0.5)
    answer = await proxy.client.request(verb, "/proxies/inventory/toxics/slow", json={"attributes": {"latency": 9}})
    assert answer.json()["attributes"] == {"latency": 9, "jitter": 2}
    assert answer.json()["toxicity"] == 0.5


async def test_toxics_are_listed_upstream_first(proxy, upstream):
    await proxy.create("inventory", upstream)
    await proxy.add_latency("inventory", 1, name="a")
    await proxy.add_latency("inventory", 1, name="b", stream="upstream")
    assert await proxy.toxics("inventory") == ["b", "a"]


async def test_unknown_names_and_bad_bodies_are_answered_as_toxiproxy_does(proxy, upstream):
    host, port = await proxy.create("inventory", upstream)
    await proxy.client.post("/proxies/inventory/toxics", json={**LATENCY, "name": "slow"})
    address = f"{host}:{port}"
    named = {"name": "other", "upstream": address}
    cases = [
        ("GET", "/proxies/nobody", None, 404, "proxy not found"),
        ("POST", "/proxies/nobody", {"enabled": False}, 404, "proxy not found"),
        ("DELETE", "/proxies/nobody", None, 404, "proxy not found"),
        ("GET", "/proxies/nobody/toxics", None, 404, "proxy not found"),
        ("POST", "/proxies/nobody/toxics", LATENCY, 404, "proxy not found"),
        ("GET", "/proxies/inventory/toxics/none", None, 404, "toxic not found"),
        ("POST", "/proxies/inventory/toxics/none", {}, 404, "toxic not found"),
        ("DELETE", "/proxies/inventory/toxics/none", None, 404, "toxic not found"),
        ("POST", "/proxies/inventory/toxics", {**LATENCY, "name": "slow"}, 409, "toxic already exists"),
        ("POST", "/proxies/inventory/toxics", {"type": "glue"}, 400, "invalid toxic type"),
        ("POST", "/proxies/inventory/toxics", {}, 400, "invalid toxic type"),
        ("POST", "/proxies/inventory/toxics", {**LATENCY, "stream": "up"}, 400, "stream was invalid"),
        (
            "POST",
            "/proxies/inventory/toxics",
            {"type": "latency", "attributes": {"latency": "x"}},
            400,
            "bad request body",
        ),
        ("POST", "/proxies/inventory/toxics", {**LATENCY, "toxicity": 7}, 400, "bad request body"),
        ("POST", "/proxies", {"name": "inventory", "upstream": address}, 409, "proxy already exists"),
        ("POST", "/proxies", {"upstream": address}, 400, "missing required field: name"),
        ("POST", "/proxies", {"name": "other"}, 400, "missing required field: upstream"),
        ("POST", "/proxies", {"name": "other", "upstream": "nowhere"}, 400, "missing port"),
        ("POST", "/proxies", {**named, "listen": address}, 500, "listen tcp"),
        ("POST", "/populate", {"name": "other"}, 400, "bad request body"),
    ]
    for verb, path, body, status, message in cases:
        answer = await proxy.client.request(verb, path, json=body)
        case = (verb, path, body)
        assert answer.status_code == status, case
        assert answer.json()["status"] == status, case
        assert answer.json()["error"].startswith(message) or message in answer.json()["error"], case
    assert list((await proxy.client.get("/proxies")).json()) == ["inventory"]


@pytest.mark.parametrize("path", ["/proxies", "/proxies/inventory", "/proxies/inventory/toxics", "/populate"])
async def test_a_body_that_is_not_json_is_a_bad_request(proxy, upstream, path):
    await proxy.create("inventory", upstream)
    answer = await proxy.client.post(path, content=b'{"name": ')
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("bad request body: ")


async def test_populate_replaces_what_differs_and_keeps_the_rest(proxy, upstream):
    host, port = await proxy.create("inventory", upstream)
    await proxy.add_latency("inventory", 5, name="slow")
    rows = [
        {"name": "inventory", "listen": f"{host}:{port}", "upstream": f"{upstream[0]}:{upstream[1]}"},
        {"name": "cache", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1", "enabled": False},
    ]
    answer = await proxy.client.post("/populate", json=rows)
    assert answer.status_code == 201
    assert [(row["name"], row["enabled"]) for row in answer.json()["proxies"]] == [
        ("inventory", True),
        ("cache", False),
    ]
    assert await proxy.toxics("inventory") == ["slow"]
    rows[0]["upstream"] = "127.0.0.1:2"
    assert (await proxy.client.post("/populate", json=rows)).status_code == 201
    assert await proxy.toxics("inventory") == []


async def test_reset_enables_every_proxy_and_removes_every_toxic(proxy, upstream):
    address = await proxy.create("inventory", upstream)
    await proxy.add_latency("inventory", 5)
    await proxy.client.post("/proxies/inventory", json={"enabled": False})
    assert not await accepts(*address)
    assert (await proxy.client.post("/reset")).status_code == 204
    assert await accepts(*address)
    assert await proxy.toxics("inventory") == []


async def test_disabling_a_proxy_closes_its_connections_and_its_listener(proxy, upstream):
    address = await proxy.create("inventory", upstream)
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"x")
    assert await reader.read(1) == b"x"
    answer = await proxy.client.post("/proxies/inventory", json={"enabled": False})
    assert answer.json()["enabled"] is False
    assert await reader.read() == b""
    assert not await accepts(*address)
    await proxy.client.patch("/proxies/inventory", json={"enabled": True})
    assert await accepts(*address)


async def test_a_toxic_with_a_ttl_is_forgotten_by_itself(proxy, upstream, until):
    await proxy.create("inventory", upstream)
    await proxy.add_latency("inventory", 5, name="short", ttl=0.3)
    await proxy.add_latency("inventory", 5, name="long", ttl=300)
    await proxy.add_latency("inventory", 5, name="kept")
    await proxy.client.post("/proxies/inventory/toxics/short", json={"attributes": {"latency": 6}})

    async def short_is_gone() -> bool:
        return await proxy.toxics("inventory") == ["long", "kept"]

    await until(short_is_gone)
    shown = {toxic["name"]: toxic for toxic in (await proxy.client.get("/proxies/inventory/toxics")).json()}
    assert shown["long"]["ttl"] == 300
    assert "ttl" not in shown["kept"]


async def test_a_toxic_is_not_forgotten_for_a_namesake_that_went_before(proxy, upstream, until):
    await proxy.create("inventory", upstream)
    await proxy.add_latency("inventory", 5, name="slow", ttl=0.3)
    await proxy.client.delete("/proxies/inventory/toxics/slow")
    await proxy.add_latency("inventory", 5, name="slow")
    await proxy.add_latency("inventory", 5, name="later", ttl=0.4)

    async def later_is_gone() -> bool:
        return "later" not in await proxy.toxics("inventory")

    await until(later_is_gone)
    assert await proxy.toxics("inventory") == ["slow"]


async def test_a_proxy_disabled_with_a_ttl_takes_connections_again_by_itself(proxy, upstream, until):
    address = await proxy.create("inventory", upstream)
    await proxy.client.post("/proxies/inventory", json={"enabled": False, "ttl": 0.3})
    assert not await accepts(*address)
    answer = await proxy.client.post("/proxies/inventory", json={"upstream": "127.0.0.1:1"})
    assert answer.json()["enabled"] is False
    await until(lambda: accepts(*address))


async def test_who_disables_a_proxy_for_good_outlasts_a_ttl(proxy, upstream, until):
    address = await proxy.create("inventory", upstream)
    await proxy.client.post("/proxies/inventory", json={"enabled": False, "ttl": 0.1})
    await proxy.client.post("/proxies/inventory", json={"enabled": False})
    await proxy.add_latency("inventory", 5, name="clock", ttl=0.3)

    async def clock_has_run() -> bool:
        return await proxy.toxics("inventory") == []

    await until(clock_has_run)
    assert not await accepts(*address)


@pytest.mark.parametrize("ttl", [0, -1, "1s"])
async def test_a_ttl_is_a_positive_number_of_seconds(proxy, upstream, ttl):
    await proxy.create("inventory", upstream)
    for path, body in (("", {"enabled": False}), ("/toxics", LATENCY)):
        answer = await proxy.client.post(f"/proxies/inventory{path}", json={**body, "ttl": ttl})
        assert answer.status_code == 400
        assert answer.json()["error"].startswith("bad request body: ttl: ")
    assert (await proxy.client.get("/proxies/inventory")).json()["enabled"]


async def test_moving_a_proxy_serves_the_new_upstream(proxy, upstream, service):
    address = await proxy.create("inventory", upstream)
    await proxy.client.post("/proxies/inventory", json={"upstream": f"127.0.0.1:{service[1]}"})
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 204")
    writer.close()


async def test_a_browser_is_refused(proxy):
    answer = await proxy.client.get("/proxies", headers={"User-Agent": "Mozilla/5.0"})
    assert answer.status_code == 403


async def test_the_version_is_that_of_the_api(proxy):
    assert (await proxy.client.get("/version")).json()["version"].startswith("2.")


async def test_proxies_of_the_command_line_are_there_at_once(children, upstream):
    port, listen = free_port(), free_port()
    argument = f"inventory=127.0.0.1:{listen}=127.0.0.1:{upstream[1]}"
    command = [sys.executable, "-m", "chaos.proxy", "--listen", f"127.0.0.1:{port}", "--proxy", argument]
    child = children.spawn("second", command)
    await child.ready(lambda: accepts("127.0.0.1", port))
    reader, writer = await asyncio.open_connection("127.0.0.1", listen)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    writer.close()
    await child.stop()
    assert not await accepts("127.0.0.1", listen)


@pytest.mark.parametrize("argument", ["inventory", "inventory=127.0.0.1=127.0.0.1:5"])
async def test_a_proxy_argument_that_is_none_is_a_usage_error(children, argument):
    child = children.spawn("wrong", [sys.executable, "-m", "chaos.proxy", "--proxy", argument])
    assert await child.wait() == 2


async def test_an_address_that_is_taken_ends_the_process_with_a_sentence(children, upstream):
    child = children.spawn("taken", [sys.executable, "-m", "chaos.proxy", "--listen", f"127.0.0.1:{upstream[1]}"])
    assert await child.wait() == 4
    assert "ddress already in use; choose another address" in child.tail()
