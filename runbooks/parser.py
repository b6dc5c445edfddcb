"""Parser: a Markdown page in, a Runbook out, or every fault of the page at once with its line.

The page is GitHub's Markdown, read by markdown-it-py. A fence is a step when its info string is a kind of step and a
JSON object: ` ```promql {"step": "inventory-slow", "expect": "> 0.3"} `; any other fence is prose.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markdown_it.token import Token

from flashcrowd.documents import Document, did_you_mean, documents_in, read_text
from flashcrowd.errors import DocumentError, Problem
from runbooks.blocks import BlockError, read_block
from runbooks.checks import faults
from runbooks.markdown import blanked, lines_of, plain, split, tokens, without_comments
from runbooks.model import KINDS, PAGE_FIELDS, STEP_HEADINGS, FrontMatter, Heading, Runbook, Section, Step


def read_runbook(file: Path) -> Runbook:
    """The runbook of a file.

    Raises:
        DocumentError: with every fault of the page.
    """
    return parse(read_text(file), file)


def parse(text: str, file: Path) -> Runbook:
    """The runbook in a text; `file` is where it stands. Raises DocumentError with every fault."""
    reading = read(text, file)
    if reading.problems:
        raise DocumentError(list(reading.problems))
    return reading.runbook


@dataclass(frozen=True)
class Reading:
    """What was read of a page: with problems, the runbook is what could be read all the same. front: could it be?"""

    runbook: Runbook
    problems: tuple[Problem, ...]
    front: bool


def read(text: str, file: Path) -> Reading:
    """As much of the runbook in a text as can be read, and every fault."""
    if len(text) > LONGEST:
        problem = Problem(file, 0, "", f"is longer than {LONGEST:,} characters; nobody reads that at 3 a.m.: split it")
        return Reading(Runbook(file.stem, file, "", _UNKNOWN, ()), (problem,), False)
    page = _Page(file, text)
    front = page.front_matter()
    page.read()
    sections = tuple(Section(part.heading, part.line, tuple(part.parts)) for part in page.drafts)
    runbook = Runbook(file.stem, file, page.title, front or _UNKNOWN, sections)
    return Reading(runbook, (*page.problems, *faults(runbook, page.broken)), front is not None)


LONGEST = 100_000
"""Characters of a page; the built-in ones have about 5,000."""


_LONGEST_FRONT, _MOST_LISTS = 10_000, 300
"""Characters, and signs that begin a list or mapping. Nested deeper, YAML takes its reader seconds, or breaks it."""

_UNKNOWN = FrontMatter(owner="", severity="page")
"""Stands for a front matter that can't be read, so that the rest of the page is looked at all the same."""


_FENCE = re.compile(r"[\s>]*(?:`{3,}|~{3,})(.+)")
_NO_STEP = {
    "html_block": "it stands inside of HTML; leave an empty line before it",
    "code_block": "it is indented by four spaces; move it to the left margin",
    "inline": "a block's first line can't hold a backtick; fence it with ~~~",
}
"""The blocks that a fence can end up in, and why."""


@dataclass
class _Draft:
    """A section while it is read; `why` gathers the prose for the next step."""

    heading: str
    line: int
    parts: list[str | Step] = field(default_factory=list)
    why: list[str] = field(default_factory=list)


