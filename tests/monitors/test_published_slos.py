"""Files of the shapes that Sloth's and OpenSLO's repositories publish as examples."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from monitors import rules, slo_files, windows
from monitors.prometheus import Prometheus
from monitors.slo import Slo

HERE = Path(__file__).parent / "published"


@pytest.fixture(scope="module")
def read() -> dict[str, Slo]:
    return {slo.id: slo for slo in slo_files.load([str(HERE)]).slos}


def test_all_of_them_load(read: dict[str, Slo]) -> None:
    assert sorted(read) == [
        "checkout-answered",
        "control-plane-requests-latency",
        "home-good-signal",
        "home-mean-signal",
        "pipeline-lag",
        "search-answered",
        "web-availability-service-availability-1",
        "web-availability-service-availability-2",
        "web-shop-main-page",
        "web-web-availability",
    ]


def test_numbers_and_truths_are_labels_as_sloth_reads_them(read: dict[str, Slo]) -> None:
    assert read["checkout-answered"].labels == {
        "owner": "buying",
        "repo": "shop/checkout",
        "tier": "2",
        "generated": "true",
    }


def test_what_only_sloth_does_is_kept(read: dict[str, Slo]) -> None:
    slo = read["control-plane-requests-latency"]
    assert slo.interval is not None and slo.plugins is not None and slo.slo_plugins is not None
    assert (slo.interval.slierror, slo.plugins.override_previous) == ("4m", True)
    assert slo.slo_plugins.chain[0]["config"] == {"msg": "last"}


def test_alert_policies_become_page_and_ticket(read: dict[str, Slo]) -> None:
    alerting = read["pipeline-lag"].alerting
    assert (alerting.name, alerting.labels) == ("High Priority", {"env": "prod", "team": "team-a"})
    assert (alerting.page_alert.labels, alerting.page_alert.disable) == ({"rota": "night"}, False)
    assert not alerting.ticket_alert.disable
    assert read["web-shop-main-page"].alert("page") is None


def test_objectives_of_a_slo_are_slos(read: dict[str, Slo]) -> None:
    first, second = (read[f"web-availability-service-availability-{number}"] for number in (1, 2))
    assert (first.objective, second.objective) == (99.5, 99)
    assert first.sli == second.sli


def test_what_is_read_otherwise_than_meant_is_said_with_its_line() -> None:
    told = [str(problem) for problem in slo_files.load([str(HERE)]).warnings]
    calendar = f"{HERE}/openslo/slos.yaml:32: spec.timeWindow[0]: is aligned to the calendar"
    assert any(line.startswith(calendar) for line in told)
    assert any("alerts.yaml:31: spec.condition: a burn rate of 2 over 1h isn't kept" in line for line in told)
    assert not any("a burn rate of 3 over 1d" in line for line in told), "that is a pair of google-30d"
    assert not any("sloth/" in line for line in told)


async def test_prometheus_takes_every_query(read: dict[str, Slo], prometheus: Prometheus) -> None:
    for slo in read.values():
        assert await prometheus.query(slo.ratio_query(3600)) == [], slo.id


def test_promtool_takes_their_rules(read: dict[str, Slo], promtool: str, tmp_path: Path) -> None:
    file = tmp_path / "published.rules.yml"
    file.write_text(rules.rule_file(list(read.values()), windows.find("google-30d")))
    checked = subprocess.run([promtool, "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
