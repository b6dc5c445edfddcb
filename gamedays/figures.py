"""Figures: the few numbers that tell how a running game day goes, asked of Prometheus each second."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from monitors.prometheus import Prometheus
from monitors.slo import Slo

WINDOW = 5.0
"""Seconds over which a live SLI is taken."""

VIEWERS = 'sum(flashcrowd_viewers{state="connected"})'
ORDERS = "sum(rate(flashcrowd_orders_total[3s]))"
BARS = "▁▂▃▄▅▆▇█"


@dataclass
class Figures:
    """The latest values, and the last minute of two of them. good: share by SLO, None without events."""

    slos: Sequence[Slo]
    viewers: deque[float] = field(default_factory=lambda: deque(maxlen=60))
    orders: deque[float] = field(default_factory=lambda: deque(maxlen=60))
    good: dict[str, float | None] = field(default_factory=dict)

    async def refresh(self, prometheus: Prometheus) -> None:
        """Ask anew. Raises NeedError when Prometheus doesn't answer."""
        self.viewers.append(await prometheus.scalar(VIEWERS) or 0.0)
        self.orders.append(await prometheus.scalar(ORDERS) or 0.0)
        for slo in self.slos:
            bad = await prometheus.scalar(slo.ratio_query(WINDOW))
            self.good[slo.name] = None if bad is None else 1 - bad


def sparkline(values: Sequence[float], width: int) -> str:
    """The last `width` values as a row of bars; the highest of them fills its cell."""
    shown = list(values)[-width:]
    top = max(shown, default=0.0)
    if top <= 0:
        return BARS[0] * len(shown)
    return "".join(BARS[min(len(BARS) - 1, int(value / top * (len(BARS) - 1) + 0.5))] for value in shown)
