from __future__ import annotations

import pytest

from monitors.counting.selectors import Selector, breaks, selectors
from monitors.counting.thresholds import Around, Threshold, around, instead, thresholds

LE = Threshold("0.3", "b{}", True)
QUANTILE = Threshold("0.3", "b{}", False)
EDGES = ("0.1", "0.25", "0.5", "1.0", "+Inf")


def test_a_query_reads_its_selectors() -> None:
    query = 'sum(rate(a{x="y"}[5m] offset 1m)) - increase(b[5m]) + max_over_time(c[5m]) + d + rate(e[5m] @ 0)'
    assert selectors(query) == (
        Selector('a{x="y"}', True, " offset 1m"),
        Selector("b", True),
        Selector("c", False),
        Selector("d", False),
    )
    first = selectors(query)[0]
    assert first.now() == 'a{x="y"} offset 1m'
    assert first.over(7.5, "end()") == 'a{x="y"}[7s500ms] @ end() offset 1m'


@pytest.mark.parametrize(
    ("query", "operator"),
    [
        ('sum(rate(a{outcome="error"}[5m]))', None),
        ("sum(rate(a[5m])) or vector(0)", None),
        ("sum(rate(a[5m])) / 300", None),
        ("sum(rate(all[5m])) - sum(rate(good[5m]))", "-"),
        ("sum(rate(refused[5m]) + rate(late[5m]))", "+"),
    ],
)
def test_a_query_may_give_nothing_for_want_of_a_side(query: str, operator: str | None) -> None:
    assert breaks(query) == operator


def test_latencies_that_a_query_asks_for_are_found() -> None:
    query = 'sum(rate(b_count[5m])) - sum(rate(b_bucket{le="0.5",job="shop"}[5m]))'
    assert thresholds(query) == (Threshold("0.5", 'b_bucket{job="shop"}', True),)
    for text in (
        "histogram_quantile(0.99, sum by (le) (rate(b[5m]))) > bool 0.30",
        "(histogram_quantile(0.9, b)) <= 0.3",
    ):
        (found,) = thresholds(text)
        assert (found.text, found.matcher) == ("0.3", False)
    assert thresholds("1000 * histogram_quantile(0.9, b) > 300")[0].text is None
    assert thresholds('rate(b{le=~"0.5|1"}[5m])') == thresholds("rate(a[5m])") == ()


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (LE, Around("0.25", "0.5")),
        (Threshold("0.05", "b{}", True), Around(None, "0.1")),
        (Threshold("3", "b{}", True), Around("1.0", "+Inf")),
        (Threshold("0.5", "b{}", True), None),
        (Threshold("1", "b{}", True), Around("1.0", "1.0")),
        (QUANTILE, Around("0.25", "0.5")),
        (Threshold("1", "b{}", False), None),
    ],
)
def test_the_edges_around_a_threshold(threshold: Threshold, expected: Around | None) -> None:
    assert around(threshold, EDGES) == expected


def test_an_edge_takes_the_place_of_the_threshold_and_of_nothing_else() -> None:
    query = "rate(b{le='0.3', x=\"0.3\"}[5m]) > 0.3"
    assert instead(query, LE, "0.5") == 'rate(b{le="0.5", x="0.3"}[5m]) > 0.3'
    query = "histogram_quantile(0.30, rate(b[5m])) > bool 0.30 and x > 0.31"
    assert instead(query, QUANTILE, "+Inf") == "histogram_quantile(0.30, rate(b[5m])) > bool Inf and x > 0.31"
