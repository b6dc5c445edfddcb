"""Alerts: the pages that a Prometheus raises, as they come. We learn of a fault from here, never from ourselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from flashcrowd.errors import NeedError
from monitors.prometheus import Alert, Prometheus


@dataclass(frozen=True)
class Page:
    """One activation of an alert that calls somebody.

    active_at: when its expression came true. fired_at: when we first saw it fire. Both unix seconds.
    """

    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    active_at: float
    fired_at: float

    @property
    def slo(self) -> str:
        """The name of the SLO that burns; the alert's own name where no SLO's rule raised it."""
        return self.labels.get("sloth_slo", self.name)

    @property
    def runbook(self) -> str | None:
        return self.annotations.get("runbook")

    @property
    def policy(self) -> str | None:
        """The policy of windows whose rules raised it: `rehearsal`, `google-30d`."""
        return self.labels.get("policy")


async def watch(prometheus: Prometheus, since: float, every: float = 0.5, patience: int = 3) -> AsyncIterator[Page]:
    """Each page that began at `since` (unix seconds) or later, once, until the caller stops listening.

    An alert that ends and begins anew is a new page. every: seconds between looks. patience: how many looks in a row
    may go unanswered (each takes up to the client's timeout).

    Raises:
        NeedError: Prometheus stopped answering. Watching may start anew, with a later `since`.
    """
    seen: set[tuple[object, ...]] = set()
    unanswered = 0
    while True:
        try:
            alerts = await prometheus.alerts()
            unanswered = 0
        except NeedError:
            unanswered += 1
            if unanswered >= patience:
                raise
            alerts = []
        for alert in alerts:
            activation = (alert.name, *sorted(alert.labels.items()), alert.active_at)
            if _calls(alert) and alert.active_at >= since and activation not in seen:
                seen.add(activation)
                yield Page(alert.name, alert.labels, alert.annotations, alert.active_at, time.time())
        await asyncio.sleep(every)


def _calls(alert: Alert) -> bool:
    """Whether it is a page: by Sloth's label, as a user may have given `severity` another meaning."""
    severity = alert.labels.get("sloth_severity") or alert.labels.get("severity")
    return alert.state == "firing" and severity == "page"
