from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitors import slo_files
from monitors.gate import run as gate_run
from monitors.lint import run as lint_run
from monitors.lint.queries import findings

FILE = """\
version: prometheus/v1
service: shop
slos:
  - name: orders
    objective: 99
    sli:
      events:
        error_query: '{errors}'
        total_query: '{total}'
    alerting: {{name: OrderBurn}}
"""
ERRORS = 'sum(rate(orders_total{outcome="error"}[{{.window}}]))'
TOTAL = "sum(rate(orders_total[{{.window}}]))"
BY = "sum by (code) ("


def written(tmp_path: Path, errors: str = ERRORS, total: str = TOTAL) -> str:
    file = tmp_path / "slo.yaml"
    file.write_text(FILE.format(errors=errors, total=total))
    return str(file)


def told(tmp_path: Path, errors: str = ERRORS, total: str = TOTAL) -> list[str]:
    warnings = slo_files.load([written(tmp_path, errors, total)]).warnings
    return [str(problem).partition("slo.yaml:")[2] for problem in warnings]


@pytest.mark.parametrize(
    ("query", "finding"),
    [
        ("sum(x_total) / sum(rate(x_total[{{.window}}]))", "x_total is a counter by its name: without a range"),
        ("sum(rate(queue_length[{{.window}}]))", "rate of queue_length, a gauge by its name"),
        ("sum(delta(x_total[{{.window}}]))", "delta is for gauges, and x_total is a counter"),
        ("sum(sum_over_time(x_total[{{.window}}]))", "sum_over_time is for gauges, and x_total is a counter"),
        ("rate(sum(x_total)[{{.window}}:])", "rate over a sum takes the restart of one instance"),
        ("rate(sum(rate(x_total[1m]))[{{.window}}:])", "rate of a rate"),
        ("sum(irate(x_total[{{.window}}]))", "irate looks at the last two samples"),
        ("sum(rate(x_total[{{.window}}])) - sum(rate(y_total[5m]))", "looks at 5m whatever window is judged"),
        ("histogram_quantile(0.9, sum by (le) (rate(x_bucket[{{.window}}])))", "a quantile is a latency"),
        ("sum(rate(x_bucket[{{.window}}]))", "x_bucket without le counts an event once in each bucket"),
        ('sum(rate(x_total{code="5.."}[{{.window}}]))', 'code="5.." compares the text itself; for a pattern write =~'),
        ('sum(rate(x_total{code!="a|b"}[{{.window}}]))', "for a pattern write !~"),
        ("sum(rate(x_total[{{.window}}] offset 1h))", "x_total is looked at at another time"),
        ("sum by (a) (rate(x_total[{{.window}}])) / sum(rate(y_total[{{.window}}]))", "/ pairs series by their labels"),
    ],
)
def test_a_query_that_cant_work_is_told(query: str, finding: str) -> None:
    (found,) = findings(query)
    assert found.startswith(finding) or finding in found


@pytest.mark.parametrize(
    "query",
    [
        ERRORS,
        'sum(rate(x_count[{{.window}}])) - sum(rate(x_bucket{le="0.5"}[{{.window}}]))',
        "histogram_fraction(0, 0.5, sum(rate(x_size[{{.window}}])))",
        "sum_over_time((count(ratio < 0.75))[{{.window}}:]) OR on() vector(0)",
        "sum(count_over_time((histogram_quantile(0.9, sum by (le) (rate(x_bucket[1m]))) > 5)[{{.window}}:1m]))",
        "slo:sli_error:ratio_rate{{.window}}",
        "increase(job:orders_total:sum[{{.window}}])",
        "sum by (a) (rate(x_total[{{.window}}])) / on (a) group_left () sum by (a, b) (rate(y_total[{{.window}}]))",
        'sum(rate(x_total{instance="[::1]:9090",path="/a.b"}[{{.window}}]))',
        "1 - sum(rate(x_total[{{.window}}])) / scalar(sum(rate(y_total[{{.window}}])))",
    ],
)
def test_a_sound_query_is_left_alone(query: str) -> None:
    assert findings(query) == []


def test_the_built_in_slos_are_sound() -> None:
    assert slo_files.load(slo_files.builtin_names()).warnings == ()


def test_findings_have_the_place_of_their_query(tmp_path: Path) -> None:
    assert told(tmp_path, ERRORS.replace('="error"', '="err.*"')) == [
        '8: slos[0].sli.events.error_query: outcome="err.*" compares the text itself; for a pattern write =~'
    ]


