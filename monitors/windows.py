"""Windows: the pairs of windows over which a burning error budget is noticed, read from a file as cited data.

Multi-window, multi-burn-rate alerts are those of the SRE workbook, chapter 5 ("Alerting on SLOs"), approach 6: an
alert fires while the budget burns faster than `factor` over the long window, and over the short one too, so that it
ends soon after the trouble does.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from flashcrowd.documents import V1, Metadata, Model
from flashcrowd.documents import read as read_document
from flashcrowd.units import Duration, Ratio, format_duration
from monitors import library
from monitors.slo import Severity


class Pair(Model):
    """One pair of windows and the alert that it makes.

    long, short: seconds. factor: the burn rate, in budgets per period. budget: the share of the budget that is gone
    when an alert at just this rate fires. stands_for: the pair of another policy that this one rehearses, `1h/5m`.
    """

    severity: Severity
    long: Annotated[Duration, Field(gt=0)]
    short: Annotated[Duration, Field(gt=0)]
    factor: Annotated[float, Field(gt=0)]
    budget: Ratio | None = None
    stands_for: str | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Pair:
        if self.short >= self.long:
            raise ValueError("wants a short window that is shorter than the long one")
        return self

    @property
    def name(self) -> str:
        """`1h/5m`"""
        return f"{format_duration(self.long)}/{format_duration(self.short)}"


class Spec(Model):
    """period: the seconds of the error budget, where the pairs were derived from one. interval: the seconds between
    evaluations; None leaves it to the server."""

    period: Duration | None = None
    interval: Duration | None = None
    pairs: Annotated[list[Pair], Field(min_length=1)]

    @model_validator(mode="after")
    def _derived(self) -> Spec:
        """factor = budget × period / long, to four digits, wherever all of them are given."""
        for pair in self.pairs:
            if self.period is None or pair.budget is None:
                continue
            factor = pair.budget * self.period / pair.long
            if not math.isclose(pair.factor, factor, rel_tol=1e-4):
                raise ValueError(
                    f"{pair.budget * 100:g} % of {format_duration(self.period)} in {format_duration(pair.long)} "
                    f"is a factor of {factor:.5g}, not {pair.factor:g}; correct the factor or the budget"
                )
        return self


class WindowPolicy(Model):
    """A file of pairs (`kind: WindowPolicy`)."""

    api_version: Annotated[V1, Field(alias="apiVersion")] = "flashcrowd/v1"
    kind: Literal["WindowPolicy"] = "WindowPolicy"
    metadata: Metadata
    spec: Spec

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def interval(self) -> float | None:
        return self.spec.interval

    @property
    def pairs(self) -> list[Pair]:
        return self.spec.pairs

    @property
    def period(self) -> float | None:
        return self.spec.period

    def without_period(self) -> WindowPolicy:
        """The same pairs, of no period: its rules are those that alerts read, and nothing else."""
        return self.model_copy(update={"spec": self.spec.model_copy(update={"period": None})})

    @property
    def windows(self) -> list[float]:
        """Every window of its pairs once, in seconds, the shortest first."""
        return sorted({window for pair in self.pairs for window in (pair.long, pair.short)})


def builtin_names() -> list[str]:
    """Those that come with the package: `google-30d`, `-28d`, `-7d` for production, `rehearsal` for game days."""
    return library.names("windows")


def find(name_or_path: str, base: Path = Path()) -> WindowPolicy:
    """A built-in policy by name, or one from a file seen from `base`.

    Raises:
        InputError: neither is there, with the nearest name; DocumentError when the file is wrong.
    """
    return read_document(library.find("windows", name_or_path, base), WindowPolicy, kind="WindowPolicy")
