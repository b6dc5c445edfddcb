"""Alerts: whether each alert leads to a page that is there, and each page is led to by one that can be raised.

An alert names its page in the annotation `runbook` (a name, or a file) or `runbook_url`; a page names its alerts in
its front matter. Addresses of pages elsewhere are the business of whoever keeps them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from flashcrowd.documents import did_you_mean
from flashcrowd.errors import Problem
from runbooks.catalogue import builtin_names
from runbooks.lint.finding import Finding, finding
from runbooks.lint.pages import Page


@dataclass(frozen=True)
class Alert:
    """An alert that some rule raises, and where that stands; place has no message."""

    name: str
    annotations: Mapping[str, str]
    place: Problem

    def finding(self, rule: str, message: str) -> Finding:
        """A finding at the alert's place."""
        return finding(rule, self.place.file, self.place.line, message, self.place.path)


@dataclass(frozen=True)
class Alerts:
    """All that is known of alerts. slos: the names of SLOs, None when no SLO files were given. base: the address of
    the folder of runbooks, as `slo rules --runbooks` has it."""

    alerts: Sequence[Alert]
    slos: frozenset[str] | None = None
    base: str | None = None


def findings(pages: Sequence[Page], known: Alerts) -> Iterator[Finding]:
    """What doesn't fit between pages and alerts."""
    there = _Pages(pages)
    for alert in known.alerts:
        yield from _alert(alert, there, known.base)
    names = {alert.name for alert in known.alerts}
    for page in pages:
        yield from _page(page, names, known.slos)


def unled(pages: Sequence[Page]) -> Iterator[Finding]:
    """Pages that name no alert at all; this needs no rules."""
    for page in pages:
        if page.has_front and not page.runbook.front.alerts:
            yield _of(page, "no-alert", "names no alert, so that no page leads to it; add it to alerts", "alerts")


def _page(page: Page, names: set[str], slos: frozenset[str] | None) -> Iterator[Finding]:
    front = page.runbook.front
    if not page.has_front:
        return
    for alert in front.alerts:
        if alert not in names:
            near = did_you_mean(alert, names)
            yield _of(page, "unknown-alert", f"no rule raises {alert}{near if _is_near(near) else ''}", "alerts")
    if slos is not None and front.slo is not None and front.slo not in slos:
        yield _of(page, "unknown-slo", f"no SLO is called '{front.slo}'{did_you_mean(front.slo, slos)}", "slo")


def _alert(alert: Alert, there: _Pages, base: str | None) -> Iterator[Finding]:
    by_name = there.naming(alert.name)
    given = [text for key in ("runbook", "runbook_url") if (text := alert.annotations.get(key, "").strip())]
    if not given and by_name:
        message = f"{by_name[0].name} says that it answers {alert.name}; name it: runbook: {by_name[0].name}"
        yield alert.finding("one-sided", message)
    elif not given:
        yield alert.finding("no-runbook", f"{alert.name} has no runbook; who is paged by it starts from nothing")
    for text in given:
        name = _named(text, base)
        if name is None:
            continue
        if not there.has(name, alert.place.file):
            yield alert.finding("unknown-runbook", f"{alert.name}: no runbook '{name}'{there.near(name)}")
        elif (page := there.page(name)) is not None and page.has_front and page not in by_name:
            yield alert.finding("one-sided", f"{page.name}, the runbook of {alert.name}, doesn't name it in its alerts")


def _named(text: str, base: str | None) -> str | None:
    """The runbook that an annotation names, None when it is a page elsewhere, or a template."""
    if "{{" in text:
        return None
    if "://" not in text:
        return text
    if base is None or not text.startswith(f"{base.rstrip('/')}/"):
        return None
    rest = urlsplit(text[len(base.rstrip("/")) + 1 :]).path
    return unquote(rest).removesuffix(".md").removesuffix(".html")


class _Pages:
    """The pages there are: those that are looked at, those beside them, and the built-in ones."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self._pages = {page.name: page for page in pages}
        beside = {file.stem for folder in {page.file.parent for page in pages} for file in folder.glob("*.md")}
        self._names = {*self._pages, *builtin_names(), *beside}

    def naming(self, alert: str) -> list[Page]:
        """The pages that name an alert."""
        return [page for page in self._pages.values() if alert in page.runbook.front.alerts]

    def has(self, name: str, file: Path) -> bool:
        """Whether a runbook is there, by its name or as a file, seen from a rule's file or from here."""
        if name in self._names:
            return True
        try:
            return name.endswith(".md") and any((folder / name).is_file() for folder in (file.parent, Path()))
        except (OSError, ValueError):
            return False

    def page(self, name: str) -> Page | None:
        """The page that is looked at of this name or file name."""
        return self._pages.get(Path(name).stem if name.endswith(".md") else name)

    def near(self, name: str) -> str:
        """Which one may be meant."""
        return near if _is_near(near := did_you_mean(name, self._names)) else ""


def _of(page: Page, rule: str, message: str, field: str) -> Finding:
    line = next((number for number, line in enumerate(page.front, 1) if line.startswith(f"{field}:")), 0)
    return finding(rule, page.file, line, message, field)


def _is_near(hint: str) -> bool:
    return hint.startswith("; did")
