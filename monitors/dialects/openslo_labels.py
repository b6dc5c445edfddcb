"""OpenSLO's metadata as ours: labels as Prometheus allows them, and what the judge needs in annotations of our own."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flashcrowd.documents import Document
from flashcrowd.errors import DocumentError, Problem
from monitors.dialects.places import Path
from monitors.slo import Rehearsal

MIN_EVENTS = "flashcrowd/min-events"
CONFIDENCE = "flashcrowd/confidence"
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def prometheus_labels(
    labels: Mapping[str, str | list[str]], document: Document, path: Path, warnings: list[Problem]
) -> dict[str, str]:
    """Labels that Prometheus takes: other characters become `_`, and a list becomes one text. Both are told."""
    found: dict[str, str] = {}
    for key, value in labels.items():
        name = key if _LABEL.fullmatch(key) else re.sub(r"\W|^(?=\d)", "_", key, flags=re.ASCII)
        text = value if isinstance(value, str) else ",".join(value)
        if name != key:
            say(warnings, document.problem((*path, key), f"isn't a label of Prometheus; it is called {name}"))
        if isinstance(value, list):
            say(warnings, document.problem((*path, key), f"is a list, which a label can't hold; it is '{text}'"))
        found[name] = text
    return found


def rehearsal(annotations: Mapping[str, str], document: Document, lost: list[Problem]) -> Rehearsal:
    """How sure the judge has to be, from our own annotations; all others are lost."""
    fields: dict[str, str] = {}
    for key, value in annotations.items():
        if key in (MIN_EVENTS, CONFIDENCE):
            fields["min_events" if key == MIN_EVENTS else "confidence"] = value
        else:
            say(lost, document.problem(("metadata", "annotations", key), "is an annotation, which an SLO here has not"))
    try:
        return Rehearsal.model_validate(fields)
    except ValueError:
        message = f"{MIN_EVENTS} wants a number from 1 on, {CONFIDENCE} one from 0 to below 1"
        raise DocumentError([document.problem(("metadata", "annotations"), message)]) from None


def say(told: list[Problem], problem: Problem) -> None:
    """Once, however many objectives an SLO has."""
    if problem not in told:
        told.append(problem)
