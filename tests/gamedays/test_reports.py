from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from flashcrowd.verdict import Finding, Outcome, Verdict
from gamedays import gameday
from gamedays.report import html, junit, markdown, paper, terminal

VOID = {"meta", "link", "br", "img", "hr", "input"}
STORIES = {
    "all goes well": {},
    "the runbook does not help": {"recovered": None},
    "the fault is left": {"heal": "failed"},
    "nothing to judge by": {"prometheus_lost": 70.0, "ledger": False, "figures": False},
    "interrupted": {"interrupted": 63.0},
    "control": {"control": "no-runbook", "recovered": None},
    "a long name": {"name": "the rehearsal before the great sale of the eleventh of November, second attempt"},
}


class WellFormed(HTMLParser):
    """Fails at a tag that is closed without being open, and collects what a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "action")]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check_page(page: str) -> WellFormed:
    parser = WellFormed()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    assert parser.tags.isdisjoint({"iframe", "object", "embed"})
    assert all(load.startswith(("data:", "#")) for load in parser.loads)
    assert not re.search(r"url\((?!#)|@import", re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL))
    assert "default-src 'none'" in page
    assert len(page.encode()) < 2_500_000
    return parser


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_the_last_screen_has_80_columns(judged, story):
    ended = judged(**story)
    text = terminal.write(ended.story, ended.verdict).replace(str(ended.run.path), "runs/x")
    assert max(map(len, text.splitlines())) <= 80, text
    assert text.splitlines()[0].endswith(ended.verdict.outcome.upper())
    assert "\x1b" not in text


def test_the_last_screen_shows_what_was_missed_before_what_to_do(judged):
    ended = judged(recovered=None)
    text = " ".join(terminal.write(ended.story, ended.verdict).split())
    missed = text.index("FAIL expect/order-latency/recovered: no recovery within 35 s")
    assert text.index("Orders 180 flash + 120 ordinary") < missed < text.index("Next Read the runbook's transcript")
    assert "50 %, not recovered" in text


def test_what_was_almost_held_is_not_shown_as_held(judged):
    ended = judged(bad_outside=0.00001)
    line = next(line for line in terminal.write(ended.story, ended.verdict).splitlines() if "order-latency  " in line)
    assert re.search(r"99 %\s+99\.999 %\s+pass", line)


@pytest.mark.parametrize("name", ["the runbook does not help", "nothing to judge by", "interrupted"])
def test_the_page_is_whole_and_offline(judged, name):
    story = STORIES[name]
    ended = judged(**story)
    page = html.write(ended.story, ended.verdict)
    parser = check_page(page)
    assert "svg" in parser.tags
    assert f"<h1>{paper.WORDS[ended.verdict.outcome]} " in page
    for finding in ended.verdict.findings:
        assert finding.name in page


def test_texts_of_a_run_are_not_taken_for_markup(rehearsed):
    run = rehearsed(name="<script>alert(1)</script>", aborted="a <b>|bold|</b> *reason*\nof two lines")
    (run.path / "metrics" / "charts.json").unlink()
    ended = gameday.judge(run.path)
    page = html.write(ended.story, ended.verdict)
    check_page(page)
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page
    text = markdown.write(ended.story, ended.verdict)
    assert not re.search(r"(?<!\\)<", text)
    assert r"a \<b>\|bold\|\</b> \*reason\* of two lines" in text


def test_what_was_not_covered_is_told_in_both_reports(rehearsed):
    run = rehearsed()
    run.record("alert", "page", at=1_800_000_080.0, alert="OrderErrorBurn", slo="order-availability", runbook=None)
    ended = gameday.judge(run.path)
    for text in (html.write(ended.story, ended.verdict), markdown.write(ended.story, ended.verdict)):
        assert "Alerts that fired without being expected: OrderErrorBurn at 01:20 under network.latency on inv" in text
        assert "Parts of the target on which no fault was seen: shop, live, stream, origin, events" in text


def test_every_row_of_a_markdown_table_has_the_columns_of_its_head(judged):
    ended = judged(aborted="up == 1 || down | x", recovered=None)
    for table in re.findall(r"(?:^\|.*\n)+", markdown.write(ended.story, ended.verdict), re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1, table


def test_junit_counts_failures_and_doubts_as_what_they_are(judged):
    ended = judged(recovered=None, saturated=3, ledger=False)
    suite = ElementTree.fromstring(junit.write(ended.story, ended.verdict))
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == [finding.name for finding in ended.verdict.findings]
    assert suite.get("tests") == str(len(cases))
    assert suite.get("failures") == str(len(suite.findall("testcase/failure"))) == "1"
    assert suite.get("errors") == str(len(suite.findall("testcase/error"))) == "2"
    assert suite.find("testcase/skipped") is None
    assert float(suite.get("time", "")) == 122.0


def test_junit_can_be_parsed_whatever_a_log_brought_into_a_message(judged):
    ended = judged()
    verdict = Verdict((Finding("a", Outcome.FAIL, "\x1b[31mred\x00 & <lost>\ud800"),))
    suite = ElementTree.fromstring(junit.write(ended.story, verdict).encode())
    assert "[31mred" in (suite.find("testcase/failure").get("message") or "")


def test_infinite_and_missing_values_leave_a_gap_in_the_picture(rehearsed):
    run = rehearsed()
    charts = run.read_json("metrics/charts.json")
    charts[2]["points"][5:8] = [
        [at, value] for (at, _), value in zip(charts[2]["points"][5:8], (float("inf"), float("nan"), 1.0), strict=True)
    ]
    run.write_json("metrics/charts.json", charts)
    ended = gameday.judge(run.path)
    assert "<svg" in html.write(ended.story, ended.verdict)


def test_reporting_again_gives_the_same_bytes(rehearsed):
    run = rehearsed()
    first = {path.name: path.read_bytes() for path in gameday.write_reports(gameday.judge(run.path))}
    assert set(first) == {"report.html", "report.md", "timeline.svg", "junit.xml"}
    again = {path.name: path.read_bytes() for path in gameday.write_reports(gameday.judge(run.path))}
    assert again == first


def test_the_verdict_for_machines_says_where_the_run_is(judged):
    ended = judged()
    told = json.loads(gameday.summary(ended, as_json=True))
    assert told["run"] == str(ended.run.path)
    assert told["outcome"] == "pass"
    assert Verdict.from_dict(told) == ended.verdict
