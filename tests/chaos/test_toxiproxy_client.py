"""The proxy's API as a client library made for Toxiproxy uses it: toxiproxy-python, which knows nothing of ours."""

from __future__ import annotations

import socket
import time

import pytest
from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

TOXICS = {
    "latency": {"latency": 1000, "jitter": 10},
    "bandwidth": {"rate": 100},
    "slow_close": {"delay": 1000},
    "timeout": {"timeout": 1000},
    "reset_peer": {"timeout": 1000},
    "slicer": {"average_size": 64, "size_variation": 32, "delay": 10},
    "limit_data": {"bytes": 1000},
}
"""Every type of Toxiproxy's with all of its attributes."""


@pytest.fixture
def client(proxy, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("toxiproxy.api.APIConsumer.port", int(proxy.url.rpartition(":")[2]))
    return Toxiproxy()


@pytest.fixture
def listening():
    """`host:port` of something that accepts connections and says its name."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def connects(listen: str) -> bool:
    host, _, port = listen.rpartition(":")
    with socket.socket() as ours:
        return ours.connect_ex((host, int(port))) == 0


async def test_it_runs_and_tells_its_version(client):
    assert client.running()
    assert b'"version":"2.' in client.version()


async def test_proxies_are_created_found_populated_and_destroyed(client, listening):
    made = client.create(upstream=listening, name="inventory")
    assert (made.name, made.upstream, made.enabled) == ("inventory", listening, True)
    assert connects(made.listen)
    assert client.get_proxy("inventory").listen == made.listen
    client.populate(
        [
            {"name": "inventory", "upstream": listening, "listen": made.listen},
            {"name": "cache", "upstream": listening, "listen": "127.0.0.1:0"},
        ]
    )
    assert sorted(client.proxies()) == ["cache", "inventory"]
    with pytest.raises(ProxyExists):
        client.create(upstream=listening, name="cache")
    assert client.destroy(made)
    assert not connects(made.listen)
    with pytest.raises(NotFound):
        made.destroy()
    client.destroy_all()
    assert client.proxies() == {}


async def test_a_proxy_is_down_for_a_while(client, listening):
    made = client.create(upstream=listening, name="inventory")
    with made.down():
        assert not client.get_proxy("inventory").enabled
        assert not connects(made.listen)
    assert client.get_proxy("inventory").enabled
    assert connects(made.listen)


@pytest.mark.parametrize("type_", TOXICS)
@pytest.mark.parametrize("stream", ["upstream", "downstream"])
async def test_every_type_of_toxic_is_added_shown_and_destroyed(client, listening, type_, stream):
    made = client.create(upstream=listening, name="inventory")
    made.add_toxic(type=type_, stream=stream, toxicity=0.5, attributes=TOXICS[type_])
    toxic = made.get_toxic(f"{type_}_{stream}")
    assert (toxic.type, toxic.stream, toxic.toxicity, toxic.attributes) == (type_, stream, 0.5, TOXICS[type_])
    assert made.destroy_toxic(toxic.name)
    assert made.toxics() == {}
    with pytest.raises(NotFound):
        made.destroy_toxic(toxic.name)


async def test_what_is_wrong_with_a_toxic_is_told(client, listening):
    made = client.create(upstream=listening, name="inventory")
    for wrong in ({"type": "glue"}, {"type": "latency", "stream": "sideways"}):
        with pytest.raises(InvalidToxic):
            made.add_toxic(**wrong)
    made.add_toxic(type="latency", name="slow")
    with pytest.raises(ProxyExists, match="toxic already exists"):
        made.add_toxic(type="bandwidth", name="slow")


async def test_a_reset_makes_everything_as_it_was(client, listening):
    made = client.create(upstream=listening, name="inventory")
    made.add_toxic(type="timeout", attributes={"timeout": 0})
    made.disable()
    assert client.reset()
    assert client.get_proxy("inventory").enabled
    assert made.toxics() == {}


async def test_a_toxic_of_the_client_bites(client):
    with socket.create_server(("127.0.0.1", 0)) as server:
        made = client.create(upstream=f"127.0.0.1:{server.getsockname()[1]}", name="inventory")
        made.add_toxic(type="latency", attributes={"latency": 300})
        host, _, port = made.listen.rpartition(":")
        with socket.create_connection((host, int(port))) as ours, server.accept()[0] as theirs:
            start = time.monotonic()
            theirs.sendall(b"hello")
            ours.settimeout(20)
            assert ours.recv(5) == b"hello"
            assert time.monotonic() - start >= 0.3
