"""A load by a target file: what carries the mark, and where its secrets are not."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from flashcrowd.errors import DocumentError, GuardError, NeedError
from flashcrowd.process import free_port
from gamedays.verbs import load_run
from gamedays.verbs.load_run import spec

SECRETS = {"shop": "hunter-two-shop", "chat": 'hunter "two" chat', "admin": "hunter-two-admin"}
TRACE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01")

SCENARIO = """
from loadtests.users import *

class Viewer(CrowdUser):
    wait_time = constant(0.3)

    def on_start(self):
        self.room = self.live.enter(self.identity)

    @task
    def shout(self):
        self.room.say("hello")
        self.shop.browse()
        self.shop.order("soap")
        raise ValueError(f"a careless scenario tells {self._session.shop._variables.environment['secret.shop']}")
"""


@pytest.fixture
def target_file(platform, tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CHAT_WORD", SECRETS["chat"])
    monkeypatch.setenv("ADMIN_WORD", SECRETS["admin"])
    (tmp_path / "shop-token").write_text(SECRETS["shop"] + "\n")
    (tmp_path / "users.csv").write_text("user,token\n" + "".join(f"u{n},t{n}\n" for n in range(10)))
    file = tmp_path / "small.yaml"
    file.write_text(
        f"""\
apiVersion: flashcrowd/v1
kind: Target
metadata: {{name: small}}
spec:
  environment: test
  allow_hosts: [127.0.0.1]
  max_viewers: 10
  mark: {{headers: {{x-pressure-test: "true", x-scene-id: "${{run}}", traceparent: "${{traceparent}}"}}}}
  admin: {{headers: {{Authorization: "Bearer ${{env.ADMIN_WORD}}"}}}}
  secrets: {{shop: {{file: shop-token}}}}
  identities: {{file: users.csv}}
  live:
    url: ws://127.0.0.1:{platform.live_port}/rooms/${{room}}
    headers: {{Authorization: "Bearer ${{identity.token}}"}}
    on_open: ['{{"type":"join","word":"${{env.CHAT_WORD}}"}}']
    say: '{{"type":"chat","text":"${{text}}"}}'
  shop:
    url: http://127.0.0.1:{platform.shop_port}
    browse: /catalogue
    order:
      request:
        path: /orders
        headers: {{Idempotency-Key: "${{key}}", Authorization: "Bearer ${{identity.user}}", x-shop: "${{secret.shop}}"}}
        json: {{sku: "${{sku}}", quantity: 1}}
    ledger: {{get: /admin/ledger}}
"""
    )
    return file


async def test_all_requests_carry_the_mark_and_nothing_that_is_kept_has_a_secret(
    platform, target_file, tmp_path, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    (tmp_path / "careless.py").write_text(SCENARIO)
    asked = spec(str(tmp_path / "careless.py"), 4, "ramp", "2s", "1s", "1", None, None)
    told = list[str]()
    ended = await load_run.play(asked, target_file, None, tmp_path / "runs", told.append)
    run = ended.run.name

    headers = {path: [one for there, one in platform.asked if there == path] for path, _ in platform.asked}
    assert set(headers) == {"/orders", "/catalogue", "/admin/ledger"}
    assert {one["x-shop"] for one in headers["/orders"]} == {SECRETS["shop"]}
    assert {one["authorization"] for one in headers["/admin/ledger"]} == {f"Bearer {SECRETS['admin']}"}
    assert all(one["x-pressure-test"] == "true" for there in headers.values() for one in there)
    assert all(TRACE.fullmatch(one["traceparent"]) for there in headers.values() for one in there)
    before, *after = headers["/admin/ledger"]  # read until two reads agree
    assert (before["x-scene-id"], {one["x-scene-id"] for one in after}) == ("flashcrowd", {run})
    assert {one["x-scene-id"] for one in (*platform.handshakes, *headers["/orders"], *headers["/catalogue"])} == {run}
    assert {one["x-pressure-test"] for one in platform.handshakes} == {"true"}
    assert all(TRACE.fullmatch(one["traceparent"]) for one in platform.handshakes)
    assert platform.joined == 4

    history = [json.loads(line) for line in (ended.run.path / "load" / "history-0.jsonl").read_text().splitlines()]
    assert {row["traceparent"] for row in history} == {one["traceparent"] for one in headers["/orders"]}
    assert len({row["traceparent"] for row in history}) == len(history)

    log = (ended.run.path / "logs" / "load.log").read_text()
    assert "a careless scenario tells ***" in log
    kept = "".join(file.read_text() for file in ended.run.path.rglob("*") if file.is_file())
    shown = load_run.text(ended) + "".join(told)
    for secret in SECRETS.values():
        for form in (secret, json.dumps(secret)[1:-1]):
            assert form not in kept
            assert form not in shown


async def test_a_load_at_a_closed_port_says_which_and_what_to_do(platform, target_file, tmp_path):
    port = free_port()
    target_file.write_text(target_file.read_text().replace(str(platform.shop_port), str(port)))
    asked = spec("live-commerce", 4, "ramp", "2s", "1s", "1", None, None)
    with pytest.raises(NeedError) as refused:
        await load_run.play(asked, target_file, None, tmp_path / "runs", lambda line: None)
    first, remedy = str(refused.value).splitlines()
    assert first.endswith(
        f"spec.shop.url (http://127.0.0.1:{port}): nobody answers at 127.0.0.1:{port}: connection refused"
    )
    assert "start the platform, or mend the address" in remedy
    assert platform.connections == 0
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("before", "after", "error"),
    [
        ("environment: test", "environment: production", GuardError),
        ("allow_hosts: [127.0.0.1]", "allow_hosts: [10.0.0.1]", GuardError),
        ("max_viewers: 10", "max_viewers: 3", GuardError),
        ("say: '{", "say: '", DocumentError),
    ],
)
async def test_what_may_not_be_is_refused_before_the_first_packet(
    platform, target_file, tmp_path, before, after, error
):
    target_file.write_text(target_file.read_text().replace(before, after))
    asked = spec("live-commerce", 4, "ramp", "2s", "1s", "1", None, None)
    with pytest.raises(error):
        await asyncio.wait_for(load_run.play(asked, target_file, None, tmp_path, lambda line: None), 30)
    assert (platform.connections, platform.asked) == (0, [])
