"""Uncovered: what a run left untried, in words: alerts, runbooks, and parts of the target."""

from __future__ import annotations

from flashcrowd.units import clock
from gamedays.coverage.section import Fired, Section, Silent


def uncovered(section: Section) -> list[tuple[str, str]]:
    """What is missing, and its names; nothing of what isn't."""
    rows = [
        ("Alerts that didn't fire", [_silent(one) for one in section.never_fired]),
        ("Alerts that fired without being expected", [_fired(one) for one in section.also_fired]),
        ("Runbooks that nobody followed", list(section.not_followed)),
        ("Parts of the target on which no fault was seen", list(section.unbroken)),
    ]
    return [(what, ", ".join(names)) for what, names in rows if names]


def _silent(one: Silent) -> str:
    if one.silenced:
        return f"{one.alert} ({one.silenced})"
    return f"{one.alert} although a fault was to make it" if one.aimed else one.alert


def _fired(one: Fired) -> str:
    return f"{one.alert} at {clock(one.at)}" + (f" under {' and '.join(one.during)}" if one.during else "")
