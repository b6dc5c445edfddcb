"""The guard against addresses in disguise, and names that change their meaning."""

import socket

import pytest
from aiohttp import web

from flashcrowd.client import guarded_client
from flashcrowd.dial import pinned
from flashcrowd.errors import GuardError
from flashcrowd.guard import Guard
from flashcrowd.process import free_port
from loadtests.crowd.errors import ForbiddenError
from loadtests.reach import guarded

LOOPBACK = "127.0.0.1"
DISGUISES = [
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1:8080/",
    "http://127.1/",
    "http://[::ffff:127.0.0.1]:80/",
    "http://me:word@127.0.0.1:1/x",
    "HTTP://127.0.0.1./",
]


@pytest.mark.parametrize("url", DISGUISES)
def test_an_allowed_address_is_known_in_every_form(url):
    Guard([LOOPBACK]).check_url(url)


@pytest.mark.parametrize(
    "url", [*DISGUISES, "http://[::1]/", "http://127.0.0.1@10.0.0.9/", "http://10.0.0.9#127.0.0.1"]
)
def test_an_address_that_is_not_allowed_is_refused_in_every_form(url):
    with pytest.raises(GuardError, match="not in allow_hosts"):
        Guard(["10.0.0.1", "shop.example"]).check_url(url)


@pytest.mark.parametrize("url", ["http://", "http:///x", "http://[::1", "nonsense"])
def test_a_url_without_a_host_is_refused(url):
    with pytest.raises(GuardError, match="names no host"):
        Guard([LOOPBACK]).check_url(url)


@pytest.mark.parametrize("host", ["Shop.Example", "shop.example.", "SHOP.EXAMPLE."])
def test_a_listed_name_is_known_however_it_is_written(host):
    Guard(["shop.example."]).check_host(host)


def test_networks_of_ipv6_are_allowed_by_address():
    guard = Guard(["fd00::/8"])
    guard.check_url("http://[fd12::1]:8080/")
    with pytest.raises(GuardError):
        guard.check_url("http://[fe80::1]/")


class Rebinding:
    """A name server that gives another address at each question."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked, self._real = list(answers), 0, socket.getaddrinfo

    def __call__(self, host, port, *args, **more):
        if host != "rebound.example":
            return self._real(host, port, *args, **more)
        self.asked += 1
        address = self.answers[min(self.asked, len(self.answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 0))]


@pytest.fixture
def names(monkeypatch):
    def rebind(*answers: str) -> Rebinding:
        server = Rebinding(*answers)
        monkeypatch.setattr(socket, "getaddrinfo", server)
        return server

    return rebind


def test_the_crowd_connects_to_what_was_checked(names):
    names("127.0.0.1", "10.9.9.9")
    resolve = guarded(Guard([LOOPBACK]))
    assert resolve("rebound.example", 80) == [(socket.AF_INET, ("127.0.0.1", 80))]
    with pytest.raises(ForbiddenError, match=r"rebound\.example \(10\.9\.9\.9\) is not in allow_hosts"):
        resolve("rebound.example", 80)


def test_a_listed_name_may_mean_any_address(names):
    names("10.9.9.9")
    assert guarded(Guard(["rebound.example"]))("rebound.example", 80) == [(socket.AF_INET, ("10.9.9.9", 80))]


@pytest.fixture
async def server():
    """A server that says which host it was asked for, and one path that leads elsewhere."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=request.host)

    async def away(request: web.Request) -> web.Response:
        raise web.HTTPFound("http://10.9.9.9/stolen")

    app = web.Application()
    app.add_routes([web.get("/", answer), web.get("/away", away)])
    runner, port = web.AppRunner(app, shutdown_timeout=0.1), free_port()
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, port).start()
    yield port
    await runner.cleanup()


async def test_requests_go_to_the_address_that_was_checked(server, names):
    asked = names("127.0.0.1", "10.9.9.9")
    async with guarded_client(Guard([LOOPBACK]), "a step", 5) as client:
        answer = await client.get(f"http://rebound.example:{server}/")
        assert (answer.text, asked.asked) == (f"rebound.example:{server}", 1)
        with pytest.raises(GuardError, match=r"a step: rebound\.example \(10\.9\.9\.9\)"):
            await client.get(f"http://rebound.example:{server}/")


async def test_a_redirect_is_not_followed_and_would_lead_nowhere(server):
    async with guarded_client(Guard([LOOPBACK]), "a step", 5) as client:
        assert (await client.get(f"http://127.0.0.1:{server}/away")).status_code == 302
        with pytest.raises(GuardError, match=r"10\.9\.9\.9 is not in allow_hosts"):
            await client.get(f"http://127.0.0.1:{server}/away", follow_redirects=True)


async def test_a_name_with_two_addresses_is_met_where_it_listens(server, monkeypatch):
    real = socket.getaddrinfo

    def both(host, port, *args, **more):
        addresses = ["127.0.0.2", "127.0.0.1"] if host == "two.example" else []
        rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port or 0)) for one in addresses]
        return rows or real(host, port, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", both)
    guard = Guard(["127.0.0.0/8"])
    async with guarded_client(guard, "a step", 5) as client:
        assert (await client.get(f"http://two.example:{server}/")).status_code == 200
    assert await pinned(guard, f"http://two.example:{server}/x", "a link") == f"http://127.0.0.1:{server}/x"
