from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from flashcrowd.errors import InputError
from monitors import rules, slo_files, windows
from monitors.slo import Slo

GOOGLE, REHEARSAL = windows.find("google-30d"), windows.find("rehearsal")


def passes(promtool: str, *arguments: str | Path) -> None:
    done = subprocess.run([promtool, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def rule_test(
    folder: Path, rule_text: str, series: dict[str, str], interval: str = "15s", every: str = "", **tests: object
) -> Path:
    """A unit test of rules in promtool's format. every: between evaluations, the series' interval unless given."""
    (folder / "rules.yml").write_text(rule_text)
    file = folder / "test.yml"
    input_series = [{"series": name, "values": values} for name, values in series.items()]
    content = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": every or interval,
        "tests": [{"interval": interval, "input_series": input_series, **tests}],
    }
    with file.open("w") as stream:
        YAML().dump(content, stream)
    return file


def silent(name: str, *times: str) -> list[dict[str, object]]:
    return [{"eval_time": at, "alertname": name, "exp_alerts": []} for at in times]


@pytest.mark.parametrize("name", slo_files.builtin_names())
@pytest.mark.parametrize("policy", windows.builtin_names())
def test_promtool_accepts_the_rules_of_the_built_in_slos(promtool: str, tmp_path: Path, policy: str, name: str) -> None:
    file, base = tmp_path / "rules.yml", "https://runbooks.example/"
    file.write_text(rules.rule_file(slo_files.load([name]).slos, windows.find(policy), runbook_base=base))
    passes(promtool, "check", "rules", file)


def test_production_pages_after_17_and_a_half_minutes_of_5_percent_errors(
    promtool: str, tmp_path: Path, events_slo: Callable[..., Slo]
) -> None:
    """99.9 %, 1h/5m at 14.4: the hour has to be bad by 1.44 %, of which 5 % need 17.3 min."""
    quiet_tickets = {"name": "OrderBurn", "annotations": {"runbook": "orders"}, "ticket_alert": {"disable": True}}
    slo, alerts_only = events_slo(objective=99.9, alerting=quiet_tickets), GOOGLE.without_period()
    text = rules.rule_file([slo], alerts_only, runbook_base="https://r.org/b/")
    page = {
        "exp_labels": {
            "sloth_id": "shop-orders",
            "sloth_service": "shop",
            "sloth_slo": "orders",
            "severity": "page",
            "sloth_severity": "page",
            "policy": "google-30d",
            "long": "1h",
            "short": "5m",
        },
        "exp_annotations": {
            "summary": "orders of shop burns its error budget over 14.4 times too fast",
            "description": "An order is answered. 1.458% of all events of the last 1h were bad; at most 0.1 % may be.",
            "runbook": "orders",
            "runbook_url": "https://r.org/b/orders",
        },
    }
    six_hours_healthy = {
        'orders_total{outcome="ok"}': "0+100x1440 144095+95x80",
        'orders_total{outcome="error"}': "0x1440 5+5x80",
    }
    fires = [{"eval_time": "377m30s", "alertname": "OrderBurn", "exp_alerts": [page]}]
    checks = [*silent("OrderBurn", "5h59m", "377m"), *fires]
    file = rule_test(tmp_path, text, six_hours_healthy, every="30s", alert_rule_test=checks)
    passes(promtool, "test", "rules", file)


@pytest.mark.parametrize(("history", "seconds"), [(2, 60), (10, 255), (60, 1050)])
def test_a_short_history_flatters_detection(
    promtool: str, tmp_path: Path, events_slo: Callable[..., Slo], history: int, seconds: int
) -> None:
    """5 % of errors at 99.9 % page after 60 s on two minutes of history, after 17.5 min on an hour or more: why a
    rehearsal has windows of its own. docs/alert-rules.md has this table."""
    before = history * 4
    good = {'orders_total{outcome="ok"}': f"0+100x{before} {before * 100 + 95}+95x80"}
    series = {**good, 'orders_total{outcome="error"}': f"0x{before} 5+5x80"}
    fires = [{"labels": "{}", "value": 1}]
    times = ((history * 60, []), (history * 60 + seconds - 15, []), (history * 60 + seconds, fires))
    checks = [{"expr": count_of_pages(), "eval_time": f"{at}s", "exp_samples": samples} for at, samples in times]
    text = rules.rule_file([events_slo(objective=99.9)], GOOGLE.without_period())
    passes(promtool, "test", "rules", rule_test(tmp_path, text, series, promql_expr_test=checks))


def count_of_pages() -> str:
    return 'count(ALERTS{alertname="OrderBurn", alertstate="firing", long="1h"})'


def test_the_rehearsal_pages_within_seconds_and_ends_with_the_trouble(
    promtool: str, tmp_path: Path, events_slo: Callable[..., Slo]
) -> None:
    """All orders fail from 60 s to 70 s: 14.4 % of 20 s are 2.9 s, and 5 s after the end the short window is clean."""
    series = {
        'orders_total{outcome="ok"}': "0+100x60 6000x9 6100+100x60",
        'orders_total{outcome="error"}': "0x60 100+100x9 1000x59",
    }
    firing = "count(ALERTS{alertstate='firing', policy='rehearsal', stands_for='1h/5m'})"
    one = [{"labels": "{}", "value": 1}]
    file = rule_test(
        tmp_path,
        rules.rule_file([events_slo()], REHEARSAL),
        series,
        interval="1s",
        promql_expr_test=[
            {"expr": firing, "eval_time": "60s", "exp_samples": []},
            {"expr": firing, "eval_time": "64s", "exp_samples": one},
            {"expr": firing, "eval_time": "70s", "exp_samples": one},
            {"expr": firing, "eval_time": "76s", "exp_samples": []},
        ],
    )
    passes(promtool, "test", "rules", file)


def test_every_event_of_a_long_window_weighs_the_same(
    promtool: str, tmp_path: Path, events_slo: Callable[..., Slo]
) -> None:
    """Five minutes at 1,000 times the traffic and 10 % errors: nearly 10 % of the hour, not the 0.8 % of its time."""
    series = {
        'orders_total{outcome="ok"}': "0+1x220 1120+900x19",
        'orders_total{outcome="error"}': "0x220 100+100x19",
    }
    share = 'slo:sli_error:ratio_rate1h{sloth_id="shop-orders"} > 0.09'
    file = rule_test(
        tmp_path,
        rules.rule_file([events_slo()], GOOGLE),
        series,
        promql_expr_test=[
            {"expr": f"count({share})", "eval_time": "60m", "exp_samples": [{"labels": "{}", "value": 1}]}
        ],
    )
    passes(promtool, "test", "rules", file)


def test_every_event_of_the_period_weighs_the_same(
    promtool: str, tmp_path: Path, events_slo: Callable[..., Slo]
) -> None:
    """Six quiet hours, and ten minutes of a flash sale at 1,000 times the traffic with 10 % errors: 9.7 % of all orders
    were bad. The mean of the 5-minute ratios, which Sloth records, says 0.38 %."""
    series = {
        'orders_total{outcome="ok"}': "0+10x179 1790+9000x10 91800+10x169",
        'orders_total{outcome="error"}': "0x179 0+1000x10 10000x169",
    }
    recorded = 'slo:sli_error:ratio_rate{}{{sloth_id="shop-orders"}}'.format
    mean = f"avg_over_time({recorded('5m')}[30d])"
    left = 'slo:period_error_budget_remaining:ratio{sloth_id="shop-orders"}'
    one = [{"labels": "{}", "value": 1}]
    wanted = (
        f"count({recorded('30d')} > 0.096 < 0.098)",
        f"count({mean} > 0.0036 < 0.004)",
        f"count({left} < -8.6 > -8.8)",
    )
    file = rule_test(
        tmp_path,
        rules.rule_file([events_slo()], GOOGLE),
        series,
        interval="1m",
        promql_expr_test=[{"expr": expr, "eval_time": "358m", "exp_samples": one} for expr in wanted],
    )
    passes(promtool, "test", "rules", file)


def test_a_raw_ratio_has_the_mean_over_its_period(events_slo: Callable[..., Slo]) -> None:
    slo = events_slo(sli={"raw": {"error_ratio_query": "avg(errors:ratio{{.window}})"}})
    records = {rule["record"]: rule["expr"] for rule in parsed(rules.rule_file([slo], GOOGLE))[0]["rules"][:-4]}
    assert "slo:sli_bad:rate5m" not in records
    assert records["slo:sli_error:ratio_rate30d"].startswith("avg_over_time(slo:sli_error:ratio_rate5m{")


def test_no_error_series_is_no_error_and_no_total_is_no_data(
    promtool: str, tmp_path: Path, events_slo: Callable[..., Slo]
) -> None:
    known, unknown = (f'slo:sli_error:ratio_rate5m{{sloth_service="{service}"}}' for service in ("shop", "silent"))
    nothing = {"error_query": "sum(rate(e_total[{{.window}}]))", "total_query": "sum(rate(t_total[{{.window}}]))"}
    slos = [events_slo(), events_slo(service="silent", sli={"events": nothing})]
    file = rule_test(
        tmp_path,
        rules.rule_file(slos, GOOGLE),
        {'orders_total{outcome="ok"}': "0+100x40"},
        promql_expr_test=[
            {"expr": f"sum({known})", "eval_time": "10m", "exp_samples": [{"labels": "{}", "value": 0}]},
            {"expr": unknown, "eval_time": "10m", "exp_samples": []},
        ],
    )
    passes(promtool, "test", "rules", file)


def test_all_policies_live_in_one_prometheus() -> None:
    slos = slo_files.load(["storefront"]).slos
    groups = [group for name in windows.builtin_names() for group in parsed(rules.rule_file(slos, windows.find(name)))]
    assert len({group["name"] for group in groups}) == len(groups) == 12
    identities = [
        (rule.get("record") or rule.get("alert"), *sorted(rule["labels"].items()))
        for group in groups
        for rule in group["rules"]
    ]
    assert len(set(identities)) == len(identities)


def test_the_interval_is_the_policys_unless_another_is_given(events_slo: Callable[..., Slo]) -> None:
    slos = [events_slo()]
    assert "interval" not in parsed(rules.rule_file(slos, GOOGLE))[0]
    assert parsed(rules.rule_file(slos, REHEARSAL))[0]["interval"] == "1s"
    assert parsed(rules.rule_file(slos, REHEARSAL, interval=0.5))[0]["interval"] == "500ms"


def test_a_users_severity_doesnt_hide_what_is_a_page(events_slo: Callable[..., Slo]) -> None:
    slo = events_slo(alerting={"name": "OrderBurn", "page_alert": {"labels": {"severity": "critical"}}})
    (alert,) = [rule for rule in parsed(rules.rule_file([slo], REHEARSAL))[0]["rules"] if "alert" in rule]
    assert (alert["labels"]["severity"], alert["labels"]["sloth_severity"]) == ("critical", "page")


def test_an_objective_that_can_never_page_is_refused(events_slo: Callable[..., Slo]) -> None:
    with pytest.raises(InputError, match=r"objective of 90 % can't burn fast enough for any alert of rehearsal; give"):
        rules.rule_file([events_slo(objective=90)], REHEARSAL)
    alerts = [
        rule for rule in parsed(rules.rule_file([events_slo(objective=90)], GOOGLE))[0]["rules"] if "alert" in rule
    ]
    assert [rule["labels"]["long"] for rule in alerts] == ["6h", "1d", "3d"]


def test_a_runbook_that_is_a_url_stays_one(events_slo: Callable[..., Slo]) -> None:
    slo = events_slo(alerting={"name": "OrderBurn", "annotations": {"runbook": "https://wiki.example/orders"}})
    assert "runbook_url: https://wiki.example/orders" in rules.rule_file([slo], REHEARSAL, runbook_base="https://r.org")


@pytest.mark.parametrize(
    ("policy", "factors"),
    [
        ("google-30d", [14.4, 6, 3, 1]),
        ("google-28d", [13.44, 5.6, 2.8, 0.933333]),
        ("google-7d", [13.44, 3.5, 1.4, 0.98]),
    ],
)
def test_names_windows_and_thresholds_are_those_of_sloth(
    events_slo: Callable[..., Slo], policy: str, factors: list[float]
) -> None:
    """As in Sloth's examples/_gen/getting-started.yml, internal/alert/windows and examples/windows/7d.yaml."""
    pairs = [("page", "1h", "5m"), ("page", "6h", "30m"), ("ticket", "1d", "2h"), ("ticket", "3d", "6h")]
    (group,) = parsed(rules.rule_file([events_slo(objective=99.9, labels={"team": "shop"})], windows.find(policy)))
    period = policy.removeprefix("google-")
    records = [rule for rule in group["rules"] if "record" in rule]
    alerts = [rule for rule in group["rules"] if "alert" in rule]
    sloths = {
        *(f"slo:sli_error:ratio_rate{window}" for window in ("5m", "30m", "1h", "2h", "6h", "1d", "3d", period)),
        *("slo:objective:ratio", "slo:error_budget:ratio", "slo:time_period:days", "sloth_slo_info"),
        *("slo:current_burn_rate:ratio", "slo:period_burn_rate:ratio", "slo:period_error_budget_remaining:ratio"),
    }
    assert {rule["record"] for rule in records} == sloths | {"slo:sli_bad:rate5m", "slo:sli_total:rate5m"}
    identity = {"sloth_id": "shop-orders", "sloth_service": "shop", "sloth_slo": "orders", "team": "shop"}
    assert all(identity.items() <= rule["labels"].items() for rule in records)
    for alert, (severity, long, short), factor in zip(alerts, pairs, factors, strict=True):
        labels = alert["labels"]
        assert (labels["sloth_severity"], labels["long"], labels["short"]) == (severity, long, short)
        thresholds = re.findall(r"ratio_rate(\w+)\{[^}]*\} > \(([\d.]+) \* ([\d.]+)\)", alert["expr"])
        assert [window for window, _, _ in thresholds] == [long, short]
        assert all(float(a) * float(b) == pytest.approx(factor * 0.001, rel=1e-5) for _, a, b in thresholds)


def parsed(text: str) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = YAML(typ="safe").load(text)["groups"]
    return groups
