"""OpenSLO's indicators as queries of ours: bad and all events over a window, or the ratio of them.

OpenSLO says what is measured, and leaves to its readers how a query is asked over a window. Read here:
`{{.window}}` in a query is the window, as in Sloth. A counter without a range is `rate` over the window. Anything else
is a gauge, looked at once a minute.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import promql_parser

from flashcrowd.units import format_duration, parse_duration
from monitors.dialects.openslo import Objective, Op
from monitors.promql import expand, group, nodes

STEP = "1m"
"""How often a gauge is looked at."""
WINDOW = "{{.window}}"
_BAD: dict[Op, str] = {"lt": ">=", "lte": ">", "gt": "<=", "gte": "<"}
_GOOD: dict[Op, str] = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


@dataclass(frozen=True)
class Ratio:
    """good or bad, and total, each over `{{.window}}`."""

    total: str
    good: str | None = None
    bad: str | None = None

    @property
    def errors(self) -> str:
        """The bad events. All are bad where good has no series: `total - good` would give nothing, and that reads as 0
        bad ones."""
        if self.bad is not None:
            return self.bad
        assert self.good is not None
        total = group(self.total)
        return f"{total} - ({group(self.good)} or 0 * {total})"

    def share(self, window: str) -> str:
        """The good share over a fixed window; nothing where there was no event."""
        total = group(self.total)
        part = f"({group(self.good or self.errors)} or 0 * {total}) / {total}"
        return expand(f"({part if self.good is not None else f'1 - {part}'}) <= Inf", window)


def is_templated(query: str) -> bool:
    """Whether the query says itself where its window stands."""
    return expand(query, "") != query.strip()


def windowed(query: str, counter: bool) -> tuple[str, str | None]:
    """The query over `{{.window}}`, and what is doubtful about that.

    Raises:
        ValueError: a counter whose selectors can't be told apart in the text.
    """
    if is_templated(query):
        return query, None
    fixed = any(type(node).__name__ in ("MatrixSelector", "SubqueryExpr") for node in nodes(query))
    if counter and not fixed:
        return rated(query), None
    sampled = f"sum_over_time({group(query.strip())}[{WINDOW}:{STEP}])"
    why = "has a window of its own, so that it is looked at once a minute, each time the same weight; write {{.window}}"
    return sampled, why if fixed else None


def rated(query: str) -> str:
    """The query with `rate(SELECTOR[{{.window}}])` for each selector. Raises ValueError as `windowed`."""
    tree = promql_parser.parse(query)
    selectors = [node.prettify() for node in nodes(query) if type(node).__name__ == "VectorSelector"]
    text = tree.prettify()
    for selector in dict.fromkeys(selectors):
        place = re.compile(rf"(?<![\w:.\"]){re.escape(selector)}(?![\w:{{\"])")
        text = place.sub(lambda found: f"rate({_ranged(found[0])})", text)
    try:
        ranges = [node for node in nodes(expand(text, "5m")) if type(node).__name__ == "MatrixSelector"]
    except ValueError:
        ranges = []
    if len(ranges) != len(selectors):
        raise ValueError("can't be given a window; write rate(...[{{.window}}]) around what it counts")
    return " ".join(text.split()) if '"' not in text else text.strip()


def threshold(query: str, objective: Objective) -> tuple[str, str]:
    """Bad and all samples of a gauge, one a minute; what isn't a number isn't counted."""
    assert objective.op is not None and objective.value is not None
    number = f"{group(query.strip())} <= Inf"
    return _counted(number, f"{_BAD[objective.op]} bool {objective.value:g}", STEP)


def threshold_share(query: str, objective: Objective, window: str) -> str:
    """The good share of a gauge's samples in a slice, four of them."""
    assert objective.op is not None and objective.value is not None
    step = format_duration(max(1.0, parse_duration(window) / 4))
    compared = f"({group(query.strip())} <= Inf) {_GOOD[objective.op]} bool {objective.value:g}"
    return f"avg_over_time(({compared})[{window}:{step}])"


def slices(share: Callable[[str], str], window: str, target: float) -> tuple[str, str]:
    """Bad and all time slices: a slice is bad when its good share is below the target."""
    return _counted(share(window), f"< bool {target:g}", window)


def mean_of_slices(share: Callable[[str], str], window: str) -> str:
    """The bad share, each slice weighing the same."""
    return f"1 - avg_over_time(({share(window)})[{WINDOW}:{window}])"


def slice_window(value: int | str | None) -> str:
    """A slice as a Prometheus duration; a bare number is minutes. Raises ValueError where there is none."""
    if value is None:
        raise ValueError("wants timeSliceWindow, as 1m, since its budget is counted in time slices")
    text = f"{value}m" if isinstance(value, int) else value
    if parse_duration(text) <= 0:
        raise ValueError(f"'{value}' is no slice of time; write 1m, say")
    return text


def _counted(query: str, bad: str, step: str) -> tuple[str, str]:
    """The bad samples of a query and all of them. `bool` makes 0 of none, where a filter would make nothing."""
    return (
        f"sum(sum_over_time((({query}) {bad})[{WINDOW}:{step}]))",
        f"sum(count_over_time(({query})[{WINDOW}:{step}]))",
    )


def _ranged(selector: str) -> str:
    """A range goes before ` offset` and ` @`."""
    head, *rest = re.split(r"(?= offset | @ )", selector, maxsplit=1)
    return f"{head}[{WINDOW}]{''.join(rest)}"
