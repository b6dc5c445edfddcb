"""A Grafana that is a fake: none can be installed here.

It holds callers to what Grafana documents of its API, and answers as it documents:
https://grafana.com/docs/grafana/latest/developers/http_api/dashboard/#create--update-dashboard (path, body, 200, 400,
401, 403, 412 with `version-mismatch`) and
https://grafana.com/docs/grafana/latest/developers/http_api/authentication/ (`Authorization: Bearer`).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "glsa_a-token-that-nobody-may-see"


class FakeGrafana(ThreadingHTTPServer):
    """Grafana's API for creating dashboards, a path prefix before it. trouble: a status that it answers instead."""

    daemon_threads = True

    def __init__(self, prefix: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.prefix, self.trouble, self.body = prefix, 0, b'{"message":"as asked"}'
        self.boards: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.folders = {"shop"}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{self.prefix}"


class _Handler(BaseHTTPRequestHandler):
    server: FakeGrafana

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers["Content-Type"], body))
        if self.server.trouble == -1:
            time.sleep(1.5)
        if self.server.trouble > 0:
            self._answer(self.server.trouble, self.server.body)
        elif self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer(401, b'{"message":"Invalid API key"}')
        elif self.path != f"{self.server.prefix}/api/dashboards/db" or body.get("folderUid", "shop") != "shop":
            self._answer(404, b'{"message":"Not found"}')
        elif not isinstance(body.get("dashboard"), dict) or not body["dashboard"].get("title"):
            self._answer(400, b'{"message":"Dashboard title cannot be empty"}')
        else:
            self._take(body)

    do_GET = do_POST  # noqa: N815 (the name is http.server's)

    def _take(self, body: dict[str, Any]) -> None:
        uid = body["dashboard"]["uid"]
        if uid in self.server.boards and not body["overwrite"]:
            said = {"status": "version-mismatch", "message": "The dashboard has been changed by someone else"}
            return self._answer(412, json.dumps(said).encode())
        version = self.server.boards.get(uid, {}).get("version", 0) + 1
        self.server.boards[uid] = {**body["dashboard"], "version": version}
        url = f"{self.server.prefix}/d/{uid}/name"
        said = {"id": 1, "uid": uid, "url": url, "status": "success", "version": version, "slug": "name"}
        return self._answer(200, json.dumps(said).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/api/dashboards/db")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running(prefix: str = "") -> Iterator[FakeGrafana]:
    """One that answers, until the end of the block."""
    server = FakeGrafana(prefix)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
