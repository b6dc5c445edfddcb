"""A directory that a crash cut at any instant, or that lost something later: its story is told, and decides nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flashcrowd import seal
from flashcrowd.errors import InputError
from flashcrowd.rundir import FORMAT, RunDirectory
from flashcrowd.verdict import Outcome
from gamedays import gameday
from gamedays.judging import production
from gamedays.report import charts, html, junit, markdown, terminal, triad_table
from gamedays.verbs import rejudge

AUDIT = '{"time": "t", "run": "r", "who": "w", "kind": "begin", "runbook": "order-latency"}\n'


@pytest.fixture
def run(with_controls, monkeypatch) -> RunDirectory:
    """A rehearsal that passes, with its control, and everything else that one leaves; the pictures are left out."""
    monkeypatch.setattr(charts, "draw", lambda story: charts.Timeline())
    monkeypatch.setattr(charts, "picture", lambda story: "")
    whole = with_controls({"control": "no-runbook", "recovered": None, "sealed": True}, name="Generalprobe")
    whole.write_json(production.FILE, production.Production("google-30d", 3600.0).as_dict())
    whole.write_json("metrics/diagnosis.json", {"conditions": [], "looked": [], "left_out": []})
    whole.write_text("runbooks/order-latency.jsonl", AUDIT)
    whole.write_text("load/stock.json", "[]\n")
    whole.record("conductor", "faults_unmarked", at=1_800_000_050.5, reason="Anschluß belegt – niemand sieht es")
    seal.seal(whole)
    return whole


def told(run: RunDirectory) -> Outcome:
    """Judge the run and write all that is ever written of it."""
    ended = gameday.judge(run.path)
    for writer in (terminal, markdown, junit, html):
        assert writer.write(ended.story, ended.verdict)
    assert triad_table.text(ended.story)
    return ended.verdict.outcome


def judged(run: RunDirectory) -> Outcome:
    return gameday.judge(run.path).verdict.outcome


@contextmanager
def left(path: Path, content: bytes | None) -> Iterator[None]:
    """Meanwhile the file is so; None is gone."""
    was = path.read_bytes()
    path.unlink() if content is None else path.write_bytes(content)
    yield
    path.write_bytes(was)


def evidence(run: RunDirectory) -> list[str]:
    """What a verdict is made from, but for the manifest, without which there is none."""
    files = [path.relative_to(run.path).as_posix() for path in run.path.rglob("*") if path.is_file()]
    return sorted(file for file in files if not file.startswith(("verdict", "seal", "controls/", "manifest")))


def test_the_whole_run_passes_and_its_verdict_is_no_evidence(run):
    assert told(run) is Outcome.PASS
    with left(run.path / "verdict.json", b'{"outcome": "fa'):
        assert told(run) is Outcome.PASS
    (run.path / "load" / ".summary.json.x1y2z3a4").write_text("{")  # a write that a crash cut off
    assert told(run) is Outcome.PASS


def test_what_was_lost_later_is_named_and_nothing_is_decided(run):
    names = evidence(run)
    assert {"controls.json", "load/ledger.jsonl", "metrics/production.json", "runbooks/order-latency.jsonl"} < {*names}
    for name in names:
        content = (run.path / name).read_bytes()
        with left(run.path / name, None if len(content) % 2 else content[:-3]):
            assert judged(run) is Outcome.INCONCLUSIVE, name
        with left(run.path / name, content[: len(content) // 2]):
            assert told(run) is Outcome.INCONCLUSIVE, name
            assert name in next(row for row in findings(run) if row["name"] == "run/evidence")["message"]
    assert judged(run) is Outcome.PASS


def findings(run: RunDirectory) -> list[dict[str, str]]:
    found: list[dict[str, str]] = run.read_json("verdict.json")["findings"]
    return found


def test_a_control_that_has_lost_something_shows_nothing(run):
    (control,) = (run.path / "controls").iterdir()
    for name in ("events.jsonl", "manifest.json", "metrics/sli.json", "load/summary.json", "seal.json"):
        with left(control / name, (control / name).read_bytes()[:-20]):
            assert told(run) is Outcome.INCONCLUSIVE, name


def test_a_run_that_was_killed_at_any_byte_of_its_events_decides_nothing(run):
    (run.path / "seal.json").unlink()
    log = run.path / "events.jsonl"
    whole = log.read_bytes()
    ends = [index for index, byte in enumerate(whole) if byte == ord("\n")]
    inside = [index + 1 for index, byte in enumerate(whole) if byte >= 0xC0]  # of a character of several bytes
    assert len(inside) == 2
    for end in ends:
        for cut in (end - 30, end):
            log.write_bytes(whole[:cut])
            assert judged(run) is Outcome.INCONCLUSIVE, cut
    for cut in (0, *inside, *ends[::5]):
        log.write_bytes(whole[:cut])
        assert told(run) is Outcome.INCONCLUSIVE, cut


def test_a_run_that_was_killed_while_it_collected_says_so(run):
    (run.path / "seal.json").unlink()
    assert told(run) is Outcome.INCONCLUSIVE
    doubts = [row for row in findings(run) if row["outcome"] != "pass"]
    assert [row["name"] for row in doubts] == ["run/evidence", "invariant/orders"]
    assert doubts[0]["message"] == "the run broke off before all of its evidence was there"


JSON = ("metrics/sli.json", "metrics/charts.json", "metrics/production.json", "metrics/diagnosis.json", "controls.json")
JSON = (*JSON, "load/stats.json", "load/summary.json", "load/stock.json", "seal.json")


@pytest.mark.parametrize("name", JSON)
def test_json_of_another_kind_counts_as_missing(run, name):
    run.write_json("seal.json", {"files": {}})  # as of an older version, which notices nothing
    for other in (b"null", b"[]", b"[{}]", b'[{"name": "order", "rows": 3}]', b'{"files": [3]}'):
        with left(run.path / name, other):
            judged(run)
            gameday.triads(run.path, as_json=True)


def test_events_of_another_kind_are_left_out_or_refused_with_a_sentence(run):
    log = run.path / "events.jsonl"
    whole = log.read_bytes()
    for line in (b"3", b"[]", b'{"time": "x"}', b'{"time": NaN, "source": "fault", "kind": "armed", "data": {}}'):
        log.write_bytes(line + b"\n" + whole)
        assert told(run) is Outcome.INCONCLUSIVE
    for kind in ("alert/page", "runbook/started", "runbook/step_end", "runbook/stood_down", "sale/opened"):
        source, _, name = kind.partition("/")
        row = {"time": 1_800_000_058.0, "source": source, "kind": name, "data": {}}
        log.write_bytes(whole + json.dumps(row).encode() + b"\n")
        with pytest.raises(
            InputError, match=r"can't be read by this version of flashcrowd .*; use the one that made it"
        ):
            told(run)


def test_a_directory_of_a_later_format_is_refused_with_a_sentence(run):
    manifest = run.read_json("manifest.json")
    for later in (FORMAT + 1, "new"):
        run.write_json("manifest.json", {**manifest, "format": later, "versions": {"flashcrowd": "9.1.0"}})
        for command in (rejudge.judge, gameday.judge, lambda path: gameday.triads(path, as_json=False)):
            with pytest.raises(InputError, match=f"reads formats up to {FORMAT}; use flashcrowd 9.1.0"):
                command(run.path)


@pytest.mark.parametrize("content", [b"", b'{"run": "x", "pl', b"null", b"[]", b'{"plan": {}}', b"\0\0\0"])
def test_a_damaged_manifest_is_refused_with_a_sentence(run, content):
    (run.path / "manifest.json").write_bytes(content)
    with pytest.raises(InputError, match=r"manifest\.json"):
        rejudge.judge(run.path)


def test_what_is_made_again_is_sealed_again_and_audits_may_grow(run):
    run.write_json(production.FILE, production.Production("google-30d", 7200.0).as_dict())
    assert seal.damage(run) == ["metrics/production.json was changed"]
    seal.renew(run, production.FILE)
    (run.path / "runbooks" / "order-latency.jsonl").write_text(AUDIT + AUDIT)  # taken back by hand
    run.record("conductor", "not_collected", what="production", reason="no promtool")
    assert seal.damage(run) == []
    (run.path / "runbooks" / "order-latency.jsonl").write_text(AUDIT.replace("begin", "bogus") + AUDIT)
    assert seal.damage(run) == ["runbooks/order-latency.jsonl was changed"]


def test_a_run_without_a_seal_gets_none_by_what_is_made_again(run):
    (run.path / "seal.json").unlink()
    seal.renew(run, production.FILE)
    assert not seal.is_sealed(run)
