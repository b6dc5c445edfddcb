"""Generator: writes a page from an SLO and the evidence of rehearsals, and keeps what people wrote on it.

    evidence of runs ─┐
    evidence on page ─┴─► merged ─► parts ─► between the page's markers ─► read again, as a check

Generated parts stand between markers (`markers.py`). A page of people's own, without any, gets one part, its
rehearsals, and the field `rehearsed` of its front matter; every other byte of it stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from flashcrowd.errors import DocumentError, Problem
from flashcrowd.units import format_duration, utc
from runbooks import frontmatter, markers
from runbooks.evidence import KEPT, RunEvidence, from_line, merged
from runbooks.generated import causes, parts
from runbooks.generated import rehearsals as tables
from runbooks.generated.objective import Objective
from runbooks.generated.parts import Material
from runbooks.markdown import plain, split, tokens
from runbooks.model import Heading, Runbook
from runbooks.parser import LONGEST, parse

REHEARSALS, ORDER, DIAGNOSIS = "rehearsals", "order", "diagnosis"

PARTS: dict[str, Callable[[Material], str]] = {
    "meaning": parts.meaning,
    "impact": parts.impact,
    "first": parts.first,
    DIAGNOSIS: parts.diagnosis,
    ORDER: parts.order,
    "mitigation": parts.mitigation,
    "verification": parts.verification,
    "rollback": parts.rollback,
    "escalation": parts.escalation,
}
"""The parts of a page by name, but for the rehearsals, which depend on what else is there."""

HEADINGS = dict(zip(Heading, [*(name for name in PARTS if name != ORDER), REHEARSALS], strict=True))
NAMES = (*PARTS, REHEARSALS)


def generate(text: str | None, file: Path, objective: Objective, runs: Iterable[RunEvidence]) -> str:
    """The page of an SLO: a new one, or with `text` the same page with its generated parts written anew.

    Of runs it keeps the latest, as many as a page can hold.

    file: where it stands; its name is the runbook's.

    Raises:
        DocumentError: the page is wrong, or its markers are; or it would be wrong afterwards. Nothing was written.
    """
    if text is None:
        text = _fresh(file, objective)
    every = list(runs)
    for kept in range(KEPT, 0, -1):
        result = _renewed(text, file, objective, every, kept)
        if len(result) <= LONGEST:
            break
    parse(result, file)
    found, before = markers.blocks(result, file, NAMES), markers.blocks(text, file, NAMES)
    if set(before) - set(found) or REHEARSALS not in found:
        problem = Problem(
            file, 0, "", "a code block or a comment that isn't closed would swallow what is generated; close it"
        )
        raise DocumentError([problem])
    return result


def _renewed(text: str, file: Path, objective: Objective, runs: Iterable[RunEvidence], kept: int) -> str:
    """The page with at most so many of the runs."""
    page, found = parse(text, file), markers.blocks(text, file, NAMES)
    known = merged([*_kept(text, file, found), *runs], kept)
    owned = {step.name for step in page if not _inside(step.line - 1, found)}
    material = Material(objective, known, causes.find(known, page, owned, choose=DIAGNOSIS in found), frozenset(owned))
    contents = {name: f"\n{PARTS[name](material)}\n" for name in found if name != REHEARSALS}
    apart = DIAGNOSIS not in found and ORDER not in found
    contents[REHEARSALS] = f"\n{tables.rehearsals(material, apart)}\n"
    if REHEARSALS not in found:
        text = _with_rehearsals(text)
        found = markers.blocks(text, file, NAMES)
    evidence = _front(material, page)
    text = markers.renewed(text, found, contents)
    return frontmatter.renewed(text, file, evidence) if evidence is not None else text


def _inside(number: int, found: dict[str, markers.Block]) -> bool:
    return any(block.first < number < block.last for block in found.values())


def _kept(text: str, file: Path, found: dict[str, markers.Block]) -> list[RunEvidence]:
    """The evidence that the page was made from before."""
    if REHEARSALS not in found:
        return []
    block, kept = found[REHEARSALS], list[RunEvidence]()
    for number, line in enumerate(markers.content(text, block).split("\n")):
        if not line.startswith(markers.EVIDENCE):
            continue
        try:
            kept.append(from_line(line.removeprefix(markers.EVIDENCE).removesuffix(" -->")))
        except ValueError:
            message = (
                "the evidence in this line can't be read; delete the line, or take it back from an earlier version"
            )
            raise DocumentError([Problem(file, block.first + number + 2, "", message)]) from None
    return kept


def _front(material: Material, page: Runbook) -> dict[str, Any] | None:
    """`rehearsed`: the last time that a page of this name was followed; None where it never was."""
    followed = [(run, row) for run, row in material.rows if row.runbook == page.name]
    if not followed:
        return None
    run, row = followed[-1]
    helped = material.credit(run, row)[0] is not False
    prints = {"plan": run.plan_print, "rules": run.rules, "target": run.target_print, "runbook": row.fingerprint}
    fields: dict[str, Any] = {
        "at": utc(run.at),
        "plan": run.plan,
        "fault": row.fault,
        "detected": _duration(row.detected),
        "detected_production": _duration(row.production),
        "diagnosis": row.diagnosed,
        "mitigation": ", ".join(row.mitigations) if helped and row.mitigations else None,
        "mitigated": _duration(row.mitigated) if helped else None,
        "recovered": _duration(row.recovered),
        "against": {name: value for name, value in prints.items() if value},
    }
    return {name: value for name, value in fields.items() if value}


def _duration(seconds: float | None) -> str | None:
    """To the tenth of a second below a minute: `5.9s`, `13m40s`."""
    if seconds is None:
        return None
    return f"{round(seconds, 1):g}s" if seconds < 60 else format_duration(round(seconds))


def _with_rehearsals(text: str) -> str:
    """The page with an empty part for its rehearsals: at the end of their section, or in a new one at its end."""
    part, end = markers.wrapped(REHEARSALS, ""), markers.line_end(text)
    page = markers.lines(text)
    start, until = _section(page)
    if start is None:
        part = f"## {Heading.REHEARSALS}\n\n{part}"
    before, after = "".join(page[:until]), "".join(page[until:])
    gap = "" if not before or before.endswith((end * 2, "\n\n")) else "\n" if before.endswith(("\n", "\r")) else "\n\n"
    return before + markers.with_ends(f"{gap}{part}" + ("\n" if after else ""), end) + after


def _section(page: Sequence[str]) -> tuple[int | None, int]:
    """The first line of the section of rehearsals, and the line after its last; the page's end where there is none."""
    _, body = split([line.rstrip("\r\n").removeprefix("\ufeff") for line in page])
    blocks = tokens(body)
    heads = [
        (token.map[0], token.tag, plain(blocks[number + 1]).lower())
        for number, token in enumerate(blocks)
        if token.type == "heading_open" and token.level == 0 and token.map and token.tag in ("h1", "h2")
    ]
    for number, (line, tag, name) in enumerate(heads):
        if tag == "h2" and name == Heading.REHEARSALS.lower():
            return line, heads[number + 1][0] if number + 1 < len(heads) else len(page)
    return None, len(page)


def _fresh(file: Path, objective: Objective) -> str:
    """A page of which all is generated but its front matter and its title."""
    front = [
        f"alerts: {json.dumps(list(objective.alerts))}",
        f"slo: {json.dumps(objective.name)}",
        f"owner: {json.dumps(objective.service + ' on-call')}",
        f"severity: {objective.severity}",
    ]
    empty = "Nothing yet.\n"
    sections = [f"## {heading}\n\n{markers.wrapped(name, empty)}" for heading, name in HEADINGS.items()]
    title = f"# {file.stem.replace('-', ' ').capitalize()}: the objective is missed"
    return "\n".join(["---", *front, "---", title, "", "\n".join(sections)])
