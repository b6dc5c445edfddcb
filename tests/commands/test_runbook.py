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
    assert listed.out.split()[:2] == ["order-latency", "OrderLatencyBurn"]
    shown = flashcrowd("runbook", "show", "order-latency")
    assert shown.code == 0
    assert shown.out.startswith("order-latency · Orders are slow\n")


def test_an_audit_that_can_not_be_written_ends_with_4(flashcrowd, tmp_path):
    (tmp_path / "file").write_text("")
    ended = flashcrowd("runbook", "run", "order-latency", "--out", "file/audits")
    assert ended.code == 4
    assert "choose another folder with --out" in ended.err
