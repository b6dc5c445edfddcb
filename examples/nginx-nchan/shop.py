"""A shop in plain Python: orders with idempotency keys, a flash sale, and a ledger. It knows nothing of flashcrowd.

python shop.py --port 7082 --chat http://127.0.0.1:7081
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.request import Request, urlopen

Answer = tuple[int, Any]


class Shop:
    """The orders, by key, and what is left of each sale's stock. One lock: it is a small shop."""

    def __init__(self, chat: str) -> None:
        self._chat, self._lock = chat, threading.Lock()
        self.orders: dict[str, dict[str, Any]] = {}
        self._stock: dict[str, int] = {}

    def order(self, key: str, user: str, wish: dict[str, Any]) -> Answer:
        """Store an order once, whatever is sent again with the same key."""
        with self._lock:
            if key not in self.orders:
                sku, quantity = str(wish["sku"]), int(wish["quantity"])
                if sku in self._stock:
                    if self._stock[sku] < quantity:
                        return 409, {"reason": "sold out"}
                    self._stock[sku] -= quantity
                number = f"order-{len(self.orders) + 1}"
                self.orders[key] = {"order_id": number, "key": key, "user": user, "sku": sku, "quantity": quantity}
            return 201, {"order_id": self.orders[key]["order_id"]}

    def schedule(self, sale: dict[str, Any]) -> Answer:
        """Open a sale at its instant, and tell the room."""
        wait = max(0.0, float(sale["opens_at"]) - time.time())
        threading.Timer(wait, self._open, (sale,)).start()
        return 201, {}

    def _open(self, sale: dict[str, Any]) -> None:
        with self._lock:
            self._stock[str(sale["sku"])] = int(sale["stock"])
        told = json.dumps({"type": "sale_opened", "sku": sale["sku"], "stock": sale["stock"]}).encode()
        with urlopen(Request(f"{self._chat}/publish/{sale['room']}", data=told)):
            pass


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.1, so that connections are kept."""

    protocol_version = "HTTP/1.1"
    shop: Shop

    def do_GET(self) -> None:
        if self.path == "/goods":
            self._answer(200, ["mug-01", "scarf-01"])
        elif self.path == "/ledger":
            self._answer(200, list(self.shop.orders.values()), lines=True)
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if self.path == "/orders":
            user = self.headers.get("Authorization", "").removeprefix("Bearer ")
            self._answer(*self.shop.order(self.headers["Idempotency-Key"], user, body))
        elif self.path == "/sales":
            self._answer(*self.shop.schedule(body))
        else:
            self._answer(404, {})

    def log_message(self, *words: object) -> None:
        """Say nothing: there are thousands of requests."""

    def _answer(self, status: int, value: Any, lines: bool = False) -> None:
        rows = value if lines else [value]
        data = "".join(json.dumps(row) + "\n" for row in rows).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/jsonl" if lines else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=7082)
    parser.add_argument("--chat", default="http://127.0.0.1:7081")
    given = parser.parse_args()
    Handler.shop = Shop(given.chat)
    Server(("127.0.0.1", given.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
