"""Page: a runbook as plain text of 80 columns, for `runbook show` and for the steps of an interactive run."""

from __future__ import annotations

import re
import textwrap
import time

from flashcrowd.units import format_duration
from runbooks.model import FrontMatter, HttpStep, ManualStep, PromqlStep, Rehearsal, Runbook, ShStep, Step, WaitStep
from runbooks.table import fitted

WIDTH = 80


def render(runbook: Runbook) -> str:
    """The whole page."""
    lines = [f"{runbook.name} · {runbook.title}", *textwrap.wrap(_facts(runbook.front), WIDTH)]
    for section in runbook.sections:
        lines += ["", section.heading]
        for number, part in enumerate(section.parts):
            lines += [""] if number else []
            lines += prose(part) if isinstance(part, str) else _step(part)
    return printable("\n".join(lines)) + "\n"


def rehearsed(evidence: Rehearsal | None, now: float | None = None) -> str:
    """When the page was last proved: `last rehearsed 3 days ago: recovered in 16s`."""
    if evidence is None:
        return "never rehearsed"
    when = ago((time.time() if now is None else now) - evidence.at.timestamp())
    if evidence.recovered is None:
        return f"last rehearsed {when}: did not recover"
    return f"last rehearsed {when}: recovered in {format_duration(round(evidence.recovered))}"


def prose(markdown: str, indent: str = "  ") -> list[str]:
    """Prose within the width: paragraphs, list items and tables are filled, code stands as it is."""
    lines: list[str] = []
    for block in _blocks(markdown):
        if block.startswith("|"):
            lines += fitted(block, WIDTH, indent)
            continue
        if block.lstrip().startswith(("```", "~~~", ">")) or block.startswith("    "):
            lines += [f"{indent}{line}".rstrip() for line in block.split("\n")]
            continue
        for item in re.split(r"\n(?=\s*(?:[-*+]|\d+[.)])\s)", block):
            mark = re.match(r"\s*(?:[-*+]|\d+[.)])\s+", item)
            hang = indent + " " * (len(mark[0]) if mark else 0)
            lines += textwrap.wrap(
                " ".join(item.split()), WIDTH, initial_indent=indent, subsequent_indent=hang, break_on_hyphens=False
            )
    return lines


def _blocks(markdown: str) -> list[str]:
    """Prose at its empty lines, and before and after each fence, inside of which empty lines are code."""
    blocks, fence = [""], ""
    for line in markdown.split("\n"):
        mark = re.match(r"\s*(`{3,}|~{3,})", line)
        if mark and not fence:
            blocks, fence = [*blocks, line], mark[1]
        elif fence:
            blocks[-1] += f"\n{line}"
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                blocks, fence = [*blocks, ""], ""
        elif line.strip():
            blocks[-1] += f"\n{line}" if blocks[-1] else line
        else:
            blocks.append("")
    return [block for block in blocks if block]


def settings(step: Step) -> str:
    """What is special about a step, in words: `asks first · timeout 15s · undo: reserve-singly`."""
    words = [step.kind]
    if isinstance(step, PromqlStep) and step.expect is not None:
        words.append(f"expected {step.expect}" + (f" for {format_duration(step.hold)}" if step.hold else ""))
    if isinstance(step, HttpStep) and step.expect is not None:
        words.append(f"expected status {step.expect}")
    words += [format_duration(step.hold)] if isinstance(step, WaitStep) else []
    words += [f"when {step.when}"] if step.when else []
    words += ["asks first"] if step.approve else []
    words += [f"timeout {format_duration(step.timeout)}"] if "timeout" in step.model_fields_set else []
    words += [f"retries {step.retries}"] if step.retries else []
    words += ["idempotent"] if getattr(step, "idempotent", False) else []
    words += [f"undo: {step.undo}"] if step.undo else []
    return " · ".join(words)


def source(step: Step) -> str:
    """What stands in a step's block, its variables still open."""
    match step:
        case PromqlStep():
            return step.query
        case HttpStep():
            headers = [f"{name}: {value}" for name, value in step.headers]
            return "\n".join([f"{step.method} {step.url}", *headers, *([step.body] if step.body else [])])
        case ShStep():
            return step.script
        case ManualStep() | WaitStep():
            return step.text
        case _:
            return ""


def printable(text: str) -> str:
    """The text without anything that moves a terminal's cursor or colours it: labels and outputs are others' words."""
    return re.sub(r"[^\n\t -~\u00a0-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]", "?", text)


def _step(step: Step) -> list[str]:
    head = f"  [{step.name}] {settings(step)}"
    return [
        *textwrap.wrap(head, WIDTH, subsequent_indent="    ", break_on_hyphens=False),
        *(f"      {line}" for line in source(step).split("\n")),
    ]


def _facts(front: FrontMatter) -> str:
    facts = [f"alerts: {', '.join(front.alerts)}"] if front.alerts else []
    facts += [f"slo: {front.slo}"] if front.slo else []
    return " · ".join([*facts, f"owner: {front.owner}", f"severity: {front.severity}", rehearsed(front.rehearsed)])


def ago(seconds: float) -> str:
    """How long something is past: `3 days ago`, `just now`."""
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count = int(seconds // size)
        if count >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"
