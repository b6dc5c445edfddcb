"""Gauges: what the server exports to Prometheus, in a registry of its own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from runbooks.gauge import StepGauge
from runbooks.server.incident import State


class Gauges:
    """Alerts by what became of them, incidents that are open by state, mitigations by outcome, steps that run."""

    def __init__(self) -> None:
        self.registry, self.steps = CollectorRegistry(), StepGauge()
        self.registry.register(self.steps)
        self._alerts = Counter(
            "flashcrowd_alerts", "Alerts and messages, by what became of them.", ["outcome"], registry=self.registry
        )
        self._incidents = Gauge("flashcrowd_incidents", "Open incidents.", ["state"], registry=self.registry)
        self._mitigations = Counter(
            "flashcrowd_mitigations", "Mitigations without a person.", ["outcome"], registry=self.registry
        )

    def alert(self, outcome: str) -> None:
        self._alerts.labels(outcome).inc()

    def mitigation(self, outcome: str) -> None:
        self._mitigations.labels(outcome).inc()

    def text(self, states: list[State]) -> bytes:
        """The exposition, the open incidents being in these states."""
        for state in State:
            self._incidents.labels(state.value).set(states.count(state))
        return generate_latest(self.registry)
