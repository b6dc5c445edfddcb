"""Convert: SLO files in the other dialect, and what is lost on the way, each with its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from flashcrowd.errors import InputError, Problem
from monitors import slo_files
from monitors.dialects import openslo_writer, sloth_writer
from monitors.slo import Rehearsal, Slo
from monitors.slo_files import SloFiles

Dialect = Literal["sloth", "openslo"]
_NAME = 63


class Converted(NamedTuple):
    """text: the file. lost: what it doesn't say, and what was doubtful in what was read."""

    text: str
    lost: tuple[Problem, ...]


def convert(names_or_paths: Sequence[str], dialect: str, base: Path = Path()) -> Converted:
    """All SLOs of files, folders and built-in names as one file.

    Raises:
        InputError: no such dialect, or the files hold no SLO; DocumentError: they are wrong.
    """
    if dialect not in get_args(Dialect):
        raise InputError(f"--to: '{dialect}' isn't written; write sloth or openslo")
    found = slo_files.load(names_or_paths, base)
    if not found.slos:
        raise InputError(f"{', '.join(names_or_paths)}: no SLO in there; give the files that hold them")
    if dialect == "sloth":
        return Converted(sloth_writer.text(found.slos, found.composites), (*found.warnings, *found.lost))
    return Converted(
        openslo_writer.text(found.slos), (*found.warnings, *sorted([*found.lost, *_lost_in_openslo(found)]))
    )


def _lost_in_openslo(found: SloFiles) -> Iterator[Problem]:
    for slo in found.slos:
        for part, message in _unsayable(slo):
            yield found.places[slo.id].problem(part, message)
    for one in found.composites:
        yield found.places[one.id].problem("", "is a composite, which OpenSLO v1 can't say; it is left out")


def _unsayable(slo: Slo) -> Iterator[tuple[str, str]]:
    alerting = slo.alerting
    alerts = (alerting.page_alert, alerting.ticket_alert)
    if slo.name != slo.name.lower() or len(slo.name) > _NAME or not openslo_writer.is_label(slo.name):
        yield "name", "OpenSLO wants small letters, digits and -, 63 at most; other tools may refuse this name"
    if len(slo.description) > 1050:
        yield "description", "is longer than the 1050 characters that OpenSLO allows"
    for place, labels in (("labels", slo.labels), *(("alerting", one.labels) for one in (alerting, *alerts))):
        for key in labels:
            if not openslo_writer.is_label(key):
                yield place, f"the label {key} is left out: OpenSLO's begin and end with a letter or digit, 63 at most"
    if not all(one.disable for one in alerts):
        yield "alerting", "OpenSLO has one window a condition: the short windows and slower pairs are left out"
    elif alerting.name or alerting.labels or alerting.annotations:
        yield "alerting", "is left out: without a page and a ticket there is no alert policy to hold it"
    if any(one.disable and (one.labels or one.annotations) for one in alerts):
        yield "alerting", "what a disabled alert would carry is left out"
    for field in ("interval", "plugins", "slo_plugins"):
        if getattr(slo, field) is not None:
            yield field, f"{field} is Sloth's own, and left out"
    if slo.rehearsal != Rehearsal():
        yield "rehearsal", "is written as annotations flashcrowd/..., which other tools don't know"
