"""Runbook lint: `runbook lint` as it is typed: the pages' own rules, and what alerts, plans and a server know."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flashcrowd.documents import did_you_mean
from flashcrowd.errors import InputError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.target import Target, read_target
from gamedays.evidence import lint_alerts, lint_evidence, lint_queries
from monitors.access import Access
from monitors.prometheus import Prometheus
from runbooks.lint import alerts, evidence, links, pages, run, web
from runbooks.lint.finding import RULES, Finding
from runbooks.lint.report import Report, report


@dataclass(frozen=True)
class Asked:
    """What `runbook lint` is given, as its options are called. paths: none is the built-in library."""

    paths: Sequence[str] = ()
    prometheus: str | None = None
    target: Path | None = None
    slo: Sequence[str] = ()
    rules: Sequence[Path] = ()
    runbooks: str | None = None
    links: Sequence[str] = ()
    plan: Sequence[Path] = ()
    ignore: Sequence[str] = ()
    access: Access = field(default_factory=Access)


async def lint(asked: Asked) -> Report:
    """Everything that is wrong or doubtful in runbooks; a server that doesn't answer hides nothing else.

    Raises:
        InputError: a path, rule or SLO that there is none of; a target file that is wrong. GuardError: as it says.
    """
    for rule in asked.ignore:
        if rule not in RULES:
            raise InputError(f"no rule '{rule}' to ignore{did_you_mean(rule, RULES)}")
    target, url = _server(asked)
    looked_at = [pages.load(file) for file in pages.files(asked.paths)]
    found = [*run.findings(looked_at), *_alerts(looked_at, asked), *_evidence(looked_at, asked)]
    if asked.links:
        found += await web.findings([link for page in looked_at for link in links.links(page)], asked.links)
    broken = ""
    if url is not None:
        try:
            async with Prometheus(url, access=asked.access) as server:
                variables = target.variables() if target is not None else {}
                found += await lint_queries.findings(looked_at, server, variables)
        except NeedError as error:
            broken = str(error)
    return report(found, len(looked_at), asked.ignore, _unasked(asked, url), broken)


def _server(asked: Asked) -> tuple[Target | None, str | None]:
    """The target, and the address of a Prometheus that it allows."""
    if asked.target is None:
        return None, asked.prometheus
    target = read_target(asked.target)
    url = asked.prometheus or target.prometheus_url
    if url is None:
        raise InputError(f"{asked.target} names no Prometheus; add --prometheus URL")
    Guard(target.spec.allow_hosts, file=target.name).check_url(url, "--prometheus")
    return target, url


def _alerts(looked_at: Sequence[pages.Page], asked: Asked) -> list[Finding]:
    """The built-in pages answer the built-in SLOs, if nothing else is said; pages of one's own need to be told."""
    slo = asked.slo or ([] if asked.paths or asked.rules else lint_alerts.builtin())
    if not slo and not asked.rules:
        return []
    known, faults = lint_alerts.read(slo, asked.rules, asked.runbooks)
    return [*faults, *alerts.findings(looked_at, known)]


def _evidence(looked_at: Sequence[pages.Page], asked: Asked) -> list[Finding]:
    plans, now = lint_evidence.Plans(asked.plan), time.time()
    return [found for page in looked_at for found in evidence.findings(page, plans.present(page), now)]


def _unasked(asked: Asked, url: str | None) -> list[str]:
    told = {
        "what Prometheus has (--prometheus URL)": url is not None,
        "alerts (--slo PATH, --rules FILE)": bool(asked.slo or asked.rules or not asked.paths),
        "links to the web (--links HOST)": bool(asked.links),
    }
    return [what for what, done in told.items() if not done]
