"""Unseen: SLOs that nothing has hit, alerts without a runbook, runbooks nobody followed, components nobody broke."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chaos.catalogue import Kind
from gamedays.coverage.cell import Cell
from gamedays.coverage.hole import Close, Gap, Hole
from gamedays.coverage.plans import Plans
from gamedays.coverage.row import Severity, severity
from gamedays.coverage.seen import Seen
from gamedays.coverage.step import easiest, step
from gamedays.coverage.subject import Page, Subject
from monitors.slo import Slo

NO_COMPONENT = "give the target file a component with a process or a link"


@dataclass(frozen=True)
class Unseen:
    """What there is beside what was seen of it."""

    subject: Subject
    cells: Sequence[Cell]
    seen: Seen
    plans: Plans

    def holes(self) -> Iterator[Hole]:
        """All of them, in no order."""
        hit = {cell.slo for cell in self.cells}
        for slo in self.subject.slos:
            if slo.name not in hit:
                yield self._never_hit(slo)
            if severity(slo) == "page" and (why := self._no_runbook(slo)) is not None:
                yield why
        for page in self.subject.pages:
            if page.name not in self.seen.followed and not any(slo.runbook == page.name for slo in self.subject.slos):
                yield self._never_followed(page)
        for name in self.subject.components:
            yield from self._component(name)

    @property
    def severity(self) -> Severity:
        """Of what may hit any SLO: the highest there is."""
        return "page" if any(severity(slo) == "page" for slo in self.subject.slos) else "ticket"

    def untried(self, component: str) -> tuple[Kind, ...]:
        """The kinds that would work on a component and were never seen on it."""
        tried = self.seen.broken.get(component, {})
        return tuple(kind for kind in self.subject.kinds.get(component, ()) if kind.name not in tried)

    def _never_hit(self, slo: Slo) -> Hole:
        text = f"no fault was ever seen to hit {slo.name}"
        if severity(slo) == "page":
            under_none = f"{slo.alerting.name} fired, but under none" if slo.name in self.seen.fired else None
            text += f"; {under_none or f'nobody has seen {slo.alerting.name} fire'}"
        return Hole(Gap.NEVER, "slo", slo.name, text, self._hit(slo), severity(slo), slo.objective)

    def _hit(self, slo: Slo) -> Close:
        """A plan that expects it, or a step: on the component that is called as its service, else on one whose faults
        hit the same service, else on one that was never broken."""
        if (plan := self.plans.for_slo(slo.name)) is not None:
            return plan.again()
        services = {other.name: other.service for other in self.subject.slos}
        near = [cell.latest.on for cell in self.cells if services.get(cell.slo or "") == slo.service]
        never = [name for name in self.subject.components if name not in self.seen.broken]
        same = [slo.service] if slo.service in self.subject.components else []
        for name in (*same, *near, *never, *self.subject.components):
            if kinds := self.untried(name):
                return Close(step=step(easiest(kinds), name, slo), first="on whichever component it stands on")
        return Close(first=NO_COMPONENT)

    def _no_runbook(self, slo: Slo) -> Hole | None:
        alert, page = slo.alerting.name, self.subject.page(slo.runbook)
        if slo.runbook is None:
            text = f"{alert} calls somebody and names no runbook"
        elif page is not None and page.runbook is None and page.name not in self.seen.followed:
            text = f"{alert} names {page.name}, which {page.why}"
        else:
            return None
        close = Close(f"flashcrowd runbook generate {slo.name}")
        return Hole(Gap.NEVER, "alert", alert, text, close, "page", slo.objective)

    def _never_followed(self, page: Page) -> Hole:
        names = [slo for slo in self.subject.slos if page.runbook is not None and self._is_for(page, slo)]
        close = Close(first=f"name it in an alert: annotations: {{runbook: {page.name}}}")
        if names:
            again = self.plans.for_slo(names[0].name)
            close = Close(again.again().command if again is not None else None, first=close.first)
        urgent: Severity = page.runbook.front.severity if page.runbook is not None else "page"
        text = f"{page.name} was never followed, and no SLO's alert names it"
        return Hole(Gap.NEVER, "runbook", page.name, text, close, urgent, names[0].objective if names else None)

    def _is_for(self, page: Page, slo: Slo) -> bool:
        assert page.runbook is not None
        return slo.alerting.name in page.runbook.front.alerts or page.runbook.front.slo == slo.name

    def _component(self, name: str) -> Iterator[Hole]:
        kinds, count = self.untried(name), len(self.untried(name))
        would, names = "kind would work" if count == 1 else "kinds would work", ", ".join(kind.name for kind in kinds)
        if name in self.seen.broken:
            if kinds:
                text = f"{name} was broken; {count} more {would}: {names}"
                close = Close(step=step(easiest(kinds), name))
                yield Hole(Gap.UNTRIED, "component", name, text, close, self.severity)
            return
        if (plan := self.plans.for_component(name)) is not None:
            close = plan.again()
        else:
            close = Close(step=step(easiest(kinds), name)) if kinds else Close(first=NO_COMPONENT)
        text = f"{name} was never broken" + (f"; {count} {would}: {names}" if kinds else ", and nothing can")
        yield Hole(Gap.NEVER, "component", name, text, close, self.severity)
