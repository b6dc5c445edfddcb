from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from flashcrowd.errors import DocumentError
from monitors import slo_files
from monitors.dialects import openslo_queries
from monitors.promql import Unit, unit
from monitors.slo import Slo
from monitors.slo_files import SloFiles

SOURCE = "metricSource: {type: Prometheus, spec: {query: '%s'}}"
RATED = 'sum(rate(orders_total{outcome="%s"}[{{.window}}]))'
ALL = "sum(rate(orders_total[{{.window}}]))"


def file(measured: str, objective: str = "target: 0.999", **fields: str) -> str:
    """An SLO; `measured` is its indicator and `fields` further lines of the spec, without their indentation."""
    spec = {
        "service": "shop",
        "indicator": f"{{metadata: {{name: i}}, spec: {{{measured}}}}}",
        "timeWindow": "[{duration: 30d, isRolling: true}]",
        "budgetingMethod": "Occurrences",
        "objectives": f"[{{{objective}}}]",
        **fields,
    }
    lines = [f"  {key}: {value}" for key, value in spec.items() if value]
    return "\n".join(["apiVersion: openslo/v1", "kind: SLO", "metadata: {name: orders}", "spec:", *lines, ""])


def ratio(counter: str = "true", **queries: str) -> str:
    parts = [f"{name}: {{{SOURCE % query}}}" for name, query in queries.items()]
    return f"ratioMetric: {{counter: {counter}, {', '.join(parts)}}}"


def threshold(query: str) -> str:
    return f"thresholdMetric: {{{SOURCE % query}}}"


def load(tmp_path: Path, text: str) -> SloFiles:
    path = tmp_path / "slo.yaml"
    path.write_text(text)
    return slo_files.load([str(path)])


def read(tmp_path: Path, text: str) -> Slo:
    (slo,) = load(tmp_path, text).slos
    return slo


def events(slo: Slo) -> tuple[str, str]:
    assert slo.sli.events is not None
    return slo.sli.events.error_query, slo.sli.events.total_query


