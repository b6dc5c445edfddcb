"""Figures: the few numbers that tell how a running game day goes, asked of Prometheus each second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from monitors.prometheus import Prometheus
from monitors.slo import Slo

WINDOW = 5.0
"""Seconds over which a live SLI is taken."""

KEPT = 300
"""Values of each series: five minutes, as many columns as the widest screen has for them."""

VIEWERS = 'sum(flashcrowd_viewers{state="connected"})'
ORDERS = "sum(rate(flashcrowd_orders_total[3s]))"
COMMENTS = 'sum(rate(flashcrowd_requests_total{name="say",outcome="ok"}[3s]))'


@dataclass(frozen=True)
class Figures:
    """The latest values, oldest first. good: the good share by SLO, None for a second without events."""

    viewers: tuple[float, ...] = ()
    orders: tuple[float, ...] = ()
    comments: tuple[float, ...] = ()
    good: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)

    def latest(self, slo: str) -> float | None:
        """The good share now; None when nothing is known of it."""
        return (self.good.get(slo) or (None,))[-1]


async def asked(before: Figures, slos: Sequence[Slo], prometheus: Prometheus) -> Figures:
    """The figures with those of now added. Raises NeedError when Prometheus doesn't answer."""
    viewers, orders, comments = [await prometheus.scalar(query) or 0.0 for query in (VIEWERS, ORDERS, COMMENTS)]
    good = dict(before.good)
    for slo in slos:
        bad = await prometheus.scalar(slo.ratio_query(WINDOW))
        share = None if bad is None else min(1.0, max(0.0, 1 - bad))
        good[slo.name] = (*good.get(slo.name, ()), share)[-KEPT:]
    return Figures(
        (*before.viewers, viewers)[-KEPT:], (*before.orders, orders)[-KEPT:], (*before.comments, comments)[-KEPT:], good
    )
