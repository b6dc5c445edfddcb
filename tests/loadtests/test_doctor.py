"""Doctor against the small platform: each part tried once, nothing ordered, and all that is to be mended told."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from websockets.asyncio.server import serve

from flashcrowd.errors import ExitCode, GuardError
from flashcrowd.process import free_port
from gamedays import doctor
from gamedays.doctor import examine

ROOT = Path(__file__).parents[2]


@pytest.fixture
def target_file(platform, tmp_path) -> Path:
    file = tmp_path / "small.yaml"
    file.write_text(
        f"""\
apiVersion: flashcrowd/v1
kind: Target
metadata: {{name: small}}
spec:
  environment: test
  allow_hosts: [127.0.0.1]
  max_viewers: 1000
  mark: {{headers: {{x-scene-id: "${{run}}"}}}}
  live:
    url: ws://127.0.0.1:{platform.live_port}/rooms/${{room}}
    headers: {{Authorization: "Bearer ${{identity.token}}"}}
    on_open: ['{{"type":"join"}}']
    say: '{{"type":"chat","text":"${{text}}"}}'
  shop:
    url: http://127.0.0.1:{platform.shop_port}
    browse: /catalogue
    order: {{request: {{path: /orders, headers: {{Idempotency-Key: "${{key}}"}}, json: {{sku: "${{sku}}"}}}}}}
    ledger: {{get: /admin/ledger}}
"""
    )
    return file


def rows(seen: doctor.Examination) -> dict[str, str]:
    return {row.name: row.says for part in seen.parts[1:] for row in part.rows}


async def test_a_platform_in_good_health_is_tried_once_and_nothing_is_ordered(platform, target_file):
    seen = await examine(target_file, viewers=100)
    assert (seen.exit_code, seen.to_mend) == (ExitCode.PASS, [])
    told = rows(seen)
    assert set(told) == {"chat", "shop", "order", "ledger"}
    assert told["order"] == "OPTIONS /orders was answered with 405; nothing was ordered"
    assert told["ledger"] == "readable, 0 orders"
    assert platform.orders == {}
    ((_, comment),) = platform.comments
    assert comment.startswith("flashcrowd doctor ~")
    assert (platform.connections, platform.joined) == (2, 2)
    assert {one["x-scene-id"] for one in platform.handshakes} == {"flashcrowd"}
    assert [path for path, _ in platform.asked] == ["/catalogue", "/orders", "/admin/ledger"]
    assert {headers["x-scene-id"] for _, headers in platform.asked} == {"flashcrowd"}
    shown = doctor.text(seen)
    assert "target small     chat    connected in " in shown
    assert shown.endswith("\nnothing to mend")
    assert "uses 127.64.0.1 to 127.64.0.1" in shown
    assert max(map(len, shown.splitlines())) <= 80


async def test_every_part_that_is_missing_is_told_with_its_remedy(platform, target_file):
    port = free_port()
    text = target_file.read_text().replace(str(platform.live_port), str(port)).replace("/catalogue", "/nowhere")
    link = f"{{toxiproxy: 'http://127.0.0.1:{port}', proxy: inventory}}"
    target_file.write_text(
        text.replace("/admin/ledger", "/nowhere")
        + f"  prometheus: {{url: 'http://127.0.0.1:{port}'}}\n"
        + f"  stream: {{playlist: 'http://127.0.0.1:{platform.shop_port}/catalogue'}}\n"
        + f"  events: {{url: 'http://127.0.0.1:{port}/events'}}\n"
        + f"  components: {{inventory: {{link: {link}}}, x: {{}}}}\n"
    )
    seen = await examine(target_file)
    told = doctor.text(seen)
    refused = f"nobody answers at 127.0.0.1:{port}: connection refused"
    for part in (
        f"chat    {refused}",
        "mend spec.live",
        "with 404 at /nowhere",
        "ledger  can't be read",
        f"events  {refused}",
        "what answers is no HLS playlist",
        "inventory: the link's proxy can't be used",
        "prometheus       does not answer",
    ):
        assert part in told
    flat = " ".join(told.split())
    assert "inventory: http.*, network.{bandwidth,down," in flat
    assert "x: " in flat
    assert re.search(r"x: [^:]*· no .*link", flat)
    assert told.endswith("\n7 things to mend")
    assert seen.exit_code == ExitCode.NEED
    assert json.loads(doctor.as_json(seen))["to_mend"] == 7


async def test_a_chat_that_keeps_comments_to_itself_is_told(target_file, monkeypatch):
    monkeypatch.setattr("gamedays.doctor.chat.PATIENCE", 0.3)
    port = free_port()

    async def swallow(connection) -> None:
        async for _ in connection:
            pass

    text = target_file.read_text()
    before = text.partition("ws://127.0.0.1:")[2].partition("/")[0]
    target_file.write_text(text.replace(before, str(port)))
    async with serve(swallow, "127.0.0.1", port):
        seen = await examine(target_file)
    assert "but no comment came back within 300 ms" in rows(seen)["chat"]


async def test_a_dry_order_of_the_target_s_own_is_sent(platform, target_file):
    dry = "dry: {method: GET, path: /catalogue}, request:"
    target_file.write_text(target_file.read_text().replace("request:", dry))
    assert rows(await examine(target_file))["order"] == "GET /catalogue was answered with 200; nothing was ordered"


@pytest.mark.parametrize("wrong", ["environment: production", "allow_hosts: [10.0.0.1]", "max_viewers: 5"])
async def test_the_guard_comes_first(platform, target_file, wrong):
    field = wrong.partition(":")[0]
    lines = [f"  {wrong}" if line.strip().startswith(field) else line for line in target_file.read_text().splitlines()]
    target_file.write_text("\n".join(lines))
    with pytest.raises(GuardError):
        await examine(target_file, viewers=6)
    assert (platform.connections, platform.asked) == (0, [])


async def test_this_machine_alone_is_told_without_a_target():
    (part,) = (await examine(None)).parts
    assert part.name == "this machine"
    assert any("files a process" in row.says for row in part.rows)
    assert any("epoll" in row.says for row in part.rows)


async def test_too_many_viewers_for_the_machine_are_told(monkeypatch):
    monkeypatch.setattr("gamedays.doctor.machine._available", lambda: 2**20)
    seen = await examine(None, viewers=1_000)
    assert [row.mend for row in seen.to_mend] == [
        "there are 1 MiB free: share the crowd out over more machines (load worker)"
    ]


async def test_ctrl_c_ends_it_at_once(target_file):
    """A server that takes connections and says nothing holds it up; Ctrl-C does not have to wait for that."""
    connected, port = asyncio.Event(), free_port()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read(-1)
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", port):
        text = target_file.read_text()
        before = text.partition("http://127.0.0.1:")[2].partition("\n")[0]
        target_file.write_text(text.replace(before, str(port)))
        command = [str(ROOT / "cli.py"), "doctor", str(target_file)]
        process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, stdout=PIPE, stderr=PIPE)
        await asyncio.wait_for(connected.wait(), 30)
        process.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, out, err) == (130, b"", b"stopped by SIGINT\n")
