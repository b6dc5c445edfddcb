"""OpenSLO: the objects of its version 1, as a file has them (https://github.com/OpenSLO/OpenSLO).

What it leaves open (`spec` of a metric source, `connectionDetails`) stays open, but for Prometheus' `query`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from flashcrowd.documents import Model
from monitors.slo import Text

Op = Literal["lte", "gte", "lt", "gt"]


class OpenModel(Model):
    """Base: fields are spelled as OpenSLO does, in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=False)


class Meta(OpenModel):
    name: str
    display_name: str = ""
    labels: dict[str, Text | list[Text]] = {}
    annotations: dict[str, Text] = {}


class MetricSource(OpenModel):
    metric_source_ref: str | None = None
    type: str | None = None
    spec: dict[str, Any] | None = None


class Metric(OpenModel):
    metric_source: MetricSource


class RatioMetric(OpenModel):
    counter: bool = False
    good: Metric | None = None
    bad: Metric | None = None
    total: Metric | None = None
    raw: Metric | None = None
    raw_type: Literal["success", "failure"] | None = None

    @model_validator(mode="after")
    def _one(self) -> RatioMetric:
        parts = [self.good is not None, self.bad is not None]
        if self.raw is not None:
            if any(parts) or self.total is not None or self.raw_type is None:
                raise ValueError("wants raw with rawType, success or failure, and neither good, bad nor total")
        elif sum(parts) != 1 or self.total is None:
            raise ValueError("wants total with either good or bad, or else raw with rawType")
        return self


class SliSpec(OpenModel):
    description: str = ""
    ratio_metric: RatioMetric | None = None
    threshold_metric: Metric | None = None

    @model_validator(mode="after")
    def _one(self) -> SliSpec:
        if (self.ratio_metric is None) == (self.threshold_metric is None):
            raise ValueError("wants either ratioMetric or thresholdMetric")
        return self


class InlineSli(OpenModel):
    metadata: Meta | None = None
    spec: SliSpec


class TimeWindow(OpenModel):
    duration: str
    is_rolling: bool | None = None
    calendar: dict[str, Any] | None = None


class Objective(OpenModel):
    """One threshold. The last three are composites, which later drafts have; they are told, not read."""

    display_name: str = ""
    op: Op | None = None
    value: float | None = None
    target: Annotated[float, Field(gt=0, lt=1)] | None = None
    target_percent: Annotated[float, Field(gt=0, lt=100)] | None = None
    time_slice_target: Annotated[float, Field(gt=0, le=1)] | None = None
    time_slice_window: int | str | None = None
    indicator: Any = None
    indicator_ref: Any = None
    composite_weight: Any = None

    @model_validator(mode="after")
    def _one(self) -> Objective:
        if (self.target is None) == (self.target_percent is None):
            raise ValueError("wants either target, as 0.999, or targetPercent, as 99.9")
        return self


class SloSpec(OpenModel):
    description: str = ""
    service: str
    indicator: InlineSli | None = None
    indicator_ref: str | None = None
    time_window: Annotated[list[TimeWindow], Field(max_length=1)] = []
    budgeting_method: Literal["Occurrences", "Timeslices", "RatioTimeslices"] = "Occurrences"
    objectives: Annotated[list[Objective], Field(min_length=1)]
    alert_policies: list[Any] | None = None

    @model_validator(mode="after")
    def _one(self) -> SloSpec:
        if (self.indicator is None) == (self.indicator_ref is None):
            raise ValueError("wants either indicator or indicatorRef")
        return self


class Condition(OpenModel):
    kind: Literal["burnrate"] = "burnrate"
    op: Op | None = None
    threshold: float
    lookback_window: str
    alert_after: str = "0m"


class ConditionSpec(OpenModel):
    description: str = ""
    severity: str
    condition: Condition


class PolicySpec(OpenModel):
    description: str = ""
    alert_when_no_data: bool = False
    alert_when_resolved: bool = False
    alert_when_breaching: bool = False
    conditions: Annotated[list[dict[str, Any]], Field(min_length=1)]
    notification_targets: list[dict[str, Any]] = []


class SourceSpec(OpenModel):
    description: str = ""
    type: str
    connection_details: Any = None


class OpenObject(OpenModel):
    """What all have. api_version: inline objects go without."""

    api_version: Literal["openslo/v1"] = "openslo/v1"
    metadata: Meta


class SloObject(OpenObject):
    kind: Literal["SLO"]
    spec: SloSpec


class SliObject(OpenObject):
    kind: Literal["SLI"]
    spec: SliSpec


class AlertPolicy(OpenObject):
    kind: Literal["AlertPolicy"] = "AlertPolicy"
    spec: PolicySpec


class AlertCondition(OpenObject):
    kind: Literal["AlertCondition"] = "AlertCondition"
    spec: ConditionSpec


class DataSource(OpenObject):
    kind: Literal["DataSource"]
    spec: SourceSpec


class TargetSpec(OpenModel):
    description: str = ""
    target: str


class AlertNotificationTarget(OpenObject):
    kind: Literal["AlertNotificationTarget"]
    spec: TargetSpec


class ServiceSpec(OpenModel):
    description: str = ""


class Service(OpenObject):
    kind: Literal["Service"]
    spec: ServiceSpec = ServiceSpec()


MODELS: dict[str, type[OpenObject]] = {
    "SLO": SloObject,
    "SLI": SliObject,
    "AlertPolicy": AlertPolicy,
    "AlertCondition": AlertCondition,
    "AlertNotificationTarget": AlertNotificationTarget,
    "DataSource": DataSource,
    "Service": Service,
}
