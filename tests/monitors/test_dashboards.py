from __future__ import annotations

import json
import re
from typing import Any

import pytest

from flashcrowd.errors import InputError
from monitors import slo_files, windows
from monitors.dashboards import provisioning


def boards(policy: str = "google-30d", runbooks: str | None = None) -> dict[str, dict[str, Any]]:
    made = provisioning.dashboards(slo_files.load(["storefront", "stream"]).slos, windows.find(policy), runbooks)
    return {name: json.loads(content) for name, content in made.items()}


def panel(board: dict[str, Any], title: str, after: str = "") -> dict[str, Any]:
    """The panel of that title, the first one below the row whose title begins so."""
    shown = board["panels"]
    start = next(at for at, it in enumerate(shown) if it["type"] == "row" and it["title"].startswith(after))
    found: dict[str, Any] = next(it for it in shown[start:] if it["title"].startswith(title))
    return found


@pytest.mark.parametrize("policy", ["google-30d", "rehearsal"])
def test_each_panel_says_what_it_shows_in_which_unit(policy):
    for board in boards(policy).values():
        assert len(board["uid"]) <= 40
        ids = [it["id"] for it in board["panels"]]
        assert len(set(ids)) == len(ids)
        assert 0 not in ids
        known = {it["name"] for it in board["templating"]["list"]}
        for it in board["panels"]:
            if it["type"] == "row":
                continue
            assert it["title"]
            assert it["description"].endswith((".", "`."))
            assert it["datasource"]["uid"] == "${datasource}"
            assert it["type"] == "state-timeline" or it["fieldConfig"]["defaults"]["unit"]
            names = [target["refId"] for target in it["targets"]]
            assert len(set(names)) == len(names)
            used = re.findall(r"\$(\w+)", " ".join([it["title"], *(target["expr"] for target in it["targets"])]))
            assert set(used) <= known | {"__rate_interval"}
            assert it["gridPos"]["x"] + it["gridPos"]["w"] <= 24


def test_thresholds_are_the_objective_and_the_factors_of_the_policy():
    board = boards()["slo-overview.json"]
    held = panel(board, "Held", "order-availability")["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert held == [{"color": "red", "value": None}, {"color": "green", "value": 0.995}]
    burn = panel(board, "Burn rate", "order-availability")["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in burn] == [
        *((None, "green"), (1, "orange"), (3, "orange"), (6, "red"), (14.4, "red")),
    ]


def test_the_runbook_of_an_objective_is_a_link_away():
    with_address = panel(boards(runbooks="https://wiki/run/")["slo-overview.json"], "Held", "order-latency")
    (link,) = with_address["links"]
    assert (link["url"], link["title"], link["targetBlank"]) == (
        *("https://wiki/run/order-latency", "Runbook: order-latency"),
        True,
    )
    without = panel(boards()["slo-overview.json"], "Held", "order-latency")
    assert without["links"] == []
    assert "flashcrowd runbook show order-latency" in without["description"]


def test_windows_to_choose_from_are_those_of_the_policy():
    for policy, wanted, current in (*(("google-30d", "5m,30m,1h,2h,6h,1d,3d", "1h"), ("rehearsal", "5s,20s", "20s")),):
        variables = {it["name"]: it for it in boards(policy)["slo-overview.json"]["templating"]["list"]}
        assert variables["window"]["query"] == wanted
        assert variables["window"]["current"]["value"] == current
        assert variables["service"]["query"] == "storefront,stream"


def test_every_dashboard_marks_faults_and_leads_to_the_others():
    for board in boards().values():
        annotation, steps = board["annotations"]["list"]
        assert steps["titleFormat"] == "{{runbook}}: {{step}}"
        assert "flashcrowd_runbook_step" in steps["expr"]
        assert annotation["titleFormat"] == "{{fault}} on {{on}}"
        assert annotation["enable"] is True
        (link,) = board["links"]
        assert (link["type"], link["tags"]) == ("dashboards", ["flashcrowd"])
        assert "flashcrowd" in board["tags"]


def test_without_an_objective_there_is_nothing_to_draw():
    with pytest.raises(InputError, match="nothing to draw"):
        provisioning.dashboards([], windows.find("rehearsal"))
