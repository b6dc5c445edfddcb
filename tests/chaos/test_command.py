"""`command`: what people run and send is bounded, told, undone, and never holds a secret in its record."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from killing import Range
from stands import Stand

from chaos.faults import parse_fault
from chaos.injector import Injector
from flashcrowd.errors import GuardError, InputError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.process import Supervisor
from flashcrowd.target import Component


def command(folder: Path, **more: object):
    flag = str(folder / "it is broken")
    given = {"inject": ["touch", flag], "probe": ["test", "-e", flag], "heal": ["rm", "-f", flag]}
    return parse_fault({"kind": "command", "on": "it", "for": "60s", **given, **more})


def injector_of(log, told=None) -> Injector:
    on_event = (lambda kind, data: told.append((kind, data))) if told is not None else (lambda *_: None)
    return Injector({"it": Component()}, Guard(["127.0.0.1"]), log, on_event)


async def prepared(fault):
    return await fault.prepare("0123456789ab", Component(), Guard(["127.0.0.1"]))


def sleeping(seconds: str) -> bool:
    """Whether a program of a test's own is there."""
    return any(one.info["cmdline"] == ["sleep", seconds] for one in psutil.process_iter(["cmdline"]))


@pytest.fixture
async def switch() -> AsyncIterator[tuple[str, list[tuple[str, bytes, str]]]]:
    """An HTTP service with a state: PUT sets it, DELETE takes it away, GET answers 404 without it; what it was sent."""
    seen, state = [], []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = [row.split(":")[1] for row in head.split("\r\n") if row.lower().startswith("content-length:")]
            body = await reader.readexactly(int(length[0])) if length else b""
            verb = head.split(" ")[0]
            seen.append((verb, body, head))
            if verb == "PUT":
                state[:] = [True]
            elif verb == "DELETE":
                state.clear()
            status = 404 if verb == "GET" and not state else 200
            writer.write(f"HTTP/1.1 {status} Said\r\ncontent-length: 5\r\nconnection: close\r\n\r\nstate".encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seen


def over_http(url: str):
    token = {"Authorization": "Bearer ${env.SWITCH}"}
    return {
        "inject": {"http": {"method": "PUT", "url": f"{url}/a", "headers": token, "json": {"name": "${env.SWITCH}"}}},
        "probe": {"http": {"method": "GET", "url": f"{url}/a"}},
        "heal": {"http": {"method": "DELETE", "url": f"{url}/a", "headers": token}},
    }


async def test_requests_carry_what_the_environment_has_and_the_record_does_not(switch, tmp_path, log, monkeypatch):
    url, seen = switch
    monkeypatch.setenv("SWITCH", 'it\'s "secret" & $HOME')
    async with injector_of(log) as it:
        active = await it.inject(command(tmp_path, **over_http(url)))
        assert active.bite.ok, active.bite.message
        (record,) = log.folder.glob("*.json")
        assert "secret" not in record.read_text()
        (put,) = [row for row in seen if row[0] == "PUT"]
        assert json.loads(put[1]) == {"name": os.environ["SWITCH"]}
        assert f"Authorization: Bearer {os.environ['SWITCH']}" in put[2]
        by_hand = active.injection.by_hand()
        assert "secret" not in by_hand
        process = await asyncio.create_subprocess_shell(by_hand, stdout=subprocess.DEVNULL)
        assert await process.wait() == 0
        assert (await active.injection.healed()).ok
        (delete,) = [row for row in seen if row[0] == "DELETE"]
        assert f"Authorization: Bearer {os.environ['SWITCH']}" in delete[2]


async def test_a_path_goes_to_the_component_s_own_admin_address(switch, tmp_path, log):
    url, seen = switch
    fault = over_admin()
    assert "it has no admin address" in fault.check(Component())
    it = Component(admin=f"{url}/admin")
    assert fault.check(it) is None
    async with Injector({"it": it}, Guard(["127.0.0.1"]), log, lambda *_: None) as injector:
        active = await injector.inject(fault)
        assert active.bite.ok
        assert f"{url}/admin/consumer" in log.path(active.id).read_text()
        await active.heal()
    assert {row[2].split(" ")[1] for row in seen} == {"/admin/consumer"}
    with pytest.raises(GuardError):
        await fault.prepare("0123456789ab", Component(admin="http://elsewhere.example/admin"), Guard(["127.0.0.1"]))


def over_admin():
    sent = {verb: {"http": {"method": verb, "path": "/consumer"}} for verb in ("PUT", "GET", "DELETE")}
    given = {"inject": sent["PUT"], "probe": sent["GET"], "heal": sent["DELETE"]}
    return parse_fault({"kind": "command", "on": "it", "for": "60s", **given})


async def test_programs_know_the_admin_address_and_python_is_ours(tmp_path, log):
    told = tmp_path / "told"
    script = f"import flashcrowd, os, sys; open({str(told)!r}, 'w').write(os.environ['FLASHCROWD_ADMIN'])"
    fault = command(tmp_path, inject=["python", "-c", script], probe=["test", "-e", str(told)], heal=["rm", str(told)])
    it = Component(admin="http://127.0.0.1:1/admin")
    async with Injector({"it": it}, Guard(["127.0.0.1"]), log, lambda *_: None) as injector:
        await injector.inject(fault)
        assert told.read_text() == "http://127.0.0.1:1/admin"


async def test_a_request_to_elsewhere_is_refused_before_anything_is_run(tmp_path):
    fault = command(tmp_path, inject={"http": {"url": "http://192.0.2.7/a"}})
    with pytest.raises(GuardError, match=r"inject of command on it: 192\.0\.2\.7 is not in allow_hosts"):
        await prepared(fault)


async def test_what_is_run_by_hand_heals_names_with_blanks(tmp_path):
    injection = await prepared(command(tmp_path))
    await injection.inject()
    assert (await injection.bites()).ok
    process = await asyncio.create_subprocess_shell(injection.by_hand())
    assert await process.wait() == 0
    assert (await injection.healed()).ok


async def test_an_effect_that_is_there_before_proves_nothing(tmp_path, log):
    (tmp_path / "it is broken").touch()
    async with injector_of(log) as it:
        with pytest.raises(NeedError, match="its effect is seen before it is injected"):
            await it.inject(command(tmp_path))
    assert log.all() == []


async def test_one_of_probe_and_healed_is_the_opposite_of_the_other(tmp_path):
    flag = str(tmp_path / "it is broken")
    injection = await prepared(command(tmp_path, probe=None, healed=["test", "!", "-e", flag]))
    await injection.inject()
    assert (await injection.bites()).ok
    assert not (await injection.healed()).ok
    await injection.heal()
    assert (await injection.healed()).ok


async def test_a_program_that_takes_too_long_is_killed_with_its_children_and_undone(tmp_path, log):
    slow = ["sh", "-c", f"touch '{tmp_path / 'it is broken'}'; sleep 61.5 & sleep 61.5"]
    async with injector_of(log) as it:
        with pytest.raises(NeedError, match="took longer than 500ms and was killed"):
            await it.inject(command(tmp_path, inject=slow, timeout="500ms"))
    assert not (tmp_path / "it is broken").exists()
    assert not sleeping("61.5")


async def test_what_inject_left_running_is_killed_when_it_is_healed(tmp_path, log, until):
    left = ["sh", "-c", f"touch '{tmp_path / 'it is broken'}'; sleep 62.5 >/dev/null 2>&1 &"]
    async with injector_of(log) as it:
        active = await it.inject(command(tmp_path, inject=left))
        assert sleeping("62.5")
        await active.heal()
        await until(lambda: not sleeping("62.5"))


async def test_a_cancelled_injection_is_killed_and_undone(tmp_path, log, until):
    slow = ["sh", "-c", f"touch '{tmp_path / 'it is broken'}'; sleep 63.5"]
    async with injector_of(log) as it:
        inject = asyncio.ensure_future(it.inject(command(tmp_path, inject=slow, timeout="50s")))
        await until((tmp_path / "it is broken").exists)
        inject.cancel()
        with pytest.raises(asyncio.CancelledError):
            await inject
        assert not (tmp_path / "it is broken").exists()
    assert not sleeping("63.5")


async def test_healing_goes_on_past_an_error_and_says_it(tmp_path):
    flag = tmp_path / "it is broken"
    injection = await prepared(
        command(tmp_path, heal=[["sh", "-c", "echo no way >&2; exit 3"], ["rm", "-f", str(flag)]])
    )
    await injection.inject()
    with pytest.raises(NeedError, match=r"ended with 3: no way"):
        await injection.heal()
    assert not flag.exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"probe": None}, "wants probe or healed"),
        ({"heal": []}, "heal: List should have at least 1 item"),
        ({"inject": {"http": {"url": "ftp://x/"}}}, r"inject\[0\]\.http\.url: 'ftp://x/' is not a URL of http://"),
        ({"inject": {"exec": ["x"]}}, r"inject\[0\]: wants a list of words"),
        ({"inject": {"run": ["x"], "matches": "("}}, r"inject\[0\]\.matches: '\(' is not a regular expression"),
        ({"heal": [{"pause": "6s"}]}, "heal and healed pause for more than 5s"),
        ({"timeout": "2m"}, "timeout: an action takes more than 0s and at most 1m"),
    ],
)
def test_what_is_written_wrong_is_told_with_its_place(tmp_path, given, message):
    with pytest.raises(InputError, match=message):
        command(tmp_path, **given)


