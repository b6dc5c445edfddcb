"""The undo log: durable, and never silent about what it can't read."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys

import pytest

from chaos.faults.network_latency import LatencyInjection
from chaos.kinds.processes import ProcessId
from chaos.recovery import ActiveFault, Outcome, recover, status
from chaos.undolog import Damaged, Record, UndoLog
from flashcrowd.errors import NeedError


@pytest.fixture
def record(latency):
    undo = LatencyInjection(
        toxiproxy="http://127.0.0.1:1",
        proxy="inventory",
        name="flashcrowd-1",
        type="latency",
        stream="downstream",
        toxicity=1.0,
        attributes={"latency": 300, "jitter": 0},
        ttl=61.0,
        question=None,
        before=None,
    )
    return Record.new("1", latency(), undo, ProcessId.of(os.getpid()), "a-run")


def test_a_record_is_read_back_as_it_was_written_and_gone_when_closed(log, record):
    log.make()
    log.write(record)
    assert log.all() == [record]
    log.close(record.id)
    log.close(record.id)
    assert log.all() == []
    assert log.read(log.path(record.id)) is None


def test_a_log_that_was_never_written_is_empty(log):
    assert log.all() == []
    assert status(log) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: text.replace("network.latency", "network.glue"),
        lambda text: text.replace('"proxy"', '"prozy"'),
        lambda text: json.dumps({**json.loads(text), "expires_at": "soon"}),
    ],
)
async def test_a_damaged_record_is_reported_and_left_alone(log, record, spoil):
    log.make()
    log.write(record)
    path = log.path(record.id)
    path.write_text(spoil(path.read_text()))
    (damaged,) = status(log)
    assert isinstance(damaged, Damaged)
    assert str(path) in str(damaged)
    (recovered,) = await recover(log)
    assert recovered.outcome is Outcome.DAMAGED
    assert str(path) in recovered.message
    assert path.exists()


async def test_a_damaged_record_does_not_keep_the_others_from_being_healed(log, record):
    log.make()
    log.write(record.model_copy(update={"injector": ProcessId(pid=record.injector.pid, started=1)}))
    (log.folder / "0.json").write_text("{")
    assert [one.outcome for one in await recover(log)] == [Outcome.DAMAGED, Outcome.HEALED]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
async def test_what_somebody_else_wrote_is_shown_but_not_run(log, record):
    log.make()
    log.write(record.model_copy(update={"injector": ProcessId(pid=record.injector.pid, started=1)}))
    os.chown(log.path(record.id), pwd.getpwnam("nobody").pw_uid, -1)
    (shown,) = status(log)
    assert isinstance(shown, ActiveFault)
    (left,) = await recover(log)
    assert left.outcome is Outcome.FAILED
    assert "belongs to nobody" in left.message
    assert log.path(record.id).exists()


def test_what_is_no_file_is_not_waited_for(log, record):
    log.make()
    os.mkfifo(log.path("1"))
    log.path("2").mkdir()
    log.path("3").symlink_to("/dev/zero")
    damaged = log.all()
    assert [type(one) for one in damaged] == [Damaged] * 3


def test_a_folder_that_cannot_be_written_is_told_with_the_remedy(tmp_path):
    (tmp_path / "file").write_text("")
    log = UndoLog(tmp_path / "file" / "undo")
    with pytest.raises(NeedError, match="set FLASHCROWD_STATE to a folder that can"):
        log.make()
    with pytest.raises(NeedError, match="can't be read"):
        log.all()


def test_a_process_is_told_from_a_later_one_of_the_same_number():
    me = ProcessId.of(os.getpid())
    assert me.alive
    assert not ProcessId(pid=me.pid, started=me.started + 1).alive


def test_a_dead_process_is_not_alive_even_before_it_is_reaped(until):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = ProcessId.of(child.pid)
    assert identity.alive
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not identity.alive
    child.wait()
    assert child.stdin is not None
    child.stdin.close()


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"FLASHCROWD_STATE": "/a"}, "/a/undo"),
        ({"XDG_STATE_HOME": "/b"}, "/b/flashcrowd/undo"),
        ({"HOME": "/c"}, "/c/.local/state/flashcrowd/undo"),
    ],
)
def test_the_folder_comes_from_the_environment(monkeypatch, environment, folder):
    for name in ("FLASHCROWD_STATE", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert str(UndoLog.default().folder) == folder
