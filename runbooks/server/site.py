"""Site: what incidents are about, a platform with its Prometheus, and who allows to act on it without a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flashcrowd.guard import Guard
from flashcrowd.target import Target
from runbooks.audit import Audit
from runbooks.execution import Decision, Execution
from runbooks.executor import Executor
from runbooks.model import Runbook, Step
from runbooks.queries import Query
from runbooks.server.incident import Incident
from runbooks.server.touched import EVERYTHING, components

WORSE_AFTER = 3.0
"""Seconds for which things have to be worse than before a mitigation; with less, a single scrape would decide."""


@dataclass(frozen=True)
class Site:
    """query: None where there is no Prometheus. target: None where runbooks may only look. mitigate: `--mitigate`.

    mark: the headers that tell the target who we are. poll: seconds between two looks at something awaited.
    """

    query: Query | None
    guard: Guard
    target: Target | None = None
    mitigate: bool = False
    mark: Callable[[], Mapping[str, str]] = field(default=dict)
    worse_after: float = WORSE_AFTER
    poll: float = 0.5

    def forbids(self, runbook: Runbook) -> str:
        """Why this runbook may not be followed without a person, all reasons together; nothing when it may."""
        touched = components(runbook)
        reasons = [] if runbook.front.automatic else ["its front matter doesn't say automatic: true"]
        if self.target is None:
            reasons.append("no target was given")
        elif not self.target.spec.mitigations.allows(touched):
            what = "everything" if EVERYTHING in touched else ", ".join(sorted(touched))
            reasons.append(f"mitigations.automatic of {self.target.name} doesn't allow {what}")
        if not self.mitigate:
            reasons.append("runbook serve was started without --mitigate")
        return "; ".join(reasons)

    async def follow(
        self, runbook: Runbook, incident: Incident, execute: bool, listen: Callable[[str, dict[str, Any]], None]
    ) -> Execution:
        """Follow a runbook for an incident, its audit in the incident's folder. Raises as `Executor.run`."""
        with Audit(incident.audit, who="runbook serve") as audit:
            executor = Executor(
                runbook,
                query=self.query,
                guard=self.guard,
                variables=self.target.variables() if self.target is not None else {},
                audit=audit,
                execute=execute,
                approve=_nobody,
                on_event=listen,
                labels=incident.alert.labels,
                mark=self.mark,
                poll=self.poll,
                target=self.target.name if self.target is not None else "",
                worse_after=self.worse_after,
            )
            return await executor.run()


async def _nobody(step: Step) -> Decision:
    """There is nobody to ask. An automatic page asks nothing; if one did, it would be taken back."""
    return Decision.ABORT
