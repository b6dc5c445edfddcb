from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from typer.testing import CliRunner

import cli
from flashcrowd.errors import InputError, NeedError
from flashcrowd.verdict import Outcome, Verdict
from gamedays import gameday
from gamedays.judging import production
from gamedays.judging.production import Detection, Noticed, Production
from gamedays.report import detection, html, markdown, terminal
from gamedays.story.story import read_story
from gamedays.verbs import replay_run
from monitors import replay
from monitors.replay import Firing

START = 1_800_000_000.0
PAGED = Firing("OrderLatencyBurn", "page", "1h", "5m", START + 50 + 900)
TICKET = Firing("OrderLatencyBurn", "ticket", "1d", "2h", START + 50 + 1000)
QUICKLY = Firing("OrderLatencyBurn", "page", "6h", "30m", START + 50 + 30)


@pytest.fixture
def canned(monkeypatch):
    """Has replays give these firings, after the prefix and on the run's own history; returns the courses asked for."""

    def answer(after_prefix, alone=(QUICKLY,)):
        asked = []

        async def replayed(courses, policy):
            asked.extend(courses)
            return [list(firings) for _ in courses[::2] for firings in (after_prefix, alone)]

        monkeypatch.setattr(production, "_replay", replayed)
        return asked

    return answer


def of_order_latency(found: Production) -> Detection:
    return next(one for one in found.detections if one.slo == "order-latency")


async def test_a_mitigated_fault_goes_on_as_if_nobody_had_mitigated_it(rehearsed, canned):
    asked = canned([PAGED, TICKET])
    found = await production.save(read_story(rehearsed()))
    after_days, alone = asked
    assert (after_days.prefix, alone.prefix) == (3 * 86400, 0)
    assert after_days.level == pytest.approx((20, 40))
    assert after_days.traffic == pytest.approx(40)
    assert (after_days.end, after_days.since) == (START + 66, START + 50)
    one = of_order_latency(found)
    assert (one.onset, one.until, one.recovered) == (START + 50, START + 66, True)
    assert (one.live, one.production, one.alone) == (Noticed(7.0, None), Noticed(900, "1h/5m"), Noticed(30, "6h/30m"))
    assert one.ticket is None, "it comes after the page"
    assert not one.in_time
    assert one.missing == pytest.approx(900 - 60.2)
    assert [other.onset for other in found.detections if other is not one] == [None, None]


async def test_a_fault_that_nobody_mitigates_is_bad_until_it_is_healed(rehearsed, canned):
    asked = canned([PAGED])
    one = of_order_latency(await production.save(read_story(rehearsed(recovered=None))))
    assert (one.until, one.recovered) == (pytest.approx(START + 110.2), False)
    assert asked[0].end == START + 111


@pytest.mark.parametrize(("later", "times"), [(5.0, 1), (100.0, 2)])
async def test_what_one_fault_is_expected_to_spoil_is_not_told_of_another_beside_it(rehearsed, canned, later, times):
    canned([PAGED])
    story = read_story(rehearsed())
    (fault,) = story.faults
    step = fault.step.model_copy(update={"expect": None})
    other = replace(
        fault, name="process.pause on origin", step=step, injected=fault.injected + later, ended=fault.ended + later
    )
    found = await production.save(replace(story, faults=(fault, other)))
    assert [one.slo for one in found.detections].count("order-latency") == times


async def test_a_page_before_the_healing_is_in_time(rehearsed, canned):
    canned([QUICKLY])
    one = of_order_latency(await production.save(read_story(rehearsed())))
    assert (one.in_time, one.missing) == (True, 0)


async def test_what_was_found_can_be_read_again(rehearsed, canned):
    canned([PAGED])
    run = rehearsed()
    assert production.load(run) is None
    found = await production.save(read_story(run))
    assert production.load(run) == found
    run.write_json(production.FILE, {"policy": "google-30d", "prefix": 1, "detections": [{"of": "another version"}]})
    assert production.load(run) is None


@pytest.mark.parametrize(
    ("story", "firings", "within", "outcome"),
    [
        ({}, [PAGED], None, Outcome.PASS),
        ({}, [PAGED], 1200, Outcome.PASS),
        ({}, [PAGED], 600, Outcome.FAIL),
        ({}, [TICKET], None, Outcome.FAIL),
        ({"paged": None}, [TICKET], None, Outcome.PASS),
        ({"paged": None}, [TICKET], 600, Outcome.FAIL),
        ({"prometheus_lost": 70.0}, [PAGED], None, Outcome.INCONCLUSIVE),
        ({"injected": False, "paged": None}, [PAGED], None, Outcome.INCONCLUSIVE),
        ({"bit": False, "paged": None}, [PAGED], None, Outcome.INCONCLUSIVE),
    ],
    ids=[
        "paged in production too",
        "soon enough",
        "too late",
        "the rehearsal paged, production never does",
        "neither pages",
        "neither pages, and a page was wanted",
        "no data",
        "never injected",
        "spoiled nothing",
    ],
)
async def test_what_cannot_be_told_never_passes(rehearsed, canned, story, firings, within, outcome):
    canned(firings)
    found = await production.save(read_story(rehearsed(**story)))
    assert Verdict(tuple(detection.findings(found, within))).outcome is outcome


