"""Expectation check: what a plan expects of its faults and can't have, found before the first packet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import runbooks.catalogue
from flashcrowd.documents import Document, Step, did_you_mean
from flashcrowd.errors import Problem
from flashcrowd.units import parse_duration
from loadtests.invariants import NAMES

WITHIN = ("detected_within", "mitigated_within", "recovered_within")
"""What must come about while the fault is in place; production's page is reckoned as if it went on."""

NOTHING = (
    "give detected_within, runbook, mitigated_within, recovered_within, detected_within_production, "
    "budget_spent_at_most, others or invariants"
)


def check_expectation(source: Document, at: tuple[Step, ...], slos: Sequence[str]) -> Iterator[Problem]:
    """What is wrong with the expectation of the step at this path. slos: the plan's; empty where they can't be read."""
    path = (*at, "expect")
    expected = source.get(*path)
    if not isinstance(expected, dict):
        return
    if set(expected) == {"slo"}:
        yield source.problem(path, f"expects nothing of {expected['slo']}; {NOTHING}")
    yield from _names(source, path, slos)
    runbook, known = expected.get("runbook"), runbooks.catalogue.builtin_names()
    if isinstance(runbook, str) and runbook not in known:
        yield source.problem((*path, "runbook"), f"no runbook '{runbook}'{did_you_mean(runbook, known)}")
    yield from _times(source, path, seconds(source.get(*at, "fault", "for")))
    yield from _invariants(source, path)


def _names(source: Document, path: tuple[Step, ...], slos: Sequence[str]) -> Iterator[Problem]:
    """SLOs that the plan doesn't judge."""
    others = source.get(*path, "others")
    named: list[tuple[tuple[Step, ...], Any]] = [((*path, "slo"), source.get(*path, "slo"))]
    named += [((*path, "others", n), name) for n, name in enumerate(others if isinstance(others, list) else [])]
    for where, name in named:
        if isinstance(name, str) and slos and name not in slos:
            yield source.problem(where, f"no SLO '{name}' in this plan{did_you_mean(name, slos)}")
    if others is not None and slos and set(slos) <= {source.get(*path, "slo"), *(others if _listed(others) else ())}:
        yield source.problem((*path, "others"), "the plan judges no other SLO that could stay untouched")


def _times(source: Document, path: tuple[Step, ...], hold: float | None) -> Iterator[Problem]:
    """Nobody acts before the page, nor does it help before somebody has acted, nor late, when the fault has gone."""
    earlier: tuple[str, float] | None = None
    for field in WITHIN:
        if (within := seconds(source.get(*path, field))) is None:
            continue
        if hold is not None and within > hold:
            yield source.problem((*path, field), "is longer than the fault: it would heal by itself first")
        elif earlier is not None and within < earlier[1]:
            yield source.problem((*path, field), f"is shorter than {earlier[0]}, which comes first")
        else:
            earlier = (field, within)


def _invariants(source: Document, path: tuple[Step, ...]) -> Iterator[Problem]:
    wanted = source.get(*path, "invariants")
    for number, name in enumerate(wanted if isinstance(wanted, list) else []):
        where = (*path, "invariants", number)
        if isinstance(name, str) and name not in NAMES:
            yield source.problem(where, f"no invariant '{name}'{did_you_mean(name, NAMES)}")
        elif isinstance(name, str) and name.startswith("draw-") and source.get("spec", "draw") is None:
            yield source.problem(where, f"the plan has no draw, which {name} is about")


def seconds(value: Any) -> float | None:
    """A duration; None where it is none, which the model tells."""
    try:
        return parse_duration(value) if value is not None else None
    except ValueError:
        return None


def _listed(value: Any) -> bool:
    return isinstance(value, list)
