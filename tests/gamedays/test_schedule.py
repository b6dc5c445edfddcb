from __future__ import annotations

import time

import pytest
from aiohttp import web

from flashcrowd.errors import NeedError
from flashcrowd.guard import Guard
from flashcrowd.process import free_port
from flashcrowd.rundir import RunDirectory
from flashcrowd.target import Target
from gamedays.plan import SalePlan
from gamedays.playing.schedule import Schedule


@pytest.fixture
async def shop():
    """Where sales are announced: the requests that came, and the status with which each is answered."""
    seen, status, port = list[web.Request](), [201], free_port()

    async def announce(request: web.Request) -> web.Response:
        seen.append(request)
        return web.json_response({"got": await request.json()}, status=status[0])

    app = web.Application()
    app.add_routes([web.post("/admin/sales", announce)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield port, seen, status
    await runner.cleanup()


def sales(port: int, run: RunDirectory, waves: int) -> Schedule:
    target = Target.model_validate(
        {
            "metadata": {"name": "small"},
            "spec": {
                "environment": "test",
                "allow_hosts": ["127.0.0.1"],
                "max_viewers": 5,
                "mark": {"headers": {"x-scene-id": "${run}", "traceparent": "${traceparent}"}},
                "admin": {"headers": {"Authorization": "Bearer ${env.SALE_WORD}"}},
                "shop": {
                    "url": f"http://127.0.0.1:{port}",
                    "order": {"request": {"path": "/orders"}},
                    "sales": "/admin/sales",
                },
            },
        }
    )
    plan = SalePlan.model_validate({"opens_at": ["1ms"] * waves, "sku": "lipstick-01", "stock": 5})
    return Schedule(plan, None, target, Guard.of(target), run)


async def test_each_announcement_carries_the_mark_and_a_trace_of_its_own(shop, tmp_path, monkeypatch):
    monkeypatch.setenv("SALE_WORD", "hunter-two")
    port, seen, _ = shop
    run = RunDirectory.create(tmp_path, "sales")
    await sales(port, run, waves=2).play(time.time())
    assert [request.headers["x-scene-id"] for request in seen] == [run.name] * 2
    assert {request.headers["Authorization"] for request in seen} == {"Bearer hunter-two"}
    assert len({request.headers["traceparent"] for request in seen}) == 2
    assert len(run.events("sale", "opened")) == 2


async def test_a_shop_that_refuses_a_sale_is_told(shop, tmp_path, monkeypatch):
    monkeypatch.setenv("SALE_WORD", "hunter-two")
    port, _, status = shop
    status[0] = 403
    with pytest.raises(NeedError, match="403"):
        await sales(port, RunDirectory.create(tmp_path, "sales"), waves=1).play(time.time())
