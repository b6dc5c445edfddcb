"""`runbook generate` on made-up run directories: what is read out of them, and what is left out."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from flashcrowd.errors import InputError
from gamedays.evidence import evidence
from gamedays.evidence.candidates import Candidate
from gamedays.evidence.conditions import conditions
from gamedays.evidence.diagnosis import FILE, Diagnosis, looked
from gamedays.story.story import read_story
from gamedays.verbs import generate_run
from runbooks.evidence import RunEvidence

SLOW = "histogram_quantile(0.9, sum by (le) (rate(inventory_request_seconds_bucket[5s])))"


def diagnosed(run):
    """The run with what two queries said: a step that tells the fault, and a probe that doesn't."""
    story = read_story(run)
    found = conditions(story)
    asked = [Candidate("inventory-slow", SLOW, 5.0, "order-latency", "> 0.3"), Candidate("shop-busy", "busy", 5.0)]
    seconds = range(int(story.start), int(story.end))
    slow = {at: [0.9 if at >= story.start + 52 else 0.02] for at in seconds}
    values = [slow, {at: [0.1] for at in seconds}]
    every = [looked(one, told, found, story.start, story.end) for one, told in zip(asked, values, strict=True)]
    run.write_json(FILE, asdict(Diagnosis(tuple(found), tuple(every), ())))
    return run


def audited(run, page: str = "order-latency", step: str = "reserve-blocks"):
    """The run with the audit of a mitigation."""
    rows = [
        {"kind": "begin", "runbook": page, "execute": True, "variables": {"shop.admin": "http://127.0.0.1:7002/admin"}},
        {
            "kind": "start",
            "step": step,
            "section": "Mitigation",
            "number": 1,
            "what": 'POST http://127.0.0.1:7002/admin/reservation\n{"mode": "blocks"}',
            "undo": None,
        },
        {"kind": "end", "step": step, "section": "Mitigation", "number": 1, "state": "done", "seconds": 0.1},
        {"kind": "finish", "outcome": "recovered"},
    ]
    lines = [
        json.dumps({"time": "2027-01-15T08:00:57Z", "run": "r", "who": "mei", "message": "", **row}) for row in rows
    ]
    (run.path / "runbooks" / f"{page}.jsonl").write_text("\n".join(lines))
    return run


def read(run) -> RunEvidence:
    return evidence.of_slo(read_story(run), "order-latency")


def test_a_run_tells_its_times_its_looks_and_its_mitigations(rehearsed):
    found = read(audited(diagnosed(rehearsed())))
    (row,) = found.rehearsed
    assert (row.cause, row.fault) == ("network.latency on inventory", "network.latency on inventory, 800 ms for 1m")
    assert (row.detected, row.mitigated, row.recovered, row.lasted) == (7.0, 7.5, 16.0, 60.2)
    assert (row.runbook, row.diagnosed, row.mitigations) == ("order-latency", "inventory-slow", ("reserve-blocks",))
    assert (row.outcome, row.credit, row.replayed) == ("pass", None, False)
    looks = [(look.step, look.cause, look.seconds, look.held) for look in found.looks if look.expect]
    assert looks == [("inventory-slow", None, 45, 0), ("inventory-slow", "network.latency on inventory", 2, 2)]
    assert [action.step for action in found.actions] == ["reserve-blocks", "reserve-singly"]
    assert found.parts[1] == "inventory: process, link, admin"
    assert evidence.of_slo(read_story(rehearsed()), "chat-delivery").rehearsed == ()


def test_a_mitigation_of_a_page_that_is_gone_is_told_by_its_audit_with_variables_for_addresses(rehearsed):
    (action,) = read(audited(rehearsed(), "their-own", "blocks")).actions
    assert (action.step, action.kind) == ("blocks", "http")
    assert action.text == 'POST ${shop.admin}/reservation\n{"mode": "blocks"}'


def test_runs_of_older_versions_without_diagnosis_or_fingerprints_tell_what_they_can(rehearsed):
    run = rehearsed()
    manifest = run.read_json("manifest.json")
    del manifest["fingerprints"]
    run.write_json("manifest.json", manifest)
    found = read(run)
    assert (found.plan_print, found.looks, len(found.rehearsed)) == (None, (), 1)


def test_a_fault_that_was_broken_off_before_it_paged_is_no_rehearsal(rehearsed):
    assert read(rehearsed(interrupted=52.0, paged=None)).rehearsed == ()
    assert len(read(rehearsed(paged=None)).rehearsed) == 1


def test_controls_are_read_with_their_game_day_and_give_it_its_credit(with_controls):
    run = with_controls({"control": "no-runbook", "recovered": None}, {"control": "no-fault", "paged": None})
    stories, left = evidence.stories([run.path.parent, run.path])
    assert (sorted(story.control or "" for story in stories), left) == (["", "no-fault", "no-runbook"], [])
    told = {story.control: evidence.of_slo(story, "order-latency") for story in stories}
    assert told[None].rehearsed[0].credit is True
    assert [control.outcome for control in told[None].controls] == ["pass", "pass"]
    assert told["no-fault"].rehearsed == ()


def test_a_folder_may_hold_what_is_no_game_day_and_that_is_said(rehearsed, tmp_path):
    rehearsed()
    (tmp_path / "load").mkdir()
    (tmp_path / "load" / "manifest.json").write_text('{"scenario": "chat"}')
    stories, left = evidence.stories([tmp_path])
    assert len(stories) == 1
    assert "is not the run of a game day" in left[0]
    with pytest.raises(InputError, match="no run directory"):
        evidence.stories([tmp_path / "nowhere"])


def test_the_slo_comes_from_the_files_given_else_from_the_latest_run_else_it_is_built_in(rehearsed, tmp_path):
    stories, _ = evidence.stories([rehearsed().path])
    assert generate_run.find("order-latency", [], stories).objective == 99
    assert generate_run.find("playback-stalls", [], stories).service == "stream"
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "version: prometheus/v1\nservice: mine\nslos:\n- name: order-latency\n  objective: 95\n  sli:\n    events:\n"
        "      error_query: sum(rate(bad[{{.window}}]))\n      total_query: sum(rate(all[{{.window}}]))\n"
        "  alerting: {name: Mine, annotations: {runbook: ours}}\n"
    )
    slo = generate_run.find("order-latency", [str(mine)], stories)
    assert (slo.objective, generate_run.page_name(slo)) == (95, "ours")
    with pytest.raises(InputError, match="did you mean 'order-latency'"):
        generate_run.find("order-latancy", [], stories)


def test_only_rehearsals_of_the_target_count(rehearsed, tmp_path):
    run = rehearsed()
    target = tmp_path / "staging.yaml"
    target.write_text(
        "apiVersion: flashcrowd/v1\nkind: Target\nmetadata: {name: staging}\nspec:\n  environment: staging\n"
        "  allow_hosts: [127.0.0.1]\n  max_viewers: 10\n  components: {cart: {admin: http://127.0.0.1:1}}\n"
    )
    found = generate_run.run("order-latency", [run.path], target, [], Path("out"))
    assert "Never rehearsed" in found.after
    assert any("left out: it is of embedded" in line for line in found.said)
