"""Crowd health: whether the load generator kept up, from the figures that it exported of itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import quantiles
from typing import Any


@dataclass(frozen=True)
class Crowd:
    """viewers: the most that were connected at once. lag: seconds, p99 of the seconds' worst. cpu: share of a core,
    the mean, None where it isn't known. saturated_seconds: how long the generator said that it couldn't keep up."""

    viewers: int
    lag: float
    cpu: float | None
    saturated_seconds: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def crowd(charts: list[dict[str, Any]]) -> Crowd | None:
    """The generator's health from the extracts of a run; None when it left nothing."""
    series = {(chart["panel"], chart["series"]): [value for _, value in chart["points"]] for chart in charts}
    viewers, lag = series.get(("Viewers", "connected"), []), series.get(("Generator", "lag p99"), [])
    if not viewers or not lag:
        return None
    cpu = series.get(("Generator", "CPU"), [])
    saturated = series.get(("Generator", "saturated"), [])
    return Crowd(
        viewers=round(max(viewers)),
        lag=_p99(lag),
        cpu=sum(cpu) / len(cpu) if cpu else None,
        saturated_seconds=float(sum(1 for value in saturated if value)),
    )


def _p99(values: list[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[98] if len(values) > 1 else values[0]