def test_what_is_missing_here_is_told_before_anything_is_run(tmp_path, monkeypatch):
    monkeypatch.delenv("NOT_SET", raising=False)
    assert command(tmp_path).check(Component()) is None
    assert "heal: there is no program no-such-program on PATH" in command(tmp_path, heal=["no-such-program"]).check(
        Component()
    )
    unset = command(tmp_path, inject=["echo", "${env.NOT_SET}"]).check(Component())
    assert unset == "inject: the environment variable NOT_SET is not set"


async def test_what_a_killed_injector_was_running_is_ended_with_its_children(tmp_path):
    @contextlib.asynccontextmanager
    async def slow(folder: Path, supervisor: Supervisor) -> AsyncIterator[Stand]:
        flag = folder / "broken"

        async def present() -> bool:
            return flag.exists() or sleeping("64.5")

        inject = ["sh", "-c", f"touch {flag}; sleep 64.5 & sleep 64.5"]
        given = {"inject": inject, "probe": ["test", "-e", str(flag)], "heal": ["rm", "-f", str(flag)]}
        yield Stand({}, {**given, "timeout": "50s"}, present)

    async with Range.at("command", slow, tmp_path) as range_:
        shot = await range_.shoot("KILL", 1.5)
    assert shot.left == ()
    assert shot.healed_after is not None