def refused(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        load(tmp_path, text)
    return [str(problem).partition("slo.yaml:")[2] for problem in caught.value.problems]


def test_bad_and_total_are_the_events(tmp_path: Path) -> None:
    slo = read(tmp_path, file(ratio(bad=RATED % "error", total=ALL)))
    assert events(slo) == (RATED % "error", ALL)
    assert (slo.id, slo.objective) == ("shop-orders", 99.9)


def test_without_good_events_all_are_bad(tmp_path: Path) -> None:
    """`total - good` alone has no answer then, which reads as 0 bad events."""
    errors, _ = events(read(tmp_path, file(ratio(good=RATED % "ok", total=ALL))))
    assert errors == f"({ALL}) - (({RATED % 'ok'}) or 0 * ({ALL}))"


def test_a_counter_without_a_range_is_rated(tmp_path: Path) -> None:
    errors, total = events(read(tmp_path, file(ratio(bad='sum(o{a="b"} offset 5m) - sum(o)', total="sum(o)"))))
    assert errors == 'sum(rate(o{a="b"}[{{.window}}] offset 5m)) - sum(rate(o[{{.window}}]))'
    assert total == "sum(rate(o[{{.window}}]))"


@pytest.mark.parametrize(
    ("query", "rated"),
    [
        ("x", "rate(x[{{.window}}])"),
        ("sum(x_total) + sum(x)", "sum(rate(x_total[{{.window}}])) + sum(rate(x[{{.window}}]))"),
        ('sum by (x) (x{x="x"})', 'sum by (x) (rate(x{x="x"}[{{.window}}]))'),
    ],
)
def test_only_selectors_are_rated(query: str, rated: str) -> None:
    assert openslo_queries.rated(query) == rated


def test_a_label_of_the_same_name_is_not_taken_for_a_series() -> None:
    with pytest.raises(ValueError, match="can't be given a window"):
        openslo_queries.rated("sum(x) / on (x) sum(x)")


def test_a_gauge_is_looked_at_once_a_minute(tmp_path: Path) -> None:
    found = load(tmp_path, file(ratio("false", bad="sum(slow)", total="sum(all_of)")))
    assert events(found.slos[0]) == (
        "sum_over_time((sum(slow))[{{.window}}:1m])",
        "sum_over_time((sum(all_of))[{{.window}}:1m])",
    )
    fixed = load(tmp_path, file(ratio(bad="sum(rate(b[5m]))", total="sum(rate(t[5m]))")))
    assert len(fixed.warnings) == 2
    assert ":6: spec.indicator.spec.ratioMetric.bad.metricSource.spec.query: has a window of its own" in str(
        fixed.warnings[0]
    )


def test_a_raw_ratio_is_a_failure_or_a_success(tmp_path: Path) -> None:
    raw = "ratioMetric: {rawType: %s, raw: {" + SOURCE % "avg(bad_share[{{.window}}])".replace("avg(", "avg_over_time(")
    failure, success = (read(tmp_path, file(raw % kind + "}}")).sli.raw for kind in ("failure", "success"))
    assert failure is not None and success is not None
    assert failure.error_ratio_query == "avg_over_time(bad_share[{{.window}}])"
    assert success.error_ratio_query == "1 - (avg_over_time(bad_share[{{.window}}]))"


def test_a_raw_ratio_without_a_window_is_told(tmp_path: Path) -> None:
    found = load(tmp_path, file("ratioMetric: {rawType: failure, raw: {" + SOURCE % "share" + "}}"))
    assert found.slos[0].sli.raw is not None
    assert found.slos[0].sli.raw.error_ratio_query == "avg_over_time((share)[{{.window}}:1m])"
    assert "has no {{.window}}: its mean over the window is taken" in str(found.warnings[0])


@pytest.mark.parametrize(("op", "bad"), [("lt", ">="), ("lte", ">"), ("gt", "<="), ("gte", "<")])
def test_a_threshold_counts_samples_on_its_wrong_side(tmp_path: Path, op: str, bad: str) -> None:
    slo = read(tmp_path, file(threshold("sum(lag)"), f"op: {op}, value: 500, target: 0.9"))
    assert events(slo) == (
        f"sum(sum_over_time((((sum(lag)) <= Inf) {bad} bool 500)[{{{{.window}}}}:1m]))",
        "sum(count_over_time(((sum(lag)) <= Inf)[{{.window}}:1m]))",
    )
    assert unit(events(slo)[0]) is Unit.EVENTS


def test_time_slices_are_events(tmp_path: Path) -> None:
    objective = "target: 0.99, timeSliceTarget: 0.95, timeSliceWindow: 5m"
    indicator = ratio(bad=RATED % "error", total=ALL)
    errors, total = events(read(tmp_path, file(indicator, objective, budgetingMethod="Timeslices")))
    assert errors.endswith(" < bool 0.95)[{{.window}}:5m]))")
    assert "orders_total[5m]" in errors and "[{{.window}}])" not in errors
    assert unit(errors) is unit(total) is Unit.EVENTS
    sampled = file(threshold("lag"), f"op: lt, value: 5, {objective}", budgetingMethod="Timeslices")
    assert "(((lag) <= Inf) < bool 5)[5m:1m15s]" in events(read(tmp_path, sampled))[0]
    mean = read(tmp_path, file(indicator, objective, budgetingMethod="RatioTimeslices")).sli.raw
    assert mean is not None
    assert mean.error_ratio_query.startswith("1 - avg_over_time((")


def test_references_reach_over_files_whatever_their_order(tmp_path: Path) -> None:
    measured = ratio(bad=RATED % "error", total=ALL).replace("type: Prometheus", "metricSourceRef: ours")
    sli = f"apiVersion: openslo/v1\nkind: SLI\nmetadata: {{name: answered}}\nspec: {{{measured}}}\n"
    source = "apiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: ours}\nspec: {type: prometheus}\n"
    (tmp_path / "a.yaml").write_text(file("", indicator="", indicatorRef="answered"))
    (tmp_path / "b.yaml").write_text(sli + "---\n" + source)
    found = slo_files.load([str(tmp_path)])
    assert events(found.slos[0]) == (RATED % "error", ALL)
    assert found.places["shop-orders"].problem("total_query", "here").line == 4
    assert found.places["shop-orders"].problem("total_query", "here").file.name == "b.yaml"


RATIO = ratio(bad=RATED % "error", total=ALL)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (file("", indicator="", indicatorRef="answerd"), "9: spec.indicatorRef: there is no SLI 'answerd'"),
        (file(RATIO, alertPolicies="[{alertPolicyRef: nope}]"), "10: spec.alertPolicies[0].alertPolicyRef: there"),
        (file(RATIO.replace("Prometheus", "Datadog")), "6: spec.indicator.spec.ratioMetric.bad.metricSource: is"),
        (file(RATIO.replace("sum(rate(orders_total[", "sum(rate(orders_total[[")), "is not PromQL: "),
        (file(RATIO, "target: 1.5"), "9: spec.objectives[0].target: input should be less than 1"),
        (file(RATIO, "target: 0.9, targetPercent: 90"), "9: spec.objectives[0]: wants either target"),
        (file(RATIO, "target: 0.9, compositeWeight: 1"), "9: spec.objectives[0]: is a composite of OpenSLO"),
        (file(RATIO, budgetingMethod="Timeslices"), "9: spec.objectives[0]: wants timeSliceTarget"),
        (file(RATIO, servce="x"), "10: spec.servce: unknown field; did you mean 'service'?"),
        (file(RATIO).replace("v1", "v1alpha"), "1: apiVersion: 'openslo/v1alpha' isn't read; openslo/v1 is"),
        (file(RATIO).replace("kind: SLO", "kind: SLOs"), "2: kind: 'SLOs' is no kind of OpenSLO; did you mean 'SLO'?"),
        (file(threshold("lag")), "9: spec.objectives[0]: wants op and value"),
        (file(threshold("rate(x[{{.window}}])"), "op: lt, value: 1, target: 0.9"), "a threshold is for single samples"),
        (file(ratio(bad="sum(increase(x[{{.window}}]))", total=ALL)), "bad and total differ: one counts events"),
        (file(RATIO).replace("name: orders", "name: a/b"), "3: metadata.name: string should match pattern"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    (line,) = refused(tmp_path, text)
    assert told in line


SERIES = """\
    input_series:
      - {series: queue, values: '3+0x39 10+0x39'}
      - {series: 'orders_total{outcome="any"}', values: '0+10x79'}
      - {series: 'kept_total', values: '0+10x39 390+0x39'}
"""
SLICES = "target: 0.9, timeSliceTarget: 0.9, timeSliceWindow: 1m"
KEPT = "sum(rate(kept_total[{{.window}}]))"


@pytest.mark.parametrize(
    ("indicator", "objective", "method", "bad"),
    [
        (threshold("queue"), "op: lt, value: 5, target: 0.9", "Occurrences", "6 / 10"),
        (threshold("queue"), f"op: lt, value: 5, {SLICES}", "Timeslices", "6 / 10"),
        (threshold("queue"), "op: lt, value: 50, target: 0.9", "Occurrences", "0"),
        (ratio(good=KEPT, total=ALL), SLICES, "Timeslices", "6 / 10"),
        (ratio(good=RATED % "ok", total=ALL), "target: 0.9", "Occurrences", "1"),
        (ratio(good=RATED % "ok", total=ALL), SLICES, "Timeslices", "10 / 10"),
        (ratio(bad=RATED % "error", total=ALL), SLICES, "Timeslices", "0"),
        (ratio("false", bad="sum(queue > 5)", total="sum(queue)"), "target: 0.9", "Occurrences", "60 / 72"),
    ],
)
def test_prometheus_counts_what_is_meant(
    tmp_path: Path, promtool: str, indicator: str, objective: str, method: str, bad: str
) -> None:
    """Over the ten minutes to 15:30 of a queue that is 3 for ten minutes and then 10, and of orders that are kept for
    ten minutes and then lost."""
    slo = read(tmp_path, file(indicator, objective, budgetingMethod=method))
    expression = json.dumps(f"round({slo.ratio_query(600)} - ({bad}), 1e-6) == 0")
    test = (
        f"rule_files: []\nevaluation_interval: 1m\ntests:\n  - interval: 15s\n{SERIES}    promql_expr_test:\n"
        f"      - {{expr: {expression}, eval_time: 15m30s, exp_samples: [{{labels: '{{}}', value: 0}}]}}\n"
    )
    (tmp_path / "test.yml").write_text(test)
    ran = subprocess.run(
        [promtool, "test", "rules", "test.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
