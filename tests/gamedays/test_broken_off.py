"""A run that was killed at any moment still has a report, and never passes."""

from __future__ import annotations

import pytest

from flashcrowd.verdict import Outcome
from gamedays import gameday
from gamedays.report import html, junit, markdown, terminal

EVENTS = 20
"""Lines that a rehearsal in which all goes well leaves in events.jsonl."""

LATE = ("metrics/sli.json", "metrics/charts.json", "load/ledger.jsonl")
"""What is collected after the load has ended."""


def reports(run) -> Outcome:
    """Judge the run and write everything but the pictures, which have nothing more to go wrong."""
    ended = gameday.judge(run.path)
    for writer in (terminal, markdown, junit):
        text = writer.write(ended.story, ended.verdict)
        assert ended.verdict.outcome.value in text.lower() or writer is junit
        assert len(text) < 20_000
    return ended.verdict.outcome


def test_the_whole_run_has_so_many_events_and_passes(rehearsed):
    run = rehearsed()
    assert len((run.path / "events.jsonl").read_text().splitlines()) == EVENTS
    assert reports(run) is Outcome.PASS


@pytest.mark.parametrize("kept", range(EVENTS))
def test_a_run_that_ends_after_any_event_is_no_pass(rehearsed, kept):
    run = rehearsed()
    log = run.path / "events.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:kept]))
    assert reports(run) is not Outcome.PASS


def test_a_run_that_ends_inside_any_byte_of_its_last_events_is_no_pass(rehearsed):
    run = rehearsed(name="Generalprobe für elf")
    log = run.path / "events.jsonl"
    run.record("conductor", "aborted", at=1_800_000_200.0, reason="Prometheus is gone – nobody would see")
    whole = log.read_bytes()
    for cut in range(len(whole) - 60, len(whole) - 1):
        log.write_bytes(whole[:cut])
        assert [event.kind for event in run.events()][-1] == "ended"
    log.write_bytes(whole[: whole.index("–".encode()) + 1])
    assert reports(run) is Outcome.PASS  # all had been played and collected


@pytest.mark.parametrize("name", [*LATE, "load/summary.json", "load/stats.json", "load/history-0.jsonl"])
def test_a_run_that_lacks_a_part_is_reported(rehearsed, name):
    run = rehearsed()
    (run.path / name).unlink()
    expected = Outcome.PASS if name == "metrics/charts.json" else Outcome.INCONCLUSIVE
    assert reports(run) is expected


@pytest.mark.parametrize("name", ["metrics/sli.json", "metrics/charts.json", "load/summary.json", "load/stats.json"])
def test_a_part_that_was_cut_off_counts_as_missing(rehearsed, name):
    run = rehearsed()
    content = (run.path / name).read_bytes()
    (run.path / name).write_bytes(content[: len(content) // 2])
    expected = Outcome.PASS if name == "metrics/charts.json" else Outcome.INCONCLUSIVE
    assert reports(run) is expected


@pytest.mark.parametrize("name", ["load/history-0.jsonl", "load/ledger.jsonl"])
def test_a_damaged_line_is_named_and_keeps_it_from_passing(rehearsed, name):
    run = rehearsed()
    lines = (run.path / name).read_text().splitlines(keepends=True)
    (run.path / name).write_text("".join([*lines[:3], '{"half": \n', *lines[4:]]))
    assert reports(run) is Outcome.INCONCLUSIVE
    (found,) = [row for row in gameday.judge(run.path).verdict.findings if row.name == "invariant/orders"]
    assert f"{name}:4" in found.message


def test_a_history_whose_last_line_was_cut_off_is_read_to_there(rehearsed):
    run = rehearsed()
    file = run.path / "load/history-0.jsonl"
    file.write_bytes(file.read_bytes()[:-40])
    assert reports(run) is Outcome.PASS


def test_a_run_that_never_started_says_so_without_a_length(rehearsed):
    run = rehearsed()
    (run.path / "events.jsonl").unlink()
    ended = gameday.judge(run.path)
    assert ended.verdict.findings[0].message == "interrupted at the start of 02:00"
    assert "not played" in terminal.write(ended.story, ended.verdict)
    assert 'time="0.000"' in junit.write(ended.story, ended.verdict)
    page = html.write(ended.story, ended.verdict)
    assert "not started" in page
    assert "The run left no series to draw." in page
