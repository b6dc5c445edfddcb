"""OpenSLO's indicators: which of our two SLIs an SLO's one is, its queries parsed, every fault with its line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flashcrowd.documents import Document
from flashcrowd.errors import DocumentError, Problem
from monitors.dialects import openslo, openslo_queries
from monitors.dialects.openslo_labels import say
from monitors.dialects.openslo_queries import Ratio
from monitors.dialects.places import Path
from monitors.promql import Unit, expand, fault, group, syntax_fault, unit
from monitors.slo import EventsSli, Indicator, RawSli

Parts = dict[str, tuple[Document, Path]]


@dataclass(frozen=True)
class Lookup:
    """What an indicator is read with: the SLO, one of its objectives and its place, the place of the indicator's spec,
    the data sources of the files, and the list that takes warnings."""

    spec: openslo.SloSpec
    objective: openslo.Objective
    document: Document
    path: Path
    where: tuple[Document, Path]
    data_source: Callable[[str], openslo.DataSource | None]
    warnings: list[Problem]

    def query(self, metric: openslo.Metric, *path: str) -> str:
        """The text of a metric that Prometheus is to be asked. Raises DocumentError where it isn't one."""
        source, steps = metric.metric_source, (*path, "metricSource")
        kind = source.type
        if kind is None and source.metric_source_ref is not None:
            known = self.data_source(source.metric_source_ref)
            if known is None:
                raise self.fault(f"there is no DataSource '{source.metric_source_ref}' in these files", *steps)
            kind = known.spec.type
        if kind is None or kind.lower() != "prometheus":
            raise self.fault(f"is measured by {kind or 'nobody knows whom'}; only type: Prometheus is asked", *steps)
        query = (source.spec or {}).get("query")
        if not isinstance(query, str):
            raise self.fault("wants query, the PromQL to ask", *steps, "spec")
        for name in source.spec or {}:
            if name != "query":
                raise self.fault("unknown field; known: query", *steps, "spec", str(name))
        if (wrong := syntax_fault(expand(query, "5m"))) is not None:
            raise self.fault(wrong, *steps, "spec", "query")
        return query

    def fault(self, message: str, *path: str) -> DocumentError:
        """A fault at a path below the indicator's spec."""
        document, base = self.where
        return DocumentError([document.problem((*base, *path), message)])

    def warn(self, message: str, *path: str) -> None:
        """A warning at such a path."""
        document, base = self.where
        say(self.warnings, document.problem((*base, *path), message))

    def place(self, *path: str) -> tuple[Document, Path]:
        """Where the query of a metric stands."""
        document, base = self.where
        return document, (*base, *path, "metricSource", "spec", "query")


def indicator(sli: openslo.SliSpec, lookup: Lookup) -> tuple[Indicator, Parts]:
    """The SLI, and the places of its queries. Raises DocumentError with what is wrong."""
    if sli.threshold_metric is not None:
        found, parts = _threshold(sli.threshold_metric, lookup)
    elif sli.ratio_metric is not None and sli.ratio_metric.raw is not None:
        found, parts = _raw(sli.ratio_metric, lookup)
    else:
        assert sli.ratio_metric is not None
        found, parts = _ratio(sli.ratio_metric, lookup)
    queries = [query for query in _queries(found) if (wrong := fault(query)) is not None]
    if queries:
        raise lookup.fault(f"{wrong}: {queries[0]}")
    return found, parts


def _threshold(metric: openslo.Metric, lookup: Lookup) -> tuple[Indicator, Parts]:
    query, objective, method = lookup.query(metric, "thresholdMetric"), lookup.objective, lookup.spec.budgeting_method
    place = lookup.place("thresholdMetric")
    if objective.op is None or objective.value is None:
        raise _at_objective(lookup, "wants op and value, which a thresholdMetric is compared with")
    if openslo_queries.is_templated(query):
        raise lookup.fault("has {{.window}}, but a threshold is for single samples; give it a range of its own",
                           "thresholdMetric", "metricSource", "spec", "query")  # fmt: skip
    if method == "RatioTimeslices":
        raise _at_objective(lookup, "RatioTimeslices wants a ratioMetric", spec=True)
    if method == "Timeslices":
        bad, total = _slices(lookup, lambda window: openslo_queries.threshold_share(query, objective, window))
    else:
        bad, total = openslo_queries.threshold(query, objective)
    return _events(bad, total), {"error_query": place, "total_query": place}


