"""Evidence of rehearsals whose stories are known, as run directories would have given it."""

from __future__ import annotations

from typing import Any

from runbooks.evidence import Action, Control, Look, Rehearsed, RunEvidence
from runbooks.generated.objective import Objective

LATENCY, KILL = "network.latency on inventory", "process.kill on inventory"
SLOW = "histogram_quantile(0.9, sum by (le) (rate(inventory_request_seconds_bucket[5s])))"
DOWN = 'min(up{job="inventory"})'
START = 1_800_000_000.0


def objective(**changes: Any) -> Objective:
    given: dict[str, Any] = {
        "name": "order-latency",
        "description": "An order is answered within 500 ms.",
        "wanted": "99 %",
        "budget": 0.01,
        "service": "storefront",
        "alerts": ("OrderLatencyBurn",),
        "severity": "page",
        "share": lambda window: f"sum(rate(bad[{window:g}s])) / sum(rate(all[{window:g}s]))",
        "events": lambda window: f"sum(rate(all[{window:g}s]))",
    }
    return Objective(**{**given, **changes})


def looks(cause: str | None) -> tuple[Look, ...]:
    """What a step of a runbook, one of a stranger, and two probes said."""
    slow, down = cause == LATENCY, cause == KILL
    level = 0.9 if slow else 0.02
    return (
        Look("inventory-slow", SLOW, cause, 10, 10 * slow, level, level, level, "order-latency", "> 0.3"),
        Look("always", "vector(1)", cause, 10, 10, 1.0, 1.0, 1.0, "other", "> 0"),
        Look("inventory-down", DOWN, cause, 10, None, float(not down), float(not down), float(not down)),
        Look("shop-busy", 'max(rate(process_cpu_seconds_total{job="shop"}[5s]))', cause, 10, None, 0.1, 0.1, 0.12),
    )


ACTIONS = (
    Action(
        "reserve-blocks",
        "http",
        'POST ${shop.admin}/reservation\n{"mode": "blocks"}',
        {"approve": True, "timeout": "15s", "undo": "reserve-singly", "when": "inventory-slow"},
        "Let the shop hold stock in blocks.",
    ),
    Action("reserve-singly", "http", 'POST ${shop.admin}/reservation\n{"mode": "singly"}', {"timeout": "15s"}),
    Action("restart", "sh", "systemctl restart inventory", {}),
)


def rehearsed(cause: str, **changes: Any) -> Rehearsed:
    given: dict[str, Any] = {
        "cause": cause,
        "fault": f"{cause}, for 20s",
        "lasted": 20.0,
        "bad": 0.5,
        "alert": "OrderLatencyBurn",
        "detected": 5.9,
        "production": 820.4,
        "replayed": True,
        "runbook": "order-latency",
        "fingerprint": "8ab29a8bc94a",
        "diagnosed": "inventory-slow",
        "mitigations": ("reserve-blocks",) if cause == LATENCY else ("restart",),
        "mitigated": 6.9,
        "recovered": 10.8,
        "outcome": "pass",
        "credit": True,
        "why": "without it there was no recovery before the fault healed",
    }
    return Rehearsed(**{**given, **changes})


def run(number: int = 1, *causes: str, control: str | None = None, **changes: Any) -> RunEvidence:
    """One run: in health, then under each of the causes."""
    given: dict[str, Any] = {
        "id": f"run-{number}",
        "at": START + 86_400 * number,
        "plan": "friday",
        "target": "embedded",
        "control": control,
        "plan_print": "5b259862b0cd",
        "rules": "dfb6a5ffb852",
        "target_print": "50ccfab7ef29",
        "parts": ("shop: process, admin", "inventory: process, link", "stream: process"),
        "rehearsed": tuple(rehearsed(cause) for cause in causes),
        "looks": tuple(look for cause in (None, *causes) for look in looks(cause)),
        "actions": ACTIONS,
    }
    return RunEvidence(**{**given, **changes})


def shown(control: str, outcome: Any, cause: str = LATENCY) -> Control:
    return Control(control, cause, outcome, f"it {outcome}s")


def unrehearsed(text: str) -> str:
    """A page of the library as people wrote it, before it was tried."""
    front, _, rest = text.partition("\nrehearsed:\n")
    words = rest[rest.index("---\n") :].partition("\n## Rehearsals\n")[0]
    return f"{front}\n{words}"
