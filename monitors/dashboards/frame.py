"""Frame: what all dashboards share: data source, links to one another, faults and steps of runbooks as annotations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from monitors.dashboards.panels import PROMETHEUS

TAG = "flashcrowd"
FAULT_ACTIVE = "flashcrowd_fault_active"
FAULT_WINDOWS = f"max by (fault, on) ({FAULT_ACTIVE}) == 1"
"""Each run of seconds in which a fault is in place; Grafana makes one region of neighbouring points."""

STEPS_TAKEN = "max by (runbook, step) (flashcrowd_runbook_step) == 1"
"""The seconds in which a step of a runbook runs."""


def frame(uid: str, title: str, description: str, since: str, refresh: str) -> boards.Dashboard:
    """A dashboard without panels. uid: stays the same, so that links to it last. since: as `30m`."""
    made = boards.Dashboard(title).uid(uid).description(description).tags([TAG, "generated"])
    made.time(f"now-{since}", "now").refresh(refresh).timezone("browser").editable()
    made.tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
    made.with_variable(boards.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    others = boards.DashboardLink("flashcrowd").type(dashboard.DashboardLinkType.DASHBOARDS).tags([TAG])
    return made.link(others.keep_time(True).include_vars(True)).annotation(_faults()).annotation(_steps())


def choice(name: str, label: str, values: Sequence[str], current: str | None = None) -> boards.CustomVariable:
    """A variable with the values that are known beforehand; without a current one, several or all may be chosen."""
    made = boards.CustomVariable(name).label(label).values(",".join(values))
    if current is None:
        return made.multi(True).include_all(True).all_value(".*").current(_option("All", "$__all"))
    return made.current(_option(current, current)).options([_option(it, it, it == current) for it in values])


def found(name: str, label: str, query: str) -> boards.QueryVariable:
    """A variable with the values that Prometheus has in the time that is shown: several or all of them."""
    made = boards.QueryVariable(name).label(label).query(query).datasource(PROMETHEUS)
    made.refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED).multi(True).include_all(True).all_value(".*")
    return made.current(_option("All", "$__all"))


def text(made: boards.Dashboard) -> str:
    """The JSON that Grafana imports, with what its builders leave open settled: panels have ids, so that links to one
    last; links and annotations stay in sight, where newer Grafanas would fold them into a menu."""
    board = parsed(json.dumps(made.build(), cls=JSONEncoder))
    for number, panel in enumerate(board["panels"], 1):
        panel["id"] = number
    for shown in (*board["links"], *board["annotations"]["list"]):
        shown.pop("placement", None)
    return json.dumps(board, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _option(shown: str, value: str, selected: bool = True) -> dashboard.VariableOption:
    return dashboard.VariableOption(selected=selected, text=shown, value=value)


def _faults() -> boards.AnnotationQuery:
    made = _marks("Faults", FAULT_WINDOWS, "red")
    return made.title_format("{{fault}} on {{on}}").text_format("broken on purpose").tag_keys("fault,on")


def _steps() -> boards.AnnotationQuery:
    made = _marks("Runbook steps", STEPS_TAKEN, "green")
    return made.title_format("{{runbook}}: {{step}}").text_format("a step of a runbook").tag_keys("runbook,step")


def _marks(name: str, query: str, color: str) -> boards.AnnotationQuery:
    """Said twice, by Grafana's own rule: its Prometheus reads the query from the target, older ones from beside it."""
    target = Dataquery().expr(query).ref_id("Anno").interval("1s").datasource(PROMETHEUS)
    made = boards.AnnotationQuery().name(name).datasource(PROMETHEUS).enable(True).hide(False).icon_color(color)
    return made.expr(query).step("1s").target(target)


def parsed(content: str) -> dict[str, Any]:
    """A dashboard's JSON as values."""
    found: dict[str, Any] = json.loads(content)
    return found
