"""Fixtures: a small page to vary, a real HTTP server to act upon, and an executor with an audit on disk."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from flashcrowd.guard import Guard
from flashcrowd.masking import Masking
from runbooks.audit import Audit
from runbooks.executor import Executor
from runbooks.model import Runbook
from runbooks.parser import parse

PARTS = {
    "front": "owner: shop\nseverity: page\nalerts: [Slow]",
    "Meaning": "Orders are slow.",
    "Impact": "Buyers wait.",
    "First five minutes": "Say that you have it.",
    "Diagnosis": 'Is it slow?\n\n```promql {"step": "slow", "expect": "> 0.3"}\nslow_seconds\n```',
    "Mitigation": 'Reserve.\n\n```http {"step": "reserve", "undo": "release"}\nPOST ${shop.admin}/reserve\n```',
    "Verification": 'Quick?\n\n```promql {"step": "quick", "expect": "< 0.1", "timeout": "1s"}\nquick_seconds\n```',
    "Rollback": 'Release.\n\n```http {"step": "release"}\nPOST ${shop.admin}/release\n```',
    "Escalation": "The developers.",
}

Answer = tuple[int, dict[str, str], bytes]


class Server(ThreadingHTTPServer):
    """A platform to act upon: remembers requests, answers 200 or what a test wants, and calls back while it acts."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, str, dict[str, str], str]] = []
        self.answers: dict[str, Answer] = {}
        self.acting: Callable[[str], None] = lambda path: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def paths(self) -> list[str]:
        return [path for _, path, _, _ in self.seen]


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append((self.command, self.path, headers, body))
        self.server.acting(self.path)
        status, extra, content = self.server.answers.get(self.path, (200, {}, b'{"ok": true}'))
        self.send_response(status)
        for name, value in {**extra, "content-length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST  # noqa: N815 (as above)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name in the base class)
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def page() -> Callable[..., str]:
    """The text of a valid page; `{heading: text}` replaces a section, None leaves it out."""

    def build(changes: dict[str, str | None] | None = None) -> str:
        parts = {**PARTS, **(changes or {})}
        front = parts.pop("front")
        sections = "\n\n".join(f"## {heading}\n\n{text}" for heading, text in parts.items() if text is not None)
        return f"---\n{front}\n---\n# Orders are slow\n\n{sections}\n"

    return build


@pytest.fixture
def runbook(page: Callable[..., str]) -> Callable[..., Runbook]:
    return lambda changes=None: parse(page(changes), Path("slow.md"))


class Prometheus:
    """A query function whose answers a test sets; it remembers what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, list[float] | Exception] = {"slow_seconds": [0.8], "quick_seconds": [0.01]}
        self.asked: list[str] = []

    async def __call__(self, query: str) -> list[float]:
        self.asked.append(query)
        answer = self.answers[query]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def prometheus() -> Prometheus:
    return Prometheus()


@pytest.fixture
def audit(tmp_path: Path) -> Iterator[Audit]:
    with Audit(tmp_path / "audit.jsonl", Masking({"SHOP_TOKEN": "s3cr3t-value"}), who="mei") as opened:
        yield opened


@pytest.fixture
def lines(audit: Audit) -> Callable[[], list[dict[str, Any]]]:
    """What the audit's file holds now."""
    return lambda: [json.loads(line) for line in audit.path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def executor(server: Server, prometheus: Prometheus, audit: Audit) -> Callable[..., Executor]:
    """An executor that acts; any argument can be replaced."""

    def build(runbook: Runbook, **changes: Any) -> Executor:
        given: dict[str, Any] = {
            "query": prometheus,
            "guard": Guard(["127.0.0.1"]),
            "variables": {"shop.admin": server.url},
            "audit": audit,
            "execute": True,
            "poll": 0.01,
            "pause": 0.01,
        }
        return Executor(runbook, **{**given, **changes})

    return build
