"""What a plain Locust file may connect to: its own clients, and the redirects that they follow, included."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from flashcrowd.process import free_port
from flashcrowd.target import Target
from loadtests import runner

PLAIN = """
import socket
from locust import FastHttpUser, HttpUser, constant, task

class Requests(HttpUser):
    wait_time = constant(0.2)

    @task
    def go(self):
        self.client.get("/", name="requests")
        self.client.get("/away", name="requests away")

class Fast(FastHttpUser):
    wait_time = constant(0.2)

    @task
    def go(self):
        self.client.get("/", name="fast")
        self.client.get("/away", name="fast away")
"""


@pytest.fixture
async def server() -> AsyncIterator[tuple[int, list[str]]]:
    """One server at two addresses: it sends people from 127.0.0.1 to 127.0.0.2, and notes who comes there."""
    port, strayed = free_port(), list[str]()

    async def answer(request: web.Request) -> web.Response:
        if request.host.startswith("127.0.0.2"):
            strayed.append(request.path)
        return web.Response(text="here")

    async def away(request: web.Request) -> web.Response:
        raise web.HTTPFound(f"http://127.0.0.2:{port}/stray")

    app = web.Application()
    app.add_routes([web.get("/", answer), web.get("/stray", answer), web.get("/away", away)])
    site = web.AppRunner(app, shutdown_timeout=0.1)
    await site.setup()
    await web.TCPSite(site, "127.0.0.1", port).start()
    await web.TCPSite(site, "127.0.0.2", port).start()
    yield port, strayed
    await site.cleanup()


async def test_a_redirect_to_a_host_that_is_not_allowed_leads_nowhere(server, run, supervisor, spec, guard, tmp_path):
    port, strayed = server
    (tmp_path / "plain.py").write_text(PLAIN)
    target = Target.model_validate(
        {
            "metadata": {"name": "small"},
            "spec": {"environment": "test", "allow_hosts": ["127.0.0.1"], "max_viewers": 10},
        }
    )
    asked = spec(str(tmp_path / "plain.py"), viewers=2, host=f"http://127.0.0.1:{port}")
    load = await runner.start(supervisor, asked, run, target, guard)
    await load.wait()
    requests = {row.name: row for row in load.result().requests}
    assert set(requests) == {"requests", "requests away", "fast", "fast away"}
    assert strayed == []
    for name in ("requests", "fast"):
        assert requests[name].failures == 0
        assert requests[f"{name} away"].failures == requests[f"{name} away"].requests > 0
