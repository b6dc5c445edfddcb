"""What game days have shown of a target, and the holes that they leave."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cli
from flashcrowd.errors import InputError
from flashcrowd.rundir import RunDirectory
from gamedays.coverage import fresh, markdown, row, run, text, words
from gamedays.coverage.cell import Cell, cells
from gamedays.coverage.coverage import Coverage, coverage
from gamedays.coverage.hole import Close, Gap, Hole, Risk
from gamedays.coverage.row import Row
from gamedays.coverage.step import step
from gamedays.coverage.subject import Page, Subject, subject
from gamedays.evidence.evidence import stories
from gamedays.evidence.fingerprints import of_rules
from gamedays.planning.checks import prepare
from runbooks import catalogue

START, DAY = 1_800_000_000.0, 86_400.0
NOW = START + DAY
LATENCY, SLO = "network.latency on inventory", "order-latency"
NO_RUNBOOK = {"control": "no-runbook", "recovered": None}


@cache
def embedded() -> Subject:
    return subject(None, [], [], [])


def covered(run_directory: RunDirectory, now: float = NOW) -> Coverage:
    """Of the embedded target."""
    return coverage(embedded(), stories([run_directory.path])[0], now)


def asked(run_directory: RunDirectory, **options) -> run.Covered:
    return run.run([run_directory.path], now=NOW, **options)


def hole_of(found, kind: str, name: str) -> Hole | None:
    return next((hole for hole in found.holes if (hole.kind, hole.name) == (kind, name)), None)


def chain_of(found) -> Hole | None:
    return hole_of(found, "fault", f"{LATENCY} → {SLO}")


def test_what_was_proved_has_no_hole_and_all_else_has_one(with_controls):
    found = covered(with_controls(NO_RUNBOOK))
    (cell,) = found.cells
    assert (cell.fault, cell.slo, cell.latest.credit, len(cell.rehearsals)) == (LATENCY, SLO, True, 1)
    assert (len(found.played), found.controls) == (1, 1)
    assert chain_of(found) is None
    never = {(hole.kind, hole.name) for hole in found.holes if hole.gap is Gap.NEVER}
    slos = {"order-availability", "chat-delivery", "playback-start", "playback-stalls", "viewer-drops"}
    assert never == {
        *(("slo", name) for name in (*slos, "behaviour-freshness")),
        *(("component", name) for name in ("shop", "live", "stream", "origin", "events")),
    }
    assert all(hole.close.command or hole.close.step for hole in found.holes)


def test_an_alert_that_names_no_runbook_is_a_hole(with_controls):
    bare = [
        slo.model_copy(update={"alerting": slo.alerting.model_copy(update={"annotations": {}})})
        if slo.name == "playback-start"
        else slo
        for slo in embedded().slos
    ]
    run_directory = with_controls(NO_RUNBOOK)
    found = coverage(replace(embedded(), slos=tuple(bare)), stories([run_directory.path])[0], NOW)
    hole = hole_of(found, "alert", "PlaybackStartBurn")
    assert hole is not None
    assert (hole.gap, hole.text) == (Gap.NEVER, "PlaybackStartBurn calls somebody and names no runbook")
    assert hole.close.command == "flashcrowd runbook generate playback-start"


@pytest.mark.parametrize(
    ("story", "controls", "gap", "text"),
    [
        ({}, [], Gap.UNPROVED, "nobody knows whether order-latency did it: no control was played"),
        ({}, [{"control": "no-runbook"}], Gap.WRONG, "order-latency has no credit: no-runbook: back within"),
        ({"paged": None}, [], Gap.WRONG, "on 2027-01-15, no page within 20 s of"),
        ({"paged": 75.0, "recovered": 80.0}, [NO_RUNBOOK], Gap.WRONG, "OrderLatencyBurn paged 25 s after"),
        ({"recovered": None}, [NO_RUNBOOK], Gap.WRONG, "on 2027-01-15, no recovery within 35 s"),
        ({"paged": None, "expect": f"{{slo: {SLO}, runbook: {SLO}}}"}, [], Gap.WRONG, "nobody was told of"),
        ({"recovered": None, "expect": f"{{slo: {SLO}, detected_within: 20s}}"}, [], Gap.WRONG, "no recovery before"),
        ({"saturated": 3}, [NO_RUNBOOK], Gap.UNPROVED, "on 2027-01-15, the load generator could not be trusted"),
        (
            {},
            [NO_RUNBOOK, {"control": "no-fault", "paged": None, "rate": 0.5}],
            Gap.UNPROVED,
            "no-fault can't tell: needs",
        ),
        ({"interrupted": 80.0}, [], Gap.NEVER, "was only seen in runs that were broken off"),
        ({"expect": ""}, [], Gap.UNPROVED, "OrderLatencyBurn fired, and no plan expects it"),
    ],
)
def test_the_hole_of_a_chain_is_its_first_missing_link(with_controls, story, controls, gap, text):
    hole = chain_of(covered(with_controls(*controls, **story)))
    assert hole is not None
    assert (hole.gap, hole.severity, hole.objective) == (gap, "page", 99.0)
    assert text in hole.text


def test_the_plan_is_played_again_as_it_is_called_with_the_controls_that_it_lacks(rehearsed):
    hole = chain_of(covered(rehearsed()))
    assert hole is not None
    assert hole.close == Close(
        "flashcrowd gameday run plan.yaml --with-controls",
        first="give plan.yaml its controls: [no-fault, no-runbook]",
    )


def test_a_fault_that_was_never_seen_to_bite_broke_nothing(rehearsed):
    found = covered(rehearsed(bit=False, paged=None))
    assert (found.cells, dict(found.seen.broken)) == ((), {})
    assert hole_of(found, "slo", SLO) is not None
    assert hole_of(found, "component", "inventory").gap is Gap.NEVER


def test_of_a_run_that_was_broken_off_what_was_seen_counts_and_what_was_not_says_nothing(rehearsed):
    found = covered(rehearsed(interrupted=55.0))
    assert [(cell.fault, cell.slo) for cell in found.cells] == [(LATENCY, None)]
    assert hole_of(found, "component", "inventory").gap is Gap.UNTRIED
    assert hole_of(found, "slo", SLO).gap is Gap.NEVER
    assert found.broken_off == 1


def test_a_control_is_no_rehearsal(rehearsed):
    found = covered(rehearsed(control="no-runbook", recovered=None))
    assert (found.cells, found.played, found.controls) == ((), (), 1)
    assert hole_of(found, "slo", SLO).gap is Gap.NEVER


def test_a_control_that_was_played_apart_gives_credit_to_a_run_of_the_same_play_without_its_own(rehearsed, tmp_path):
    rehearsed()
    rehearsed(**NO_RUNBOOK)
    found = coverage(embedded(), stories([tmp_path])[0], NOW)
    assert (found.controls, found.cells[0].latest.credit, chain_of(found)) == (1, True, None)


def test_the_latest_rehearsal_counts_and_credit_holds_while_all_is_as_it_was():
    first = Row("a", 1.0, "p", LATENCY, "network.latency", "inventory", "played", SLO, "page", True, recovered=9.0)
    proved = replace(first, credit=True, rules="1", why="without it there was no recovery")
    (cell,) = cells([replace(first, run="b", at=2.0, rules="1"), proved])
    assert (cell.latest.run, cell.proof.run, cell.proof.credit) == ("b", "a", True)
    (other,) = cells([proved, replace(first, run="b", at=2.0, rules="2")])
    assert (other.proof.run, other.proof.credit) == ("b", None)
    (worse,) = cells([proved, replace(proved, run="b", at=2.0, recovered=None, credit=None)])
    assert worse.proof.credit is None
    for doubtful in ({"complete": False}, {"trusted": False}):
        assert Cell(LATENCY, SLO, (first, replace(proved, at=3.0, **doubtful))).latest is first


@pytest.mark.parametrize(("days", "old"), [(89, False), (91, True)])
def test_a_proof_grows_old(with_controls, days, old):
    hole = chain_of(covered(with_controls(NO_RUNBOOK), now=START + days * DAY))
    assert (hole is not None) is old
    if hole is not None:
        assert (hole.gap, hole.text) == (Gap.OLD, "proved 90 days ago, every 90d wanted")


def test_a_page_says_for_itself_how_often_it_is_to_be_rehearsed(with_controls, tmp_path):
    page = catalogue.find(SLO).file.read_text().replace("severity: page", "severity: page\nrehearse_every: 12h", 1)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / f"{SLO}.md").write_text(page)
    run_directory = with_controls(NO_RUNBOOK)
    assert chain_of(covered(run_directory)) is None
    hole = chain_of(asked(run_directory, folders=[tmp_path / "own"]).found)
    assert hole is not None
    assert (hole.gap, round(hole.over)) == (Gap.OLD, 2)


def test_a_proof_of_what_is_another_by_now_is_out_of_date():
    now = embedded()
    slo, page = now.slo(SLO), now.page(SLO)
    assert slo is not None
    assert page is not None
    then = Row("a", 1.0, "p", LATENCY, "network.latency", "inventory", "played", SLO, "page", followed=SLO)
    same = replace(then, fingerprint=page.fingerprint, rules=of_rules([slo]), target=now.target_print)
    assert (list(fresh.changes(same, now)), list(fresh.changes(then, now))) == ([], [])
    other = replace(same, fingerprint="0", rules="0", target="0")
    assert list(fresh.changes(other, now)) == [
        "the steps of order-latency have changed since",
        "the SLO order-latency has changed since",
        "the target has changed since",
    ]


def test_risk_is_the_gap_then_whom_it_calls_then_the_objective_then_the_age():
    def hole(gap, severity, objective=None, over=0.0):
        return Hole(gap, "slo", "x", "", Close(), severity, objective, over)

    ranked = [
        hole(Gap.WRONG, "page", 99.0),
        hole(Gap.NEVER, "page", 99.9),
        hole(Gap.NEVER, "page", 99.0),
        hole(Gap.NEVER, "page"),
        hole(Gap.WRONG, "ticket", 99.99),
        hole(Gap.UNPROVED, "page", 99.0),
        hole(Gap.OLD, "page", 99.0, 3.0),
        hole(Gap.OLD, "page", 99.0, 1.5),
        hole(Gap.OLD, "ticket", 99.99),
        hole(Gap.UNTRIED, "page"),
    ]
    mixed = ranked[5:] + ranked[:5][::-1]
    assert sorted(mixed, key=lambda one: one.rank) == ranked
    assert [one.risk for one in ranked] == [Risk.HIGH] * 4 + [Risk.MEDIUM] * 4 + [Risk.LOW] * 2


def test_ci_may_ask_for_a_target_without_holes_of_a_risk(with_controls):
    found = covered(with_controls(NO_RUNBOOK))
    low = replace(found, holes=tuple(hole for hole in found.holes if hole.risk is Risk.LOW))
    assert low.holes
    ends = [(found, None), (found, Risk.HIGH), (low, Risk.HIGH), (low, Risk.MEDIUM), (low, Risk.LOW)]
    assert [run.Covered(one, (), risk).exit_code.value for one, risk in ends] == [0, 1, 0, 0, 1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fail_on": "hihg"}, "--fail-on: no risk 'hihg'; did you mean 'high'?"),
        ({"folders": [Path("nowhere")]}, "--runbooks: nowhere is no folder"),
    ],
)
def test_a_wrong_word_is_refused_with_what_there_is(tmp_path, options, said):
    with pytest.raises(InputError) as error:
        run.run([tmp_path], **options)
    assert str(error.value).startswith(said)


TARGET = """
apiVersion: flashcrowd/v1
kind: Target
metadata: {name: staging}
spec:
  environment: staging
  allow_hosts: [127.0.0.1]
  max_viewers: 10
  components:
    cart: {probe: "http://127.0.0.1:1/healthz", link: {toxiproxy: "http://127.0.0.1:1", proxy: cart}}
    mail: {probe: "http://127.0.0.1:1/healthz"}