class _Page:
    """One page while it is read. broken: what steps call themselves that are there, but couldn't be read."""

    def __init__(self, file: Path, text: str) -> None:
        self.file, self.title = file, ""
        self.lines = lines_of(text)
        self.drafts: list[_Draft] = []
        self.problems: list[Problem] = []
        self.broken: set[str] = set()

    def front_matter(self) -> FrontMatter | None:
        """Take the YAML between the first two `---` off the page; empty lines stay, so that line numbers do."""
        yaml, self.lines = split(self.lines)
        if yaml is None:
            self._fault(1, "has no front matter; begin with --- and the fields owner, severity, alerts, slo, ---")
            return None
        front = "\n".join(yaml)
        if len(front) > _LONGEST_FRONT or sum(map(front.count, "[{-")) > _MOST_LISTS:
            self._fault(1, f"the front matter is longer than {_LONGEST_FRONT:,} characters, or full of lists")
            return None
        try:
            return documents_in(front, self.file)[0].parse(FrontMatter)
        except DocumentError as error:
            self.problems += error.problems
        return None

    def read(self) -> None:
        """Go through the blocks at the left margin, then look for steps that stand elsewhere."""
        blocks = tokens(self.lines)
        for number, token in enumerate(blocks):
            if token.type == "heading_open" and token.level == 0:
                self._heading(token, plain(blocks[number + 1]))
            elif token.level == 0 and token.nesting >= 0 and token.map is not None:
                self._block(token)
            elif token.type == "fence" and token.level > 0 and _step_info(token.info) is not None:
                self._fault(_line(token), "a step stands inside a list or a quotation; move it to the left margin")
            self._look_alike(token)

    def _look_alike(self, token: Token) -> None:
        """What its author took for a step and Markdown takes for something else: it would be left out silently."""
        if token.map is None:
            return
        first, last = token.map
        if token.type == "fence" and token.level == 0 and not _is_closed(self.lines[first:last], token.markup):
            message = f"the block is never closed, so that all that follows is part of it; end it with {token.markup}"
            self._fault(_line(token), message)
        reason = _NO_STEP.get(token.type)
        if reason is None or (token.type == "code_block" and not self._may_hold_steps):
            return
        for number, line in enumerate(blanked(self.lines[first:last])):
            if (fence := _FENCE.match(line)) is not None and _step_info(fence[1]) is not None:
                self._fault(first + number + 1, f"looks like a step and is none: {reason}")

    @property
    def _may_hold_steps(self) -> bool:
        return bool(self.drafts) and self.drafts[-1].heading in STEP_HEADINGS

    def _heading(self, token: Token, text: str) -> None:
        if token.tag == "h1" and not self.title:
            self.title = text
        elif token.tag == "h2":
            known = {heading.lower(): heading.value for heading in Heading}
            self.drafts.append(_Draft(known.get(text.lower(), text), _line(token)))
        else:
            self._prose(token)

    def _block(self, token: Token) -> None:
        info = _step_info(token.info) if token.type == "fence" else None
        if info is None:
            self._prose(token)
        elif not self._may_hold_steps:
            self._fault(_line(token), f"a step can't stand here; move it under {', '.join(STEP_HEADINGS)}")
        else:
            self._step(self.drafts[-1], token, *info)

    def _prose(self, token: Token) -> None:
        if self.drafts and token.map is not None:
            first, last = token.map
            text = "\n".join(self.lines[first:last])
            is_code = token.type in ("fence", "code_block") or ("`" in text and token.type != "html_block")
            text = text.strip("\n") if is_code else without_comments(text).strip("\n")
            if text.strip():
                self.drafts[-1].parts.append(text)
                self.drafts[-1].why.append(text)

    def _step(self, draft: _Draft, token: Token, kind: str, settings: str) -> None:
        line, step = _line(token), None
        fields = self._settings(line, kind, settings)
        page = {"section": draft.heading, "why": "\n\n".join(draft.why), "line": line}
        if kind in KINDS and fields is not None:
            step = self._build(KINDS[kind], line, {**fields, **page}, token.content)
        if step is not None:
            draft.parts.append(step)
        else:
            self._prose(token)
            self.broken.add(str((fields or {}).get("step")))
        draft.why = []

    def _settings(self, line: int, kind: str, text: str) -> dict[str, Any] | None:
        """The JSON of an info string, without the fields that no step of this kind has."""
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError) as error:
            self._fault(line, f"the settings after '{kind}' are not JSON: {error}")
            return None
        if kind not in KINDS:
            self._fault(line, f"'{kind}' is no kind of step{did_you_mean(kind, KINDS)}")
            return dict(fields)
        known = settings_of(KINDS[kind])
        for name in sorted(fields.keys() - known):
            self._fault(line, f"unknown field{did_you_mean(name, known)}", name)
        return {name: value for name, value in fields.items() if name in known}

    def _build(self, model: type[Step], line: int, fields: dict[str, Any], text: str) -> Step | None:
        try:
            block = read_block(model.kind, text)
        except BlockError as error:
            self._fault(line + 1 + error.offset, str(error))
            block = dict.fromkeys(PAGE_FIELDS & model.model_fields.keys() - fields.keys(), "")
            block |= {"headers": ()} if "headers" in block else {}
        try:
            return Document(self.file, {**fields, **block}, line).parse(model)
        except DocumentError as error:
            self.problems += error.problems
            return None

    def _fault(self, line: int, message: str, path: str = "") -> None:
        self.problems.append(Problem(self.file, line, path, message))


def settings_of(model: type[Step]) -> set[str]:
    """The names that an info string of this kind may hold."""
    return {spec.alias or name for name, spec in model.model_fields.items() if name not in PAGE_FIELDS}


def _step_info(info: str) -> tuple[str, str] | None:
    """The language and JSON of an info string when it is a step's, also a misspelt one's; else None."""
    language, _, rest = info.strip().partition(" ")
    settings = rest.strip()
    if language in KINDS and settings.startswith("{"):
        return language, settings
    try:
        named = isinstance(fields := json.loads(settings), dict) and "step" in fields
    except (ValueError, RecursionError):
        named = False
    return (language, settings) if named else None


def _is_closed(lines: list[str], fence: str) -> bool:
    last = lines[-1].strip()
    return len(lines) > 1 and len(last) >= len(fence) and not last.strip(fence[0])


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 0
