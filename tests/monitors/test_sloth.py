from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from flashcrowd.errors import DocumentError, InputError
from monitors import slo_files
from monitors.slo import Part, Slo

FILE = """\
version: prometheus/v1
service: shop
labels: {team: sales}
slos:
  - name: orders
    objective: 99.9
    labels: {tier: first}
    sli:
      events:
        error_query: sum(rate(orders_total{code=~"5.."}[{{.window}}]))
        total_query: sum(rate(orders_total[{{ .window }}]))
    alerting:
      name: OrderBurn
      labels: {category: availability}
      annotations: {runbook: order-errors}
      page_alert: {labels: {severity: critical}}
      ticket_alert: {disable: true}
    rehearsal: {min_events: 1000, confidence: 0.99}
"""


def read(path: Path) -> tuple[Slo, ...]:
    return slo_files.load([str(path)]).slos


def written(folder: Path, text: str, name: str = "shop.yaml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_a_file_gives_slos_with_all_that_sloth_knows(tmp_path: Path) -> None:
    (slo,) = read(written(tmp_path, FILE))
    assert (slo.id, slo.budget, slo.runbook) == ("shop-orders", 0.001, "order-errors")
    assert slo.labels == {"team": "sales", "tier": "first"}
    page = slo.alert("page")
    assert page is not None
    assert page.labels == {"category": "availability", "severity": "critical"}
    assert slo.alert("ticket") is None
    assert (slo.rehearsal.min_events, slo.rehearsal.confidence) == (1000, 0.99)


def test_all_faults_of_a_folder_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    bad = FILE.replace("objective: 99.9", "objective: 100").replace("sum(rate(orders_total[{{ .window }}]))", "sum(")
    written(tmp_path, bad.replace("description", "describtion").replace("    alerting", "    alertin"), "a.yaml")
    written(tmp_path, FILE.replace("[{{.window}}]", "[5m]").replace("orders\n", "refunds\n"), "b.yaml")
    with pytest.raises(DocumentError) as caught:
        read(tmp_path)
    told = [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems]
    assert told == [
        "a.yaml:5: slos[0].alerting: is missing",
        "a.yaml:6: slos[0].objective: 100 is not between 0 and 100 percent, both excluded; write 99.9, say",
        "a.yaml:11: slos[0].sli.events.total_query: has no {{.window}}, so that it can't be asked over another window",
        "a.yaml:12: slos[0].alertin: unknown field; did you mean 'alerting'?",
        "b.yaml:10: slos[0].sli.events.error_query: has no {{.window}}, so that it can't be asked over another window",
    ]


def test_a_query_that_prometheus_would_refuse_is_a_fault_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"shop.yaml:11: .*total_query: is not PromQL: unclosed left parenthesis"):
        read(written(tmp_path, FILE.replace("[{{ .window }}]))", "[{{ .window }}])")))


def test_events_and_events_per_second_dont_mix(tmp_path: Path) -> None:
    mixed = FILE.replace("sum(rate(orders_total{", "sum(increase(orders_total{")
    with pytest.raises(DocumentError, match=r"shop.yaml:9: slos\[0\].sli.events: one counts events, the other"):
        read(written(tmp_path, mixed))


def test_two_slos_of_one_name_are_a_fault(tmp_path: Path) -> None:
    written(tmp_path, FILE, "a.yaml")
    written(tmp_path, FILE, "b.yaml")
    with pytest.raises(DocumentError, match=r"b.yaml:5: slos\[0\].name: 'shop-orders' is already in .*a.yaml"):
        read(tmp_path)


def test_a_file_may_hold_several_services(tmp_path: Path) -> None:
    found = read(written(tmp_path, FILE + "---\n" + FILE.replace("service: shop", "service: live")))
    assert [slo.id for slo in found] == ["shop-orders", "live-orders"]


def test_sli_and_alert_name_are_asked_for(tmp_path: Path) -> None:
    raw = "raw: {error_ratio_query: 'ratio{{.window}}'}\n"
    both = FILE.replace("      events:", f"      {raw}      events:")
    with pytest.raises(DocumentError, match="wants either events or raw"):
        read(written(tmp_path, both))
    with pytest.raises(DocumentError, match="wants a name"):
        read(written(tmp_path, FILE.replace("      name: OrderBurn\n", "")))


