"""Panels: the few kinds that the dashboards are made of, each with its unit, thresholds, legend and description.

Built with Grafana's own builders (grafana-foundation-sdk 0.0.21), so that the JSON has the fields of its schema.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common as build
from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.builders import stat, statetimeline, timeseries
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.units import EventsPerSecond, PercentUnit, Seconds, Short

PROMETHEUS = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
GREEN, YELLOW, ORANGE, RED, GREY = "green", "yellow", "orange", "red", "text"

Panel = Builder[dashboard.Panel]
"""A panel of any kind, to be put on a dashboard."""

Step = tuple[float, str]
"""From this value on, this colour."""

HEIGHT = 8


@dataclass(frozen=True)
class Query:
    """A line of a panel. legend: as Grafana takes it, `{{name}}`."""

    promql: str
    legend: str


@dataclass(frozen=True)
class Looks:
    """How values are shown. unit: Grafana's. base: the colour below every step."""

    unit: str = Short
    steps: Sequence[Step] = ()
    base: str = GREEN
    decimals: int | None = None
    least: float | None = None
    most: float | None = None


RATIO = Looks(PercentUnit, least=0)
EVENTS = Looks(EventsPerSecond, least=0)
TIME = Looks(Seconds, least=0)


def lines(
    title: str,
    description: str,
    looks: Looks,
    queries: Sequence[Query],
    width: int = 12,
    stacked: bool = False,
    links: Sequence[boards.DashboardLink] = (),
    worst: str = "max",
) -> Panel:
    """Values over time; steps are dashed lines across them. width: of 24. worst: `max` or `min`, for the legend."""
    panel = timeseries.Panel().title(title).description(description).datasource(PROMETHEUS).span(width).height(HEIGHT)
    panel.unit(looks.unit).line_width(2).fill_opacity(30 if stacked else 5).show_points(common.VisibilityMode.NEVER)
    panel.thresholds(_thresholds(looks)).links(list(links))
    if looks.steps:
        dashed = build.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        panel.thresholds_style(dashed)
    if stacked:
        panel.stacking(build.StackingConfig().mode(common.StackingMode.NORMAL).group("A"))
    if looks.decimals is not None:
        panel.decimals(looks.decimals)
    if looks.least is not None:
        panel.min(looks.least)
    if looks.most is not None:
        panel.max(looks.most)
    panel.legend(_legend().calcs(["lastNotNull", worst])).tooltip(_tooltip())
    return panel.targets(list(_targets(queries)))


def figures(
    title: str,
    description: str,
    looks: Looks,
    queries: Sequence[Query],
    width: int = 6,
    says: dict[str, tuple[str, str]] | None = None,
    height: int = 5,
) -> Panel:
    """The values of now, large, with the colour of their step. says: texts and colours instead of some values."""
    panel = stat.Panel().title(title).description(description).datasource(PROMETHEUS).span(width).height(height)
    panel.unit(looks.unit).thresholds(_thresholds(looks)).no_value("no data")
    panel.reduce_options(build.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
    panel.color_mode(common.BigValueColorMode.BACKGROUND).graph_mode(common.BigValueGraphMode.NONE)
    panel.text_mode(common.BigValueTextMode.AUTO)
    if looks.decimals is not None:
        panel.decimals(looks.decimals)
    if says:
        panel.mappings([_mapping(says)])
    return panel.targets(list(_targets(queries, instant=True)))


def states(
    title: str, description: str, queries: Sequence[Query], says: dict[str, tuple[str, str]], width: int = 24
) -> Panel:
    """What was so when: a bar a series. says: the text and colour of each value."""
    panel = statetimeline.Panel().title(title).description(description).datasource(PROMETHEUS)
    panel.span(width).height(6).mappings([_mapping(says)]).no_value("none in this time")
    panel.legend(build.VizLegendOptions().show_legend(False).display_mode(common.LegendDisplayMode.LIST))
    panel.show_value(common.VisibilityMode.NEVER)
    return panel.targets(list(_targets(queries)))


def link(title: str, url: str) -> boards.DashboardLink:
    """A link that opens beside the dashboard."""
    made = boards.DashboardLink(title).type(dashboard.DashboardLinkType.LINK).url(url).tooltip(url)
    return made.target_blank(True).icon("doc")


def _thresholds(looks: Looks) -> boards.ThresholdsConfig:
    steps = [dashboard.Threshold(value=None, color=looks.base)]
    steps += [dashboard.Threshold(value=value, color=colour) for value, colour in looks.steps]
    return boards.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps)


def _mapping(says: dict[str, tuple[str, str]]) -> dashboard.ValueMap:
    return dashboard.ValueMap(
        {
            value: dashboard.ValueMappingResult(text=text, color=colour, index=number)
            for number, (value, (text, colour)) in enumerate(says.items())
        }
    )


def _targets(queries: Sequence[Query], instant: bool = False) -> list[Dataquery]:
    made = []
    for number, query in enumerate(queries):
        target = Dataquery().expr(query.promql).legend_format(query.legend).ref_id(_ref(number)).datasource(PROMETHEUS)
        made.append(target.instant() if instant else target.range())
    return made


def _ref(number: int) -> str:
    """`A` to `Z`, then `A1`: each query of a panel has a name of its own."""
    turn, letter = divmod(number, 26)
    return chr(ord("A") + letter) + (str(turn) if turn else "")


def _legend() -> build.VizLegendOptions:
    made = build.VizLegendOptions().show_legend(True).display_mode(common.LegendDisplayMode.TABLE)
    return made.placement(common.LegendPlacement.BOTTOM)


def _tooltip() -> build.VizTooltipOptions:
    return build.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