def _ratio(ratio: openslo.RatioMetric, lookup: Lookup) -> tuple[Indicator, Parts]:
    name, metric = ("bad", ratio.bad) if ratio.bad is not None else ("good", ratio.good)
    assert metric is not None and ratio.total is not None
    first = _over_window(lookup, metric, ratio.counter, name)
    read = Ratio(_over_window(lookup, ratio.total, ratio.counter, "total"), **{name: first})
    parts = {"error_query": lookup.place("ratioMetric", name), "total_query": lookup.place("ratioMetric", "total")}
    units = {unit(first), unit(read.total)}
    if len(units) > 1 or Unit.MIXED in units:
        raise lookup.fault(
            f"{name} and total differ: one counts events, the other events per second; use rate in both", "ratioMetric"
        )
    match lookup.spec.budgeting_method:
        case "Timeslices":
            return _events(*_slices(lookup, read.share)), parts
        case "RatioTimeslices":
            query = openslo_queries.mean_of_slices(read.share, _window(lookup))
            return Indicator(raw=RawSli(error_ratio_query=query)), {"error_ratio_query": parts["error_query"]}
        case _:
            return _events(read.errors, read.total), parts


def _raw(ratio: openslo.RatioMetric, lookup: Lookup) -> tuple[Indicator, Parts]:
    assert ratio.raw is not None
    query = lookup.query(ratio.raw, "ratioMetric", "raw")
    if lookup.spec.budgeting_method != "Occurrences":
        raise _at_objective(lookup, "time slices of a raw ratio aren't read; give good or bad, and total", spec=True)
    if not openslo_queries.is_templated(query):
        lookup.warn(
            "has no {{.window}}: its mean over the window is taken, a sample a minute, each of the same weight",
            "ratioMetric", "raw", "metricSource", "spec", "query",
        )  # fmt: skip
        query = f"avg_over_time({group(query.strip())}[{openslo_queries.WINDOW}:{openslo_queries.STEP}])"
    if ratio.raw_type == "success":
        query = f"1 - {group(query)}"
    place = lookup.place("ratioMetric", "raw")
    return Indicator(raw=RawSli(error_ratio_query=query)), {"error_ratio_query": place}


def _over_window(lookup: Lookup, metric: openslo.Metric, counter: bool, name: str) -> str:
    path = ("ratioMetric", name)
    try:
        query, doubt = openslo_queries.windowed(lookup.query(metric, *path), counter)
    except ValueError as error:
        if isinstance(error, DocumentError):
            raise
        raise lookup.fault(str(error), *path, "metricSource", "spec", "query") from None
    if doubt is not None:
        lookup.warn(doubt, *path, "metricSource", "spec", "query")
    return query


def _slices(lookup: Lookup, share: Callable[[str], str]) -> tuple[str, str]:
    if lookup.objective.time_slice_target is None:
        raise _at_objective(lookup, "wants timeSliceTarget, since its budget is counted in time slices")
    return openslo_queries.slices(share, _window(lookup), lookup.objective.time_slice_target)


def _window(lookup: Lookup) -> str:
    try:
        return openslo_queries.slice_window(lookup.objective.time_slice_window)
    except ValueError as error:
        raise _at_objective(lookup, str(error)) from None


def _at_objective(lookup: Lookup, message: str, spec: bool = False) -> DocumentError:
    return DocumentError([lookup.document.problem(("spec", "budgetingMethod") if spec else lookup.path, message)])


def _events(bad: str, total: str) -> Indicator:
    return Indicator(events=EventsSli(error_query=bad, total_query=total))


def _queries(sli: Indicator) -> list[str]:
    if sli.events is not None:
        return [sli.events.error_query, sli.events.total_query]
    return [sli.raw.error_ratio_query] if sli.raw is not None else []
