import contextlib
import json
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flashcrowd.errors import InputError, NeedError
from flashcrowd.masking import Masking
from runbooks.audit import OUTPUT_LIMIT, Audit
from runbooks.locks import held
from runbooks.records import read

Lines = Callable[[], list[dict[str, Any]]]


def test_a_line_says_who_when_and_which_run(audit: Audit, lines: Lines) -> None:
    audit.write("start", {"step": "reserve"})
    (line,) = lines()
    assert line["time"].endswith("Z")
    assert (line["run"], line["who"], line["kind"], line["step"]) == (audit.run, "mei", "start", "reserve")


def test_secrets_and_long_outputs_do_not_get_in(audit: Audit, lines: Lines) -> None:
    audit.write("end", {"output": "x" * 100_000 + "s3cr3t-value!", "labels": {"a": ["s3cr3t-value"]}})
    (line,) = lines()
    assert len(line["output"]) <= OUTPUT_LIMIT
    assert line["output"].endswith("xxx***!")
    assert line["labels"] == {"a": ["***"]}


def test_a_second_run_appends(audit: Audit, lines: Lines) -> None:
    audit.write("begin", {})
    with Audit(audit.path, Masking({})) as second:
        second.write("begin", {})
    first, other = lines()
    assert first["run"] != other["run"]


def test_a_hostile_text_stays_one_line(audit: Audit, lines: Lines) -> None:
    audit.write("begin", {"labels": {"a": 'x"}\n{"kind": "finish"}\x1b[2J\ud800'}})
    (line,) = lines()
    assert line["kind"] == "begin"
    assert "\x1b" not in audit.path.read_text()


def test_others_on_the_machine_cannot_read_it(audit: Audit) -> None:
    assert audit.path.stat().st_mode & 0o077 == 0


def test_an_audit_that_cannot_be_written_is_a_need(audit: Audit, tmp_path: Path) -> None:
    with pytest.raises(NeedError, match="can't be written"):
        Audit(tmp_path / "none" / "audit.jsonl")
    with pytest.raises(NeedError, match="No space left"), Audit(Path("/dev/full"), Masking({})) as full:
        full.write("begin", {})


def test_each_line_is_on_disk_when_write_returns(audit: Audit, lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda file: written.append(len(lines())))
    audit.write("start", {})
    audit.write("end", {})
    assert written == [1, 2]


def test_numbers_that_json_lacks_are_written_as_texts(audit: Audit, lines: Lines) -> None:
    audit.write("end", {"got": ["nan"]})
    assert json.loads(audit.path.read_text())["got"] == ["nan"]


@contextlib.contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """A disk that is full, as the kernel tells it: what still fits of a line is written."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_line_that_was_half_written_is_not_gone_on_with(audit: Audit) -> None:
    audit.write("begin", {"execute": True})
    full = audit.path.stat().st_size + 20
    with no_file_longer_than(full), pytest.raises(NeedError, match="File too large; nothing is done without it"):
        audit.write("start", {"step": "reserve"})
    assert audit.path.stat().st_size == full
    audit.write("finish", {"outcome": "rolled_back"})
    (record,) = read(audit.path)
    assert (record.outcome, record.under_way) == ("rolled_back", None)


def test_a_later_process_begins_a_new_line(audit: Audit) -> None:
    audit.write("begin", {"execute": True})
    audit.close()
    with audit.path.open("a") as file:
        file.write('{"time": "2026')
    with Audit(audit.path, Masking({}), run=audit.run) as later:
        later.write("finish", {"outcome": "recovered"})
    assert [record.outcome for record in read(audit.path)] == ["recovered"]


def test_a_run_is_followed_by_one_process_at_a_time(audit: Audit) -> None:
    with pytest.raises(InputError, match="another process is following the run"):
        Audit(audit.path, run=audit.run)
    with Audit(audit.path):
        pass  # a new run may share the file
    assert held(audit.path, audit.run)
    audit.close()
    assert not held(audit.path, audit.run)
    Audit(audit.path, run=audit.run).close()


async def test_a_secret_that_is_a_common_word_hides_no_step(runbook, executor, tmp_path: Path) -> None:
    heard: list[str] = []
    with Audit(tmp_path / "words.jsonl", Masking({"SHOP_KEY": "reserve"})) as audit:
        run = executor(runbook(), audit=audit, on_event=lambda kind, data: heard.append(data.get("step", "")))
        await run.run()
    (record,) = read(audit.path)
    assert record.in_place == {"reserve": "release"}
    assert "reserve" in heard
    assert record.what["reserve"].endswith("/***")
