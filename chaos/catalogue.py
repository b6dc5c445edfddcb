"""Catalogue: what there is to know of each kind of fault, from its docstring, its fields and a look at this machine."""

from __future__ import annotations

import inspect
import json
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ruamel.yaml import YAML

from chaos.faults import KINDS
from flashcrowd.components import Component

COMMON = {"kind", "on", "duration"}
LABELS = ("Needs", "Bites", "Heals", "Holds")


@dataclass(frozen=True)
class Kind:
    """One kind of fault.

    example: as a plan has it. says: the paragraphs of its docstring by their labels. required, optional: parameters.
    obstacle: why it can't work on this machine; None when it can.
    """

    name: str
    does: str
    example: str
    says: Mapping[str, str]
    required: list[str]
    optional: list[str]
    obstacle: str | None

    def cannot(self, on: str, component: Component) -> str | None:
        """Why its example can't work on a component, or on this machine; None when it can."""
        return KINDS[self.name].model_validate(self.given | {"on": on}).check(component) or self.obstacle

    @cached_property
    def given(self) -> dict[str, Any]:
        """The example, read."""
        found: dict[str, Any] = YAML(typ="safe").load(self.example)
        return found

    @property
    def proof(self) -> str:
        """The command that injects the example by hand."""
        given = dict(self.given)
        words = ["flashcrowd", "chaos", "inject", given.pop("kind"), "--on", given.pop("on"), "--for", given.pop("for")]
        for name, value in given.items():
            words += ["--set", f"{name}={_typed(value)}"]
        return shlex.join([*words, "--target", "target.yaml"])

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "kind": self.name,
            "does": self.does,
            "works_here": self.obstacle is None,
            "obstacle": self.obstacle,
            "parameters": [*self.required, *self.optional],
            "required": self.required,
            "example": self.example,
            **{label.lower(): text for label, text in self.says.items()},
        }


def catalogue() -> Iterator[Kind]:
    """Every kind, in the order of their names."""
    return (describe(name) for name in KINDS)


def describe(name: str) -> Kind:
    """One kind, by its name."""
    fault = KINDS[name]
    docstring = inspect.cleandoc(sys.modules[fault.__module__].__doc__ or "")
    first, *paragraphs = docstring.split("\n\n")
    parameters = [(one.alias or label, one) for label, one in fault.model_fields.items() if label not in COMMON]
    return Kind(
        name,
        first.replace("\n", " ").partition(": ")[2].rstrip("."),
        next((text.strip() for text in paragraphs if text.strip().startswith("{")), ""),
        _labelled(paragraphs),
        [label for label, one in parameters if one.is_required()],
        [label for label, one in parameters if not one.is_required()],
        fault.capability(),
    )


def table() -> str:
    """The kinds as docs/faults.md has them: Markdown."""
    return "\n\n".join(_section(kind) for kind in catalogue()) + "\n"


def _section(kind: Kind) -> str:
    rows = [f"| {label.lower()} | {kind.says.get(label, '')} |" for label in LABELS]
    parameters = [*kind.required, *(f"[{name}]" for name in kind.optional)]
    return "\n".join(
        [
            f"### `{kind.name}`",
            "",
            f"{kind.does[:1].upper()}{kind.does[1:]}.",
            "",
            "```yaml",
            kind.example,
            "```",
            "",
            "| | |",
            "|---|---|",
            f"| parameters | {' '.join(f'`{name}`' for name in parameters) or 'none of its own'} |",
            *rows,
            f"| proof | `{kind.proof}` |",
        ]
    )


def _labelled(paragraphs: list[str]) -> dict[str, str]:
    found = {}
    for text in paragraphs:
        label, colon, rest = text.partition(": ")
        if colon and label in LABELS:
            found[label] = " ".join(rest.split())
    return found


def _typed(value: object) -> str:
    """A value as --set takes it: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
