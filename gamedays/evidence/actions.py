"""Actions: the mitigations of a run and what takes them back, as a page may hold them, from the audits of its runbooks.

Where the runbook that was followed is still there, its step is taken as it is written; else the audit tells what was
sent, and the addresses in it become variables again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import runbooks.catalogue
from flashcrowd.errors import FlashcrowdError
from flashcrowd.units import format_duration
from gamedays.story.story import Story
from runbooks import page as pages
from runbooks import records
from runbooks.evidence import Action
from runbooks.model import PAGE_FIELDS, Heading, Runbook, Step
from runbooks.records import Record


def actions(story: Story) -> list[Action]:
    """Each once, those that took something back included."""
    found: dict[str, Action] = {}
    for file in sorted((story.run.path / "runbooks").glob("*.jsonl")):
        try:
            runs = records.read(file)
        except OSError:
            continue
        for record in runs:
            found |= {action.step: action for action in _of(record, _page(record.runbook))}
    return list(found.values())


def _page(name: str) -> Runbook | None:
    try:
        return runbooks.catalogue.find(name)
    except FlashcrowdError:
        return None


def _of(record: Record, page: Runbook | None) -> Iterator[Action]:
    done = [name for name, result in record.finished.items() if result.section == Heading.MITIGATION]
    known = {step.name: step for step in page} if page is not None else {}
    for name in done:
        if name in known:
            yield _written(known[name])
            if (undo := known[name].undo) is not None:
                yield _written(known[undo])
        elif (action := _sent(record, name)) is not None:
            yield action


def _written(step: Step) -> Action:
    """A step as its page has it."""
    fields = {spec.alias or name: name for name, spec in type(step).model_fields.items() if name not in PAGE_FIELDS}
    set_ = {alias: getattr(step, name) for alias, name in fields.items() if name in step.model_fields_set}
    settings = {key: _plain(key, value) for key, value in set_.items() if key != "step"}
    return Action(step.name, step.kind, pages.source(step), settings, step.why.split("\n\n")[-1])


def _plain(key: str, value: object) -> object:
    if key in ("timeout", "for") and isinstance(value, float):
        return format_duration(value)
    return value if isinstance(value, bool | int | str) else str(value)


def _sent(record: Record, name: str) -> Action | None:
    """A request out of its record; what a script or a person did can't be told from it."""
    text = _with_variables(record.what.get(name, ""), record.variables)
    if re.match(r"(GET|HEAD|POST|PUT|PATCH|DELETE) \S+", text) is None:
        return None
    return Action(name, "http", text, {})


def _with_variables(text: str, variables: Mapping[str, str]) -> str:
    """The longest addresses first: one may begin with another."""
    for name, value in sorted(variables.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        if value and not name.startswith("env."):
            text = text.replace(value, f"${{{name}}}")
    return text
