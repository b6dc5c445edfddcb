"""Run directories that earlier versions wrote still come to the same verdict, and are reported.

tests/gamedays/recorded/*.tar.xz, each with a run that passed, one that failed and one that was broken off:

2026-11-23                 the first version: no fingerprints; nothing is said of the ledger's rest
2026-11-26-alertmanager    pages by Alertmanager
2026-11-26-fingerprints    the last one of format 1: with fingerprints, without `format`, seed and seal
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from flashcrowd.verdict import Outcome
from gamedays import gameday
from gamedays.report import charts, html, junit, markdown, terminal, triad_table
from gamedays.verbs import rejudge

RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.tar.xz"))
STORIES = {"passed": Outcome.PASS, "failed": Outcome.FAIL, "broken-off": Outcome.INCONCLUSIVE}


@pytest.fixture(params=RECORDED, ids=lambda path: path.name.partition(".")[0])
def recorded(request, tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(charts, "draw", lambda story: charts.Timeline())
    monkeypatch.setattr(charts, "picture", lambda story: "")
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def test_a_run_of_an_earlier_version_comes_to_the_same_verdict_and_is_reported(recorded):
    for name, outcome in STORIES.items():
        run = gameday.RunDirectory.open(recorded / name)
        before = {row["name"]: row["outcome"] for row in run.read_json("verdict.json")["findings"]}
        ended = rejudge.judge(run.path)
        assert isinstance(ended, gameday.Ended)
        assert ended.verdict.outcome is outcome
        now = {finding.name: finding.outcome for finding in ended.verdict.findings}
        surer = {name for name in before if now[name] not in (before[name], Outcome.INCONCLUSIVE)}
        assert not surer
        for writer in (terminal, markdown, junit, html):
            assert writer.write(ended.story, ended.verdict)
        assert "network.latency on inventory" in triad_table.text(ended.story)
        assert "seed" not in ended.story.manifest
