"""SLO: what users may expect of a service, how it is measured, and who is called when it burns.

The fields are those of a Sloth `prometheus/v1` file; `rehearsal` is ours alone and optional.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from flashcrowd.documents import Model
from flashcrowd.errors import InputError
from flashcrowd.units import format_duration
from monitors.counting.selectors import breaks
from monitors.promql import Unit, expand, group, unit


def _leaves_a_budget(objective: float) -> float:
    if not 0 < objective < 100:
        raise ValueError(f"{objective:g} is not between 0 and 100 percent, both excluded; write 99.9, say")
    return objective


Objective = Annotated[float, AfterValidator(_leaves_a_budget)]
"""Percent, as 99.5."""
Severity = Literal["page", "ticket"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")]
"""A name as Sloth allows it: letters, digits, `-`, `_`, `.`; it becomes part of `sloth_id`."""


def _as_text(value: object) -> object:
    """YAML's numbers and truths as the texts that labels are; Sloth reads them so too."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_as_text)]
Labels = dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], Text]


class EventsSli(Model):
    """Bad and all events; both queries hold `{{.window}}`."""

    error_query: str
    total_query: str


class RawSli(Model):
    """A ratio of bad events (0 to 1) that something else has worked out already; holds `{{.window}}`."""

    error_ratio_query: str


class Indicator(Model):
    """The SLI: events or raw, one of the two."""

    events: EventsSli | None = None
    raw: RawSli | None = None

    @model_validator(mode="after")
    def _one(self) -> Indicator:
        if (self.events is None) == (self.raw is None):
            raise ValueError("wants either events or raw")
        return self


class Alert(Model):
    """What one severity adds to the alerts of an SLO, or that it has none."""

    disable: bool = False
    labels: Labels = {}
    annotations: Labels = {}


class Alerting(Model):
    """The alerts of an SLO: their name, and what they carry."""

    name: str = ""
    labels: Labels = {}
    annotations: Labels = {}
    page_alert: Alert = Alert()
    ticket_alert: Alert = Alert()

    @model_validator(mode="after")
    def _named(self) -> Alerting:
        if not self.name and not (self.page_alert.disable and self.ticket_alert.disable):
            raise ValueError("wants a name, or page_alert and ticket_alert with disable: true")
        return self


class Rehearsal(Model):
    """How sure the judge has to be.

    min_events: fewer are never judged. At 100 one unlucky event is 1 %, so that it can't miss a 99 % objective by
    itself; and the interval takes events as independent, which a handful from the same second are not.
    confidence: of the two-sided interval; 0 compares the measured share itself.
    """

    min_events: Annotated[int, Field(ge=1)] = 100
    confidence: Annotated[float, Field(ge=0, lt=1)] = 0.95


class Interval(Model):
    """How often Sloth's rules are evaluated, as `2m`: all groups, or each. Ours follow the window policy."""

    all: str | None = None
    slierror: str | None = None
    metadata: str | None = None
    alert: str | None = None


class Plugins(Model):
    """Sloth's own plugins, Go code that only Sloth runs; kept as they are."""

    override_previous: Annotated[bool, Field(alias="overridePrevious")] = False
    chain: list[dict[str, Any]] = []


class Entry(Model):
    """An SLO as a file lists it, below the service that it is of."""

    name: Name
    objective: Objective
    description: str = ""
    labels: Labels = {}
    sli: Indicator
    alerting: Alerting
    rehearsal: Rehearsal = Rehearsal()
    interval: Interval | None = None
    plugins: Plugins | None = None


class Slo(Entry):
    """One SLO, complete: its labels are those of the file and its own. slo_plugins: the file's."""

    service: Name
    slo_plugins: Plugins | None = None

    @property
    def id(self) -> str:
        """`sloth_id`: unique in one Prometheus."""
        return f"{self.service}-{self.name}"

    @property
    def budget(self) -> float:
        """The share of events (0 to 1) that may be bad."""
        return budget_of(self.objective)

    @property
    def runbook(self) -> str | None:
        """The `runbook` annotation of its page: a runbook's name, or a URL."""
        alert = self.alert("page")
        return (alert or self.alerting).annotations.get("runbook")

    def alert(self, severity: Severity) -> Alert | None:
        """What alerts of this severity carry, the common part included; None when they are disabled."""
        common, own = self.alerting, self.alerting.page_alert if severity == "page" else self.alerting.ticket_alert
        if own.disable:
            return None
        return Alert(labels={**common.labels, **own.labels}, annotations={**common.annotations, **own.annotations})

    def bad_query(self, window: float) -> str:
        """PromQL of the bad events per second over the last `window` seconds.

        Prometheus knows a series from its first event on, so a service without any error has no error series: that
        is no bad event, and `or 0 * total` says so. Where the total has no series either nothing comes out of it,
        which is no data. The labels of both sides are the same, as the division of one by the other wants anyway. A
        query that `selectors.breaks` gives nothing for other reasons too, and then that is no data.

        Raises:
            InputError: a raw SLI, which counts no events.
        """
        errors = self.error_query(window)
        return errors if breaks(errors) else f"{errors} or 0 * {self.total_query(window)}"

    def error_query(self, window: float) -> str:
        """As `bad_query`, but without an answer while there is no error series."""
        return self._per_second(self._events().error_query, window)

    def total_query(self, window: float) -> str:
        """PromQL of all events per second over the last `window` seconds. Raises InputError as `bad_query`."""
        return self._per_second(self._events().total_query, window)

    def ratio_query(self, window: float) -> str:
        """PromQL of the bad share over the last `window` seconds, each event weighing the same."""
        if self.sli.raw is not None:
            return group(expand(self.sli.raw.error_ratio_query, format_duration(window)))
        return f"({self.bad_query(window)}) / {self.total_query(window)}"

    def _events(self) -> EventsSli:
        if self.sli.events is None:
            raise InputError(f"{self.id} is measured as a ratio, which counts no events; give sli.events instead")
        return self.sli.events

    def _per_second(self, query: str, window: float) -> str:
        text = group(expand(query, format_duration(window)))
        return f"({text} / {window:.12g})" if unit(query) is Unit.EVENTS else text


class Part(Model):
    """An SLO inside a composite. slo: its name in a file; its id in a `Composite`."""

    slo: str
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1


class CompositeEntry(Model):
    """A composite as a file lists it, below the service that it is of; it wants either `of` or `all`.

    of: a weighted mean of the parts. all: every part counts in full.
    """

    name: Name
    objective: Objective
    description: str = ""
    of: Annotated[tuple[Part, ...], Field(min_length=1)] | None = None
    all: Annotated[tuple[str, ...], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one(self) -> CompositeEntry:
        if (self.of is None) == (self.all is None):
            raise ValueError("wants either of, a list of {slo: NAME, weight: 1}, or all, a list of names")
        if len(set(self.names)) < len(self.names):
            raise ValueError("has the same SLO twice")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """What its parts are called, in order."""
        return tuple(part.slo for part in self.of) if self.of is not None else self.all or ()


class Composite(CompositeEntry):
    """An SLO made of other SLOs, complete: its parts are named by `Slo.id`."""

    service: Name

    @property
    def id(self) -> str:
        """As `Slo.id`, and unique among those."""
        return f"{self.service}-{self.name}"

    @property
    def budget(self) -> float:
        """As `Slo.budget`."""
        return budget_of(self.objective)


def budget_of(objective: float) -> float:
    """The share (0 to 1) that may be bad; decimal arithmetic, so that 99.9 gives 0.001."""
    return float((100 - Decimal(str(objective))) / 100)