"""
SLOS = """
version: prometheus/v1
service: cart
slos:
  - name: cart-errors
    objective: 99.9
    sli: {raw: {error_ratio_query: "up[{{.window}}]"}}
    alerting: {name: CartErrorBurn, annotations: {runbook: cart-errors}}
  - name: cart-speed
    objective: 95
    sli: {raw: {error_ratio_query: "up[{{.window}}]"}}
    alerting: {name: CartSpeedBurn, page_alert: {disable: true}}
"""


def test_a_target_of_ones_own_has_its_own_components_slos_and_runbooks(rehearsed, tmp_path):
    (tmp_path / "staging.yaml").write_text(TARGET)
    (tmp_path / "slos.yaml").write_text(SLOS)
    (tmp_path / "own").mkdir()
    shutil.copy(catalogue.find(SLO).file, tmp_path / "own" / "cart-speed.md")
    made = asked(
        rehearsed(),
        target_file=tmp_path / "staging.yaml",
        slo_files=[str(tmp_path / "slos.yaml")],
        folders=[tmp_path / "own"],
    )
    assert len(made.said) == 1
    assert "left out: it is of embedded storefront" in made.said[0]
    found = made.found
    assert (found.subject.name, found.cells) == ("staging", ())
    assert [(hole.risk.value, hole.kind, hole.name, hole.severity) for hole in found.holes] == [
        ("high", "alert", "CartErrorBurn", "page"),
        ("high", "slo", "cart-errors", "page"),
        ("high", "component", "cart", "page"),
        ("high", "component", "mail", "page"),
        ("high", "runbook", "cart-speed", "page"),
        ("medium", "slo", "cart-speed", "ticket"),
    ]
    assert (
        found.holes[0].text
        == "CartErrorBurn names cart-errors, which can't be read here; give its folder with --runbooks"
    )
    assert found.holes[1].close.step[1:] == (
        "  fault: {kind: network.latency, on: cart, delay: 800ms,",
        "    jitter: 50ms, share: 30 %, for: 60s}",
        "  expect: {slo: cart-errors, detected_within: 30s,",
        "    runbook: cart-errors}",
    )
    assert found.holes[3].close.first == "give the target file a component with a process or a link"


def test_an_slo_that_calls_nobody_is_hit_where_its_own_figures_say_so(rehearsed, monkeypatch):
    monkeypatch.setattr(row, "severity", lambda slo: "ticket")
    found = covered(rehearsed(expect="", paged=None, recovered=None))
    (cell,) = found.cells
    assert (cell.slo, cell.latest.severity, cell.latest.expected) == (SLO, "ticket", False)
    assert (chain_of(found), words.state(found, cell), words.figures(cell)[2:]) == (None, "hit", ("ticket", "-", "-"))


def test_each_step_that_is_proposed_is_one_that_a_plan_may_have(tmp_path):
    about = embedded()
    slo = about.slo(SLO)
    lines = [line for name, kinds in about.kinds.items() for kind in kinds for line in step(kind, name, slo)]
    file = tmp_path / "plan.yaml"
    file.write_text(
        "apiVersion: flashcrowd/v1\nkind: GameDay\nmetadata: {name: all}\nspec:\n  target: embedded\n"
        "  slos: [storefront]\n  load: {scenario: live-commerce, viewers: 1000, over: 1s, hold: 200s}\n  steps:\n"
        + "".join(f"    {line}\n" for line in lines)
    )
    assert len(prepare(str(file)).plan.spec.steps) == sum(len(kinds) for kinds in about.kinds.values()) > 40
    assert max(map(len, lines)) <= 66


def test_a_page_for_people_is_told_as_one(tmp_path):
    (tmp_path / "slos.yaml").write_text(SLOS.replace("runbook: cart-errors", 'runbook: "https://wiki/cart"'))
    (page,) = subject(None, [], [str(tmp_path / "slos.yaml")], []).pages[-1:]
    assert page == Page("https://wiki/cart", None, "is a page for people, which no game day can follow")


@pytest.mark.parametrize("story", [{}, {"expect": "", "paged": None}, {"paged": None}, {"interrupted": 80.0}])
def test_it_is_told_on_a_terminal_and_in_a_wiki(rehearsed, story):
    found = covered(rehearsed(**story))
    told = text.write(found)
    assert max(map(len, told.splitlines())) <= 80
    assert f"\n  {LATENCY} " in told
    wiki = markdown.write(found)
    assert wiki.startswith("# Coverage of embedded storefront\n")
    assert f"\n| {LATENCY} | " in wiki
    assert wiki.count("```") == 2 * sum(bool(hole.close.command or hole.close.step) for hole in found.holes)


def test_programs_get_one_document(rehearsed):
    told = CliRunner().invoke(cli.main, ["gameday", "coverage", str(rehearsed().path), "--json", "--fail-on", "high"])
    assert told.exit_code == 1
    data = json.loads(told.stdout)
    assert (data["matrix"][0]["fault"], data["holes"][0]["risk"]) == (LATENCY, "high")


def test_without_any_game_day_all_is_a_hole_and_no_reason_to_fail(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(cli.main, ["gameday", "coverage"])
    assert (told.exit_code, "no game day has been played yet" in told.output) == (0, True)
    assert "flashcrowd gameday run all-triads --with-controls" in told.output
