"""What the report says to somebody who has never seen the tool, and where each of its claims leads."""

from __future__ import annotations

import re
from html import unescape

import pytest

from gamedays import gameday
from gamedays.report import charts, effects, html, reproduce
from gamedays.report.charts import clockwork
from gamedays.report.charts.line import Line
from gamedays.report.charts.look import looks
from gamedays.report.charts.panels import panels
from gamedays.report.judged import GROUPS, groups
from gamedays.verbs import rejudge

START = 1_800_000_000.0


def words(page: str, tag: str = "header") -> str:
    """The texts of a part of the page, one space between two."""
    part = page[page.index(f"<{tag}") : page.index(f"</{tag}>")]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", part)).replace("\u00a0", " ").split())


def test_the_first_screen_answers_what_everybody_asks(judged):
    ended = judged()
    told = words(html.write(ended.story, ended.verdict))
    assert "Passed friday" in told
    assert "network.latency on inventory, 800 ms for 1m seen: p50 811 ms" in told
    assert "OrderLatencyBurn, after 7.0 s" in told
    assert "reserve-blocks runbook order-latency: because of inventory-slow; recovered" in told
    assert "after 16 s order-latency, 44 s before it healed" in told
    assert "What to do next: Rehearse it as a control too" in told


@pytest.mark.parametrize(
    ("story", "said"),
    [
        ({"recovered": None}, "no recovery order-latency: not before the fault healed"),
        ({"recovered": None}, "The rehearsal failed: order-latency: no recovery within 35 s"),
        ({"paged": None, "recovered": None}, "nobody was paged nothing was done no recovery order-latency: not told"),
        ({"injected": False, "paged": None}, "was never injected – – –"),
        ({"bit": False}, "did not bite: p50 9 ms"),
        ({"heal": "failed"}, "STILL BROKEN: the proxy is gone"),
        ({"control": "no-runbook", "recovered": None}, "nothing was done order-latency was withheld"),
        ({"control": "no-fault", "paged": None}, "Nothing was broken on purpose: this run is the control"),
        ({"control": "no-fault"}, "Paged while nothing was broken: OrderLatencyBurn at 00:57"),
        ({"interrupted": 63.0}, "Undecided friday The rehearsal decides nothing: interrupted at 01:05 of 02:00"),
    ],
)
def test_the_first_screen_says_it_when_something_is_missing(judged, monkeypatch, story, said):
    monkeypatch.setattr(charts, "draw", lambda _: charts.Timeline())  # of words alone
    ended = judged(**story)
    assert said in words(html.write(ended.story, ended.verdict))


def test_the_credit_is_shown_where_controls_were_played(with_controls):
    run = with_controls({"control": "no-runbook", "recovered": None})
    (row,) = effects.effects(gameday.judge(run.path).story)
    assert row.credit is not None
    assert row.credit.text == "the runbook's"


def test_every_finding_leads_to_what_it_was_judged_by(judged):
    ended = judged(lost=2, recovered=None)
    rows = {row.finding.name: row for group in groups(ended.story, ended.verdict) for row in group.rows}
    assert set(rows) == {finding.name for finding in ended.verdict.findings}
    assert len({row.slug for row in rows.values()}) == len(rows)
    outside = rows["slo/order-latency/outside"].source
    assert outside.asked[0].query == ended.story.slo("order-latency").ratio_query(3.0)
    detected = rows["expect/order-latency/detected"].source.asked[0]
    assert detected.query == 'ALERTS{alertname="OrderLatencyBurn",alertstate="firing"}'
    assert detected.start == "2027-01-15T08:00:50.000Z"
    assert rows["invariant/lost"].source.files == reproduce.ORDERS
    assert len(rows["invariant/lost"].orders) == 2
    assert all(row.source.asked or row.source.files for row in rows.values())
    assert groups(ended.story, ended.verdict)[0].title == GROUPS["run"]


def test_a_run_without_series_is_charted_from_its_orders(judged):
    story = judged(prometheus_lost=70.0).story
    shown = {panel.key: panel for panel in panels(story)}
    assert set(shown) == {"orders", "order-latency"}
    assert [line.name for line in shown["orders"].lines] == ["accepted", "rejected", "unknown"]


def test_a_load_alone_has_a_report_too(tmp_path, rehearsed):
    run = rehearsed()
    run.write_json("manifest.json", {"run": run.name, "scenario": "flash-sale", "viewers": 120, "orders": True})
    counts = {str(int(START) + second): 5 for second in range(20)}
    request = {"name": "order", "method": "POST", "num_requests": 100, "num_failures": 2, "response_times": {"9": 100}}
    run.write_json("load/stats.json", [{**request, "num_reqs_per_sec": counts, "num_fail_per_sec": {}}])
    (path,) = rejudge.report(run.path)
    page = path.read_text()
    told = words(page)
    assert "100, 2 failed" in told
    assert "flash-sale · 120 viewers · a load alone · 2027-01-15T08:00:00.000Z" in told
    assert 'data-chart="requests"' in page
    assert 'data-chart="order-latency"' in page


def test_no_peak_is_lost_in_a_long_run():
    line = Line.of("p99", ((float(at), 9.0 if at == 7777 else 1.0) for at in range(10_000)))
    assert line is not None
    thin = line.thinned(400)
    assert len(thin.values) <= 400
    assert max(value for value in thin.values if value is not None) == 9.0
    (peak,) = [at for at, value in thin.points() if value == 9.0]
    assert abs(peak - 7777) <= thin.step * 2
    assert thin.end == pytest.approx(line.end, abs=2 * thin.step)


def test_a_line_runs_over_a_missed_scrape_and_breaks_where_there_were_no_data():
    line = Line.of("p99", [(0.4, 1.0), (1.4, float("nan")), (2.4, 2.0), (12.4, 3.0)])
    assert line is not None
    assert line.points() == [(0.4, 1), (2.4, 2), (11.4, None), (12.4, 3)]
    assert line.folded(0, 5, "max") == 2
    assert line.folded(5, 10, "mean") is None
    assert Line.of("none", [(1.0, None), (2.0, float("inf"))]) is None


def test_a_raw_line_has_the_colour_of_its_own_and_the_fifth_is_dashed():
    found = looks(["p50", "p99", "p99 raw", "a", "b", "c"])
    assert found["p99 raw"].colour == found["p99"].colour
    assert found["p99 raw"].dash != found["p99"].dash
    assert (found["c"].colour, found["c"].dash) == (found["p50"].colour, found["p99 raw"].dash)


@pytest.mark.parametrize(("seconds", "step"), [(20, 2), (216, 30), (10_800, 1800), (1e6, 28800)])
def test_time_is_marked_as_a_clock_has_it(seconds, step):
    found = clockwork.ticks(0, seconds, 10)
    assert found[1] - found[0] == step
