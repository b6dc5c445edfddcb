from __future__ import annotations

import json


def test_a_dry_run_without_a_target_shows_every_step_and_changes_nothing(flashcrowd, tmp_path):
    ended = flashcrowd("runbook", "run", "order-latency", "--out", "audits")
    assert ended.code == 0
    assert ended.out.splitlines()[0].startswith("order-latency · dry run: nothing is changed")
    for part in ("Diagnosis 1 of 2 · inventory-slow", "POST ${shop.admin}/reservation", "undo: reserve-singly"):
        assert part in ended.out
    assert ended.out.rstrip().endswith("dry run: nothing was done")
    (audit,) = (tmp_path / "audits").glob("*-order-latency.jsonl")
    rows = [json.loads(line) for line in audit.read_text().splitlines()]
    assert rows[-1]["kind"] == "finish"


def test_the_built_in_runbooks_are_listed_with_their_alerts_and_can_be_read(flashcrowd):
    listed = flashcrowd("runbook", "list")
    assert listed.code == 0
    assert ["order-latency", "OrderLatencyBurn"] in [line.split()[:2] for line in listed.out.splitlines()]
    shown = flashcrowd("runbook", "show", "order-latency")
    assert shown.code == 0
    assert shown.out.startswith("order-latency · Orders are slow\n")


def test_an_audit_that_can_not_be_written_ends_with_4(flashcrowd, tmp_path):
    (tmp_path / "file").write_text("")
    ended = flashcrowd("runbook", "run", "order-latency", "--out", "file/audits")
    assert ended.code == 4
    assert "choose another folder with --out" in ended.err


def test_runbooks_are_listed_for_programs(flashcrowd):
    listed = {row["name"]: row for row in json.loads(flashcrowd("runbook", "list", "--json").out)}
    row = listed["order-latency"]
    assert (row["alerts"], row["slo"], row["severity"]) == (["OrderLatencyBurn"], "order-latency", "page")
    assert {"step": "reserve-blocks", "kind": "http", "section": "Mitigation"} in row["steps"]


def test_what_can_not_be_meant_is_refused(flashcrowd, tmp_path):
    both = flashcrowd("runbook", "run", "order-latency", "--resume", "a.jsonl", "--rollback", "a.jsonl")
    assert both.code == 2
    unnamed = flashcrowd("runbook", "run", "order-latency", "--label", "room")
    assert (unnamed.code, unnamed.err) == (2, "--label room: write NAME=VALUE\n")
    nowhere = flashcrowd("runbook", "run", "order-latency", "--resume", "a.jsonl")
    assert "to act on a platform, say which: add --target FILE" in nowhere.err
