from __future__ import annotations

from collections.abc import Callable

import pytest

from monitors import windows
from monitors.course import SCRAPE, Course, open_metrics, replayed
from monitors.slo import Slo

GOOGLE = windows.find("google-30d")
START = 1_800_000_000.0


@pytest.fixture
def course(events_slo: Callable[..., Slo]) -> Callable[..., Course]:
    """A minute of 40 events a second, all good, then one with a quarter of them bad."""

    def made(**changes: object) -> Course:
        rows = tuple((START + number, 0.0 if number < 60 else 10.0, 40.0) for number in range(120))
        fields = {"slo": events_slo(), "rows": rows, "step": 1.0, "traffic": 20.0, "prefix": 300.0}
        return Course(**{**fields, "level": (10.0, 40.0), "since": START + 60, **changes})

    return made


def test_its_counters_go_through_the_healthy_past_the_record_and_the_level_after_it(course):
    samples = list(course().samples(60))
    times = [at for at, _, _ in samples]
    assert times == [START - 300 + number * SCRAPE for number in range(33)]
    counted = {at - START: (bad, total) for at, bad, total in samples}
    assert counted[-300] == (0, 0)
    assert counted[-15] == (0, 285 * 20)
    assert counted[0] == (0, 6000)
    assert counted[60] == (0, 6000 + 2400)
    assert counted[120] == (600, 6000 + 4800)
    assert counted[180] == (1200, 6000 + 7200)


def test_a_second_of_which_nobody_knows_is_a_scrape_that_is_missing(course):
    rows = [*course().rows]
    rows[10:35] = [(at, None, None) for at, _, _ in rows[10:35]]
    samples = {at - START: total for at, _, total in course(rows=tuple(rows)).samples(0)}
    assert sorted(at for at in samples if at >= 0) == [0, 45, 60, 75, 90, 105, 120]
    assert samples[45] == 6000 + 20 * 40


def test_its_level_goes_on_until_the_quickest_pair_cannot_miss_it(course):
    pages = GOOGLE.pairs[:2]
    half = course(traffic=40.0).horizon(pages)  # 25 % bad: an hour needs 14.4 % of them, 34.6 min
    assert 60 * 35 < half < 60 * 45
    slow = course(traffic=40.0, level=(4.0, 40.0)).horizon(pages)  # 10 %: no page of 14.4, one of 6 after 216 min
    assert 60 * 216 < slow < 60 * 280
    busier_before = course(traffic=4000.0).horizon(pages)
    assert half < busier_before <= 3600 + 300 + 60
    assert course(level=(2.0, 40.0)).horizon(pages) >= 6 * 3600


def test_the_file_names_each_counter_once_and_its_samples_in_order(course):
    lines = list(open_metrics([(course(), 0, -START), (course(), 30, 1e6 - START)]))
    assert [line for line in lines if line.startswith("#")] == [
        "# TYPE flashcrowd_sli_bad counter",
        "# TYPE flashcrowd_sli_all counter",
        "# EOF",
    ]
    totals = [float(line.split()[2]) for line in lines if line.startswith("flashcrowd_sli_all_total ")]
    assert totals == sorted(totals)
    assert len(totals) == 2 * 29 + 2


def test_only_the_source_of_an_slo_is_replaced(course):
    slo = course().slo
    assert replayed(slo).sli != slo.sli
    assert replayed(slo).model_copy(update={"sli": slo.sli}) == slo
