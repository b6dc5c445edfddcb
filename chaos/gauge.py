"""Gauge: `flashcrowd_fault_active{fault,on}`, by which Prometheus, and so a dashboard, knows when what was broken.

It is 1 from a fault's injection until it is seen healed, then 0. It is served on a port of its own, by whoever injects:
a game day, an experiment or `chaos inject`. When that process ends the series ends, which to a dashboard is the same
as 0; a fault that could not be healed stays 1 until then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from flashcrowd.errors import NeedError
from flashcrowd.process import require_free

HOST = "127.0.0.1"
NAME = "flashcrowd_fault_active"


class Named(Protocol):
    """A fault, as far as the gauge knows one."""

    @property
    def kind(self) -> str: ...

    @property
    def on(self) -> str: ...


class FaultGauge(Collector):
    """What is broken now, told by the events of an injector.

    planned: faults that will come; they are 0 from the beginning, so that their first second is not missed.
    """

    def __init__(self, planned: Iterable[Named] = ()) -> None:
        self._known = {(fault.kind, fault.on) for fault in planned}
        self._active: dict[str, tuple[str, str]] = {}

    def event(self, kind: str, data: dict[str, Any]) -> None:
        """Take note of an injector's event (`chaos.injector.OnEvent`)."""
        if kind == "injected":
            self._active[data["id"]] = (data["fault"], data["on"])
            self._known.add((data["fault"], data["on"]))
        elif kind == "healed":
            self._active.pop(data["id"], None)

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        """One sample for each kind and component; two faults of the same make it no more than 1."""
        active = Counter(list(self._active.values()))
        family = GaugeMetricFamily(NAME, "1 while a fault is in place, 0 when it is healed", labels=["fault", "on"])
        for labels in sorted(self._known):
            family.add_metric(labels, float(active[labels] > 0))
        yield family

    @contextmanager
    def served(self, port: int | None, tell: Callable[[str], None], *others: Collector) -> Iterator[None]:
        """Answer scrapes on this port of the loopback address, of this and the others; without a port, do nothing.

        A port that is taken, by another injection perhaps, is told and hinders no fault: its window isn't marked then.
        """
        if port is None:
            yield
            return
        registry = CollectorRegistry()
        for collector in (self, *others):
            registry.register(collector)
        try:
            require_free(HOST, port, "the faults' metric")
            server, thread = start_http_server(port, addr=HOST, registry=registry)
        except (NeedError, OSError) as error:
            tell(f"dashboards won't show when it was broken: {error}")
            yield
            return
        try:
            yield
        finally:
            server.shutdown()  # waits for a scrape that is under way
            server.server_close()
            thread.join()