def test_the_built_in_slos_are_those_of_the_storefront() -> None:
    assert slo_files.builtin_names() == ["behaviour", "storefront", "stream", "viewers"]
    held = {slo.name: (slo.objective, slo.alerting.name, slo.runbook) for slo in slo_files.load(["storefront"]).slos}
    assert held == {
        "order-availability": (99.5, "OrderErrorBurn", "order-errors"),
        "order-latency": (99, "OrderLatencyBurn", "order-latency"),
        "chat-delivery": (99, "ChatDeliveryBurn", "chat-delivery"),
    }
    names = ("stream", "behaviour", "viewers")
    more = {slo.name: slo.objective for name in names for slo in slo_files.load([name]).slos}
    assert more == {"playback-start": 95, "playback-stalls": 99, "behaviour-freshness": 99, "viewer-drops": 99}


def test_an_entry_of_a_plan_is_a_name_or_a_path_beside_the_plan(tmp_path: Path) -> None:
    written(tmp_path, FILE)
    assert len(slo_files.load(["storefront"], tmp_path).slos) == 3
    assert [slo.name for slo in slo_files.load(["shop.yaml"], tmp_path).slos] == ["orders"]
    assert [slo.name for slo in slo_files.load(["."], tmp_path).slos] == ["orders"]
    with pytest.raises(InputError, match="did you mean 'storefront'"):
        slo_files.load(["storefrnt"], tmp_path)


def test_a_file_named_twice_is_read_once_and_two_of_one_name_are_a_fault(tmp_path: Path) -> None:
    file = str(written(tmp_path, FILE))
    once = slo_files.load([file])
    assert slo_files.load([file, str(tmp_path), file]) == once
    with pytest.raises(DocumentError, match="is already in"):
        slo_files.load([file, str(written(tmp_path, FILE, "again.yaml"))])


def test_a_folder_without_slos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no \.yaml file"):
        read(tmp_path)


def test_queries_count_events_per_second_whatever_the_file_uses(events_slo: Callable[..., Slo]) -> None:
    increase = {"error_query": "sum(increase(e[{{.window}}]))", "total_query": "sum(increase(t[{{.window}}]))"}
    slo = events_slo(sli={"events": increase})
    assert slo.total_query(90) == "((sum(increase(t[1m30s]))) / 90)"
    assert slo.bad_query(90) == "((sum(increase(e[1m30s]))) / 90) or 0 * ((sum(increase(t[1m30s]))) / 90)"


def test_a_comment_at_the_end_of_a_query_swallows_nothing(events_slo: Callable[..., Slo]) -> None:
    slo = events_slo(sli={"raw": {"error_ratio_query": "avg(ratio_rate{{.window}}) # by another rule\n"}})
    assert slo.ratio_query(300) == "(avg(ratio_rate5m) # by another rule\n)"
    with pytest.raises(InputError, match="measured as a ratio"):
        slo.bad_query(300)


def test_a_composite_names_slos_of_its_file(tmp_path: Path) -> None:
    two = FILE + FILE[FILE.index("  - name") :].replace("name: orders", "name: latency")
    text = two + (
        "composites:\n"
        "  - {name: buying, objective: 99, of: [{slo: orders, weight: 2}, {slo: latency}]}\n"
        "  - {name: everything, objective: 99.5, description: All at once., all: [orders, latency]}\n"
    )
    buying, everything = slo_files.load([str(written(tmp_path, text))]).composites
    assert buying.of == (Part(slo="shop-orders", weight=2), Part(slo="shop-latency", weight=1))
    assert (everything.id, everything.names) == ("shop-everything", ("shop-orders", "shop-latency"))
    assert (everything.budget, everything.of) == (0.005, None)


def test_the_parts_of_a_composite_must_be_there(tmp_path: Path) -> None:
    bad = FILE + (
        "composites:\n"
        "  - {name: a, objective: 99, of: [{slo: order}], all: [orders]}\n"
        "  - {name: b, objective: 99, of: [{slo: orders}, {slo: orders, weight: 0}]}\n"
        "  - {name: orders, objective: 99, all: [orders, orders]}\n"
    )
    with pytest.raises(DocumentError) as caught:
        read(written(tmp_path, bad))
    told = [str(problem).partition("shop.yaml:")[2] for problem in caught.value.problems]
    assert told == [
        "20: composites[0]: wants either of, a list of {slo: NAME, weight: 1}, or all, a list of names",
        "20: composites[0].of[0].slo: there is no SLO 'order' in this file; did you mean 'orders'?",
        "21: composites[1].of[1].weight: input should be greater than 0, got 0",
        "22: composites[2]: has the same SLO twice",
    ]
