"""Description: the target file of an embedded storefront, as somebody would write it for a platform of their own."""

from __future__ import annotations

from typing import Any

from flashcrowd.target import Target
from gamedays.target.addresses import HOST, Addresses, http

MAX_VIEWERS = 300_000
IDENTITIES = 1_000_000
"""More people than viewers at once: workers have equal shares of them, and whoever comes anew is somebody else."""

ORDINARY_GOODS = ("mug-01", "scarf-01", "candle-01", "notebook-01", "tea-01")
BEARER = {"Authorization": "Bearer ${identity.token}"}
MARK = {"x-pressure-test": "true", "x-scene-id": "${run}", "traceparent": "${traceparent}"}


def describe(addresses: Addresses, prometheus_url: str, alertmanager_url: str | None = None) -> Target:
    """The target file of an embedded storefront at these addresses."""
    spec = {
        "environment": "rehearsal",
        "allow_hosts": [HOST],
        "max_viewers": MAX_VIEWERS,
        "mark": {"headers": MARK},
        "identities": {"generate": IDENTITIES},
        "live": _live(addresses),
        "shop": _shop(addresses),
        "draw": _draw(addresses),
        "stream": {"playlist": f"{http(addresses.stream)}/${{room}}/live.m3u8"},
        "events": {"url": f"{http(addresses.events)}/events", "visible": "/events/${event}"},
        "prometheus": {
            "url": prometheus_url,
            "scrapes_load_at": f"{HOST}:{addresses.load}",
            "scrapes_faults_at": f"{HOST}:{addresses.faults}",
        },
        "components": _components(addresses),
        **({"alertmanager": {"url": alertmanager_url}} if alertmanager_url is not None else {}),
    }
    target = {"apiVersion": "flashcrowd/v1", "kind": "Target", "metadata": {"name": "embedded"}, "spec": spec}
    return Target.model_validate(target)


def _live(at: Addresses) -> dict[str, Any]:
    return {
        "url": f"ws://{HOST}:{at.live}/rooms/${{room}}",
        "headers": BEARER,
        "on_open": ['{"type":"join"}'],
        "say": '{"type":"chat","text":"${text}"}',
        "heartbeat": {"every": "30s", "send": '{"type":"ping"}'},
        "events": {
            "sale.opened": {"type": "sale_opened"},
            "draw.opened": {"type": "draw_opened"},
            "draw.drawn": {"type": "draw_drawn"},
            "closed": {"type": "bye"},
        },
    }


def _shop(at: Addresses) -> dict[str, Any]:
    return {
        "url": http(at.shop),
        "browse": "/catalogue",
        "goods": list(ORDINARY_GOODS),
        "order": {
            "request": {
                "method": "POST",
                "path": "/orders",
                "headers": {"Idempotency-Key": "${key}", **BEARER},
                "json": {"sku": "${sku}", "quantity": 1},
            },
            "order_id": "$.order_id",
            "payment": {"request": {"method": "POST", "path": "/orders/${order_id}/payment", "headers": BEARER}},
        },
        "ledger": {"get": "/admin/ledger"},
        "sales": "/admin/sales",
        "stock": "/admin/stock",
    }


def _draw(at: Addresses) -> dict[str, Any]:
    return {
        "url": http(at.shop),
        "enter": {"method": "POST", "path": "/draws/${draw}/entries", "headers": BEARER},
        "result": {"method": "GET", "path": "/draws/${draw}/result", "headers": BEARER},
        "draws": "/admin/draws",
        "ledger": {"get": "/admin/draws/ledger"},
    }


def _components(at: Addresses) -> dict[str, Any]:
    """What faults and mitigations may touch."""
    link = {"toxiproxy": http(at.toxiproxy), "probe": "/healthz"}
    shop, inventory = {**link, "proxy": "shop"}, {**link, "proxy": "inventory"}
    return {
        "shop": {**_process(at, "shop", at.shop), "link": shop, "admin": f"{http(at.shop)}/admin"},
        "inventory": {**_process(at, "inventory", at.inventory), "link": inventory, "admin": http(at.inventory)},
        "live": {**_process(at, "live-*", at.live_metrics[0]), "admin": f"{http(at.live_admin)}/admin"},
        "stream": {**_process(at, "stream", at.stream), "admin": f"{http(at.stream)}/admin"},
        "origin": _process(at, "origin", at.origin),
        "events": {**_process(at, "events", at.events), "admin": f"{http(at.events)}/admin"},
    }


def _process(at: Addresses, name: str, port: int) -> dict[str, Any]:
    """A component of these processes, started again by the caretaker. port: where the first tells its health."""
    start = {"post": f"{http(at.caretaker)}/processes/${{name}}/start"}
    command = f"storefront.{name.partition('-')[0]}"
    process = {"pidfile": str(at.pidfile(name)), "command": command, "start": start}
    return {"process": process, "probe": f"{http(port)}/healthz"}
