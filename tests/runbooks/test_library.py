"""The built-in runbooks, read as they are; order-latency in detail, since the rehearsal relies on it."""

import pytest

from runbooks.catalogue import builtin_names, find
from runbooks.model import Heading, HttpStep, PromqlStep


@pytest.mark.parametrize("name", builtin_names())
def test_a_built_in_page_is_free_of_faults(name: str) -> None:
    assert find(name).name == name


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
