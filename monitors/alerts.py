"""Alerts: the pages that Alertmanager or Prometheus tells of, as they come. We learn of a fault from here, never from
ourselves.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from flashcrowd.errors import NeedError
from monitors.prometheus import Alert

SILENT_FOR = 2.0
"""Seconds without an answer after which an Alertmanager counts as gone: whoever waits longer has his pages late."""

ROUNDING = 0.01
"""Seconds by which two sources may tell different times of the same moment: Alertmanager rounds to milliseconds."""


class Source(Protocol):
    """Who knows the alerts: a Prometheus, an Alertmanager, or a `Pager`, which is either."""

    async def alerts(self) -> list[Alert]:
        """All alerts there are. Raises NeedError when it doesn't answer."""


@dataclass(frozen=True)
class Page:
    """One activation of an alert that calls somebody.

    active_at: when its expression came true (where a rule has a `for`, Alertmanager knows when that had passed).
    fired_at: when we first saw it fire. Both unix seconds. source: `alertmanager` or `prometheus`. suppressed: why
    nobody is called all the same, as it is silenced; None for a page that is one.
    """

    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    active_at: float
    fired_at: float
    source: str = "prometheus"
    suppressed: str | None = None

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


class Pager:
    """One source at a time: Alertmanager while it answers, and Prometheus' own alerts from then on.

    lost: told the reason, once, when Alertmanager is gone.
    """

    def __init__(
        self, prometheus: Source, alertmanager: Source | None = None, lost: Callable[[str], None] = lambda _: None
    ) -> None:
        self._prometheus, self._alertmanager, self._lost = prometheus, alertmanager, lost
        self._answered, self._latest = time.monotonic(), list[Alert]()

    async def alerts(self) -> list[Alert]:
        """All alerts of the source; the latest that were told, while Alertmanager may yet come back.

        Raises:
            NeedError: Prometheus doesn't answer. InputError, GuardError: as `Alertmanager.alerts`.
        """
        if self._alertmanager is not None:
            try:
                self._latest = await self._alertmanager.alerts()
                self._answered = time.monotonic()
                return self._latest
            except NeedError as error:
                if time.monotonic() - self._answered < SILENT_FOR:
                    return self._latest
                if self._alertmanager is not None:  # another who asked may have been as quick
                    self._alertmanager = None
                    self._lost(str(error))
        return await self._prometheus.alerts()


async def watch(source: Source, since: float, every: float = 0.5, patience: int = 3) -> AsyncIterator[Page]:
    """Each page that began at `since` (unix seconds) or later, once, until the caller stops listening.

    An alert that ends and begins anew is a new page. One that is silenced is told once as that, and again as a page if
    its silence ends before it does. A `Pager` that turns to its other source tells nothing twice. every: seconds
    between looks. patience: how many looks in a row may go unanswered (each takes up to the client's timeout).

    Raises:
        NeedError: the source stopped answering. Watching may start anew, with a later `since`.
    """
    told = list[Page]()
    unanswered = 0
    while True:
        try:
            alerts = await source.alerts()
            unanswered = 0
        except NeedError:
            unanswered += 1
            if unanswered >= patience:
                raise
            alerts = []
        for alert in alerts:
            if _calls(alert) and alert.active_at >= since and not any(_is_told(alert, page) for page in told):
                told.append(_page(alert))
                yield told[-1]
        await asyncio.sleep(every)


def _calls(alert: Alert) -> bool:
    """Whether it is a page: by Sloth's label, as a user may have given `severity` another meaning."""
    severity = alert.labels.get("sloth_severity") or alert.labels.get("severity")
    return alert.state == "firing" and severity == "page"


def _page(alert: Alert) -> Page:
    return Page(
        alert.name, alert.labels, alert.annotations, alert.active_at, time.time(), alert.source, alert.suppressed
    )


def _is_told(alert: Alert, page: Page) -> bool:
    """Whether this page was of this activation. One that is no longer silenced is still to be told as a page."""
    if alert.source == page.source:
        unsilenced = page.suppressed is not None and alert.suppressed is None
        same = (alert.name, alert.labels, alert.active_at) == (page.name, page.labels, page.active_at)
        return same and not unsilenced
    # Prometheus after Alertmanager: it tells no external labels, and of a `for` the beginning instead of the end.
    agree = all(page.labels.get(name, value) == value for name, value in alert.labels.items())
    return alert.name == page.name and agree and alert.active_at <= page.active_at + ROUNDING