async def test_each_report_shows_both_figures_and_why_they_differ(rehearsed, canned):
    canned([PAGED])
    run = rehearsed()
    before = gameday.judge(run.path)
    assert "Detection" not in markdown.write(before.story, before.verdict)
    await production.save(before.story)
    ended = gameday.judge(run.path)
    told = " ".join(terminal.write(ended.story, ended.verdict).split())
    assert "order-latency: live after 7.0 s, in production after 15 min (1h/5m), not in time" in told
    page = html.write(ended.story, ended.verdict).replace("\u00a0", " ")
    for text in (page, markdown.write(ended.story, ended.verdict)):
        assert "Detection" in text
        assert "after 7.0 s" in text
        assert "after 15 min (1h/5m), not in time" in text
        assert "the fault was in place for 60 s, and would have had to last 14 min longer at this level" in text
        assert "would have paged after 30 s (6h/30m): a window of hours that holds minutes flatters" in text
        assert "after 3 days of healthy traffic" in text


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 0, "production after 15 min (1h/5m), not in time"),
        (["--within", "20m"], 0, "live after 7.0 s"),
        (["--within", "10m"], 1, "FAIL production/order-latency: network.latency on inventory: live after 7.0 s"),
        (["--json"], 0, '"policy": "google-30d"'),
    ],
)
def test_the_command_says_both_and_ends_with_a_code(rehearsed, canned, words, code, said):
    canned([PAGED])
    run = rehearsed()
    ended = CliRunner().invoke(cli.main, ["slo", "replay", str(run.path), *words])
    assert ended.exit_code == code, ended.output
    assert said in " ".join(ended.stdout.split())
    assert production.load(run) is not None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--within", "soon"], "--within: 'soon' is not a duration"),
        (["--windows", "google-31d"], "no windows 'google-31d' built in"),
    ],
)
def test_wrong_words_are_named(rehearsed, words, message):
    ended = CliRunner().invoke(cli.main, ["slo", "replay", str(rehearsed().path), *words])
    assert isinstance(ended.exception, InputError)
    assert message in str(ended.exception)


def test_a_folder_that_is_no_run_and_a_machine_without_promtool_are_told_apart(rehearsed, tmp_path, monkeypatch):
    nothing = CliRunner().invoke(cli.main, ["slo", "replay", str(tmp_path / "nothing")])
    assert isinstance(nothing.exception, InputError)
    monkeypatch.setenv("PATH", str(tmp_path))
    without = CliRunner().invoke(cli.main, ["slo", "replay", str(rehearsed().path)])
    assert isinstance(without.exception, NeedError)
    assert "promtool not found on PATH" in str(without.exception)


def test_windows_made_small_are_named_as_a_reason():
    live = Noticed(5.5, "20s/5s", "1h/5m")
    one = Detection("f", "s", 99.0, 0.0, 60.0, 1.0, 60.0, False, 0.5, 40.0, live, Noticed(1040, "1h/5m"))
    assert "The rehearsal pages on 20s/5s, which stands for 1h/5m" in detection.why(one)


@pytest.mark.slow
async def test_replayed_on_a_real_prometheus_the_page_comes_when_an_hour_is_bad_enough(rehearsed):
    """Half of all orders are bad: 14.4 % of an hour are half of 17.28 minutes. The screen keeps to 80 columns."""
    if not replay.available():
        pytest.skip("no Prometheus and promtool here")
    run = rehearsed()
    done = await replay_run.run(run.path, "google-30d", "20m")
    one = of_order_latency(done.production)
    assert one.production is not None
    assert one.production.pair == "1h/5m"
    assert one.production.after == pytest.approx(17.28 * 60, abs=31)
    assert one.alone is not None
    assert one.alone.after < 60
    assert done.exit_code == 0
    lines = done.text(as_json=False).replace(str(run.path), "runs/x").splitlines()
    assert max(map(len, lines)) <= 80
    assert re.search(r"production +after 17 min \d+ s \(1h/5m\), not in time", "\n".join(lines))
    assert json.loads(done.text(as_json=True))["outcome"] == "pass"
