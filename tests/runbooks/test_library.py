"""The built-in runbooks, read as they are; order-latency in detail, since the rehearsal relies on it."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from monitors import library, slo_files
from runbooks.catalogue import builtin_names, find
from runbooks.model import Heading, HttpStep, PromqlStep


@pytest.mark.parametrize("name", builtin_names())
def test_a_built_in_page_is_free_of_faults(name: str) -> None:
    assert find(name).name == name


def test_alerts_and_pages_name_each_other() -> None:
    slos = slo_files.load(library.names("slos")).slos
    named = {slo.alerting.annotations["runbook"]: slo for slo in slos if "runbook" in slo.alerting.annotations}
    assert sorted(named) == builtin_names()
    for name, slo in named.items():
        assert (find(name).front.alerts, find(name).front.slo) == ([slo.alerting.name], slo.name)


@pytest.mark.parametrize("name", builtin_names())
def test_a_mitigation_says_for_which_cause_it_is_and_asks_first(name: str) -> None:
    for step in find(name).steps(Heading.MITIGATION):
        assert step.when is not None and step.approve
        assert "timeout" in step.model_fields_set


@pytest.mark.parametrize("name", builtin_names())
def test_what_can_be_taken_back_is(name: str) -> None:
    for step in find(name).steps(Heading.MITIGATION):
        assert isinstance(step, HttpStep)
        assert (step.undo is None) == step.url.endswith(".start}")  # a restart has nothing to be taken back


def test_order_latency_is_read_as_written() -> None:
    page = find("order-latency")
    assert (page.title, page.front.alerts, page.front.slo) == ("Orders are slow", ["OrderLatencyBurn"], "order-latency")
    assert [(step.section, step.kind, step.name) for step in page] == [
        (Heading.FIRST, "promql", "orders-per-second"),
        (Heading.FIRST, "promql", "already-in-blocks"),
        (Heading.DIAGNOSIS, "promql", "inventory-slow"),
        (Heading.DIAGNOSIS, "promql", "shop-slow"),
        (Heading.MITIGATION, "http", "reserve-blocks"),
        (Heading.VERIFICATION, "promql", "orders-in-time"),
        (Heading.ROLLBACK, "http", "reserve-singly"),
    ]


def test_order_latency_switches_to_blocks_only_when_inventory_is_slow() -> None:
    step = find("order-latency").step("reserve-blocks")
    assert isinstance(step, HttpStep)
    assert (step.when, step.approve, step.timeout, step.undo) == ("inventory-slow", True, 15.0, "reserve-singly")
    assert (step.method, step.url) == ("POST", "${shop.admin}/reservation")
    assert step.body == '{"mode": "blocks", "size": 500}'


def test_order_latency_succeeds_when_orders_are_in_time() -> None:
    step = find("order-latency").step("orders-in-time")
    assert isinstance(step, PromqlStep)
    assert (str(step.expect), step.hold, step.timeout) == ("<= 0.01", 3.0, 30.0)
    assert step.query == (
        '1 - sum(rate(shop_order_seconds_bucket{le="0.5"}[5s])) / sum(rate(shop_order_seconds_count[5s]))'
    )


QUICK, SLOW = ["0.005"], ["0.5", "1"]
"""Buckets around the answer: in QUICK ones everything ends within 5 ms, in SLOW ones between 500 ms and 1 s."""


def histogram(name: str, buckets: list[str], rate: int = 100) -> list[dict[str, str]]:
    """Series of a histogram with `rate` answers a second, all of them in the last of the buckets."""
    edges = [*((edge, 0) for edge in buckets[:-1]), (buckets[-1], rate)]
    edges += [(edge, rate) for edge in ("0.5", "5", "+Inf") if edge not in buckets]
    series = [{"series": f'{name}_bucket{{le="{edge}"}}', "values": f"0+{count}x20"} for edge, count in edges]
    return [*series, {"series": f"{name}_count", "values": f"0+{rate}x20"}]


def case(orders: list[str], calls: list[str], expected: dict[str, int | None], rate: int = 100) -> dict[str, Any]:
    """A promtool test: whether each step's expectation holds (1), doesn't (0), or has no data (None)."""
    page, tests = find("order-latency"), []
    for name, value in expected.items():
        step = page.step(name)
        assert isinstance(step, PromqlStep) and step.expect is not None
        expr = f"({step.query}) {step.expect.operator} bool {step.expect.bound}"
        samples = [] if value is None else [{"labels": "{}", "value": value}]
        tests.append({"expr": expr, "eval_time": "15s", "exp_samples": samples})
    series = histogram("shop_order_seconds", orders, rate) + histogram("inventory_request_seconds", calls, rate)
    return {"interval": "1s", "input_series": series, "promql_expr_test": tests}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool not found on PATH")
def test_order_latency_tells_its_causes_apart_on_a_real_promql_engine(tmp_path: Path) -> None:
    healthy = {"inventory-slow": 0, "shop-slow": 0, "orders-in-time": 1}
    slow_link = {"inventory-slow": 1, "shop-slow": None, "orders-in-time": 0}
    slow_shop = {"inventory-slow": 0, "shop-slow": 1, "orders-in-time": 0}
    mitigated = {"inventory-slow": 1, "shop-slow": None, "orders-in-time": 1}
    nobody_buys = {"inventory-slow": 0, "shop-slow": 0, "orders-in-time": 0}
    tests = [
        case(QUICK, QUICK, healthy),
        case(SLOW, SLOW, slow_link),
        case(SLOW, QUICK, slow_shop),
        case(QUICK, SLOW, mitigated),
        case(QUICK, QUICK, nobody_buys, rate=0),
    ]
    file = tmp_path / "causes.yaml"
    file.write_text(json.dumps({"evaluation_interval": "1s", "tests": tests}))
    told = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
