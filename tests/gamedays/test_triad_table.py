from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

import cli
from gamedays import gameday
from gamedays.report import html, markdown, terminal, triad_table
from gamedays.story.story import read_story

NO_RUNBOOK = {"control": "no-runbook", "recovered": None}
WRONG = {"control": "wrong-runbook", "recovered": None, "runbook": "order-errors"}
NO_FAULT = {"control": "no-fault", "paged": None}


def columns(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("  network.latency on inventory")]


def test_the_table_has_all_times_and_what_the_controls_show(with_controls):
    text = triad_table.text(read_story(with_controls(NO_FAULT, NO_RUNBOOK, WRONG)))
    assert text.splitlines()[:5] == [
        "  Triad                          page  production  mitigated  back  healed",
        "  network.latency on inventory  7.0 s     unknown      7.5 s  16 s    60 s",
        "    OrderLatencyBurn → order-latency: inventory-slow → reserve-blocks · pass",
        "    no-fault: no page · no-runbook: no recovery · wrong-runbook (order-errors):",
        "      no recovery · credit: yes",
    ]
    assert text.endswith("The runbook gets the credit in 1 of 1.")


@pytest.mark.parametrize(
    ("told", "story", "said"),
    [
        ([], {}, "credit: unknown"),
        ([], {"paged": None}, "order-latency: no page · fail"),
        ([{"control": "no-runbook"}], {}, "no-runbook: recovered by itself · credit: no"),
        ([NO_RUNBOOK, {"control": "no-fault"}], {}, "no-fault: paged · credit: no"),
        ([{**NO_RUNBOOK, "interrupted": 70.0}], {}, "no-runbook: can't tell · credit: unknown"),
        ([NO_RUNBOOK], {"recovered": None}, "no-runbook: no recovery · credit: unknown"),
    ],
    ids=["no control", "no page", "recovers by itself", "pages without a fault", "cut off", "no recovery at all"],
)
def test_what_a_control_shows_decides_the_credit(with_controls, told, story, said):
    text = triad_table.text(read_story(with_controls(*told, **story)))
    assert said in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80
    given = "No control was played" if not told else "credit in 0 of 1"
    assert given in " ".join(text.split())


def test_a_fault_with_a_long_name_has_its_times_on_a_line_of_their_own(with_controls):
    row = triad_table.rows(read_story(with_controls()))[0]
    long = replace(row, fault="kubernetes.chaosmesh on the-inventory-of-the-second-region")
    told = triad_table.lines([row, long])
    assert max(map(len, told)) <= 80
    head, first = told[0], told[told.index("  kubernetes.chaosmesh on the-inventory-of-the-second-region") + 1]
    assert head.index("healed") + len("healed") == first.index("60 s") + len("60 s")


def test_each_report_has_the_table(with_controls):
    ended = gameday.judge(with_controls(NO_FAULT, NO_RUNBOOK).path)
    screen = terminal.write(ended.story, ended.verdict)
    assert columns(screen)
    assert "The runbook gets the credit in 1 of 1." in screen
    page = html.write(ended.story, ended.verdict)
    assert (
        page.index("<h3>Triads</h3>")
        < page.index('<th scope="col">no-runbook</th>')
        < page.index("<td>no recovery</td>")
    )
    written = markdown.write(ended.story, ended.verdict)
    (row,) = [line for line in written.splitlines() if line.startswith("| network.latency on inventory | OrderLat")]
    assert row.endswith("| 7.0 s | unknown | 7.5 s | 16 s | 60 s | no page | no recovery | yes |")


def test_the_last_screen_of_one_fault_without_controls_needs_no_table(judged):
    ended = judged()
    assert columns(terminal.write(ended.story, ended.verdict)) == []


def test_the_table_can_be_printed_again_and_as_json(with_controls):
    run = with_controls(NO_RUNBOOK)
    printed = CliRunner().invoke(cli.main, ["gameday", "triads", str(run.path)])
    assert printed.exit_code == 0
    assert printed.stdout == triad_table.text(read_story(run)) + "\n"
    (told,) = json.loads(CliRunner().invoke(cli.main, ["gameday", "triads", str(run.path), "--json"]).stdout)
    assert (told["credit"], told["slo"], told["shown"][0]["outcome"]) == (True, "order-latency", "pass")
    assert told["injected"] < told["paged"] < told["mitigated"] < told["recovered"] < told["healed"]
    summary = json.loads(gameday.summary(gameday.judge(run.path), as_json=True))
    assert summary["triads"] == [told]