@pytest.mark.parametrize(
    ("errors", "total", "finding"),
    [
        (ERRORS.replace("sum(", BY), TOTAL, "8: slos[0].sli.events.error_query: keeps the labels code and"),
        (ERRORS.replace("sum(", BY), TOTAL.replace("sum(", BY), "9: slos[0].sli.events.total_query: keeps the"),
        (ERRORS[4:-1], TOTAL[4:-1], "8: slos[0].sli.events.error_query: isn't summed"),
        (TOTAL, TOTAL, "8: slos[0].sli.events.error_query: is total_query: every event is bad"),
        (ERRORS, f"{TOTAL} or vector(0)", "9: slos[0].sli.events.total_query: makes 0 events of no data"),
    ],
)  # fmt: skip
def test_both_queries_are_looked_at_together(tmp_path: Path, errors: str, total: str, finding: str) -> None:
    (line,) = told(tmp_path, errors, total)
    assert line.startswith(finding)


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.sampled_from(["x_total", "up", "rate(x[5m])", "vector(1)", "1", 'x_bucket{le="1"}', "x[5m:]", "scalar(x)"]),
        lambda inner: st.one_of(
            st.builds(
                "({}) {} ({})".format, inner, st.sampled_from(["+", "/", "or", "and", "> bool", "unless"]), inner
            ),
            st.builds("{}({})".format, st.sampled_from(["sum", "abs", "absent", "-", "sum by (a)"]), inner),
            st.builds("max_over_time(({})[1h:1m])".format, inner),
            st.builds("topk(2, {})".format, inner),
        ),
        max_leaves=6,
    )
)
def test_whatever_parses_can_be_looked_at(query: str) -> None:
    from monitors.lint.slos import findings_of_events
    from monitors.promql import syntax_fault

    if syntax_fault(query) is None:
        assert len(findings(query)) == len(set(findings(query)))
        assert isinstance(list(findings_of_events(query, query)), list)


async def lines(tmp_path: Path, url: str, errors: str, total: str = TOTAL) -> list[str]:
    found = await lint_run.run([written(tmp_path, errors, total)], url)
    return [str(problem).partition("slo.yaml:")[2].partition(": ")[2].partition(": ")[2] for problem in found]


async def test_a_server_knows_series_labels_and_values(tmp_path: Path, bench) -> None:  # type: ignore[no-untyped-def]
    assert await lines(tmp_path, bench.url, ERRORS) == []
    missing = await lines(tmp_path, bench.url, ERRORS.replace("orders_total", "order_total"))
    assert missing == ["no series is called order_total; did you mean 'orders_total'?"]
    label = await lines(tmp_path, bench.url, ERRORS.replace("outcome", "outcom"))
    assert label == ["no series of orders_total has the label outcom; did you mean 'outcome'?"]
    value = await lines(tmp_path, bench.url, ERRORS.replace('="error"', '=~"late|lost"'))
    assert value == ['no series of orders_total has outcome=~"late|lost" so far; there are: error, ok']


async def test_a_bucket_that_isnt_there_is_told_with_those_that_are(tmp_path: Path, bench) -> None:  # type: ignore[no-untyped-def]
    name = "checkout_seconds"
    count = f"sum(rate({name}_count[{{{{.window}}}}]))"
    bucket = f'sum(rate({name}_bucket{{le="%s"}}[{{{{.window}}}}]))'
    (line,) = await lines(tmp_path, bench.url, f"{count} - {bucket % '0.4'}", count)
    assert line == f'{name}_bucket has no bucket le="0.4", so that this gives nothing; its edges: 0.25, 0.5, 1.0, +Inf'
    assert await lines(tmp_path, bench.url, f"{count} - {bucket % '0.5'}", count) == []


async def test_a_server_knows_what_is_a_gauge(tmp_path: Path, bench) -> None:  # type: ignore[no-untyped-def]
    found = await lines(tmp_path, bench.url, ERRORS, "sum(rate(carts[{{.window}}]))")
    assert found == ["rate of carts, which the server says is a gauge, takes each fall for a restart"]


async def test_check_tells_them_too(tmp_path: Path, bench) -> None:  # type: ignore[no-untyped-def]
    file = written(tmp_path, ERRORS.replace("sum(rate", "sum(irate"))
    found = await gate_run.run([file], bench.url, "5m")
    assert any("slo.yaml:8: slos[0].sli.events.error_query: irate looks" in line for line in found.warnings)
