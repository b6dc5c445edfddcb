"""Documents: YAML files in, typed models out, and every fault of a file told at once with its line.

Nothing past this module sees a bare mapping: a file is a pydantic model or a DocumentError.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedBase, CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from flashcrowd.errors import DocumentError, Problem

Step = str | int
Rule = Callable[["Document"], Iterable[Problem]]
M = TypeVar("M", bound=BaseModel)


class Model(BaseModel):
    """Base of everything read from a file: unknown fields are faults, and what was read doesn't change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Metadata(Model):
    """Who a document is."""

    name: str


class Document:
    """One YAML document and the places of its parts.

    file: as the user named it. data: the parsed tree (mappings, lists, scalars).
    """

    def __init__(self, file: Path, data: Any, first_line: int = 1) -> None:
        self.file, self.data, self._first_line = file, data, first_line

    def line(self, path: Sequence[Step]) -> int:
        """The line (from 1) of the deepest part of the path that the file has."""
        node, line = self.data, self._first_line
        for step in path:
            if not isinstance(node, CommentedBase):
                break
            try:
                line = (node.lc.key(step) if isinstance(node, CommentedMap) else node.lc.item(step))[0] + 1
                node = node[step]  # type: ignore[index]
            except (KeyError, IndexError, TypeError):
                break
        return line

    def problem(self, path: Sequence[Step], message: str) -> Problem:
        """A fault at this path of the document."""
        return Problem(self.file, self.line(path), dotted(path), message)

    def parse(self, model: type[M], *rules: Rule) -> M:
        """The document as this model.

        rules: what the model alone can't see. They look at the raw tree, so that they speak even when other parts
        of the file are wrong, and people get all faults at once.

        Raises:
            DocumentError: with a problem for every field that is wrong, and all that the rules found.
        """
        problems = [problem for rule in rules for problem in rule(self)]
        try:
            parsed = model.model_validate(self.data)
        except ValidationError as error:
            problems += [self._explain(row, model) for row in error.errors()]
        if problems:
            raise DocumentError(problems)
        return parsed

    def get(self, *path: Step, default: Any = None) -> Any:
        """The raw part at this path, or the default where the file has none."""
        node = self.data
        for step in path:
            try:
                node = node[step]
            except (KeyError, IndexError, TypeError):
                return default
        return node

    def _explain(self, row: Any, model: type[BaseModel]) -> Problem:
        path = [step for step in row["loc"] if self._has(step, row)]
        match row["type"]:
            case "missing":
                return self.problem(path, "is missing")
            case "extra_forbidden":
                names = _fields_beside(model, path)
                return self.problem(path, f"unknown field{did_you_mean(str(path[-1]), names)}")
            case "literal_error" | "enum":
                return self.problem(path, f"'{row['input']}' is not one of {row['ctx']['expected']}")
            case "value_error":
                return self.problem(path, str(row["ctx"]["error"]))
            case _:
                return self.problem(path, f"{_lower(row['msg'])}, got {_short(row['input'])}")

    def _has(self, step: Step, row: Any) -> bool:
        """Whether a step of pydantic's location is a place in the file, not the tag of a union's member."""
        return isinstance(step, int) or row["type"] == "missing" or _mentions(self.data, step)


def documents(file: Path) -> list[Document]:
    """All YAML documents of a file.

    Raises:
        DocumentError: the file can't be read, isn't YAML, or is empty.
    """
    return documents_in(read_text(file), file)


def read_text(file: Path) -> str:
    """The text of a file that a user wrote. Raises DocumentError when it can't be read or isn't UTF-8."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise DocumentError([Problem(file, 0, "", f"can't be read: {_lower(error.strerror or str(error))}")]) from None
    except UnicodeDecodeError as error:
        raise DocumentError([Problem(file, 0, "", f"is not UTF-8 text: {error.reason}")]) from None


def documents_in(text: str, file: Path) -> list[Document]:
    """All YAML documents of a text; `file` is where it stands, and its lines are those of the text.

    Raises:
        DocumentError: it isn't YAML, or is empty.
    """
    yaml = YAML(typ="rt")
    try:
        parsed = [data for data in yaml.load_all(text) if data is not None]
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise DocumentError([Problem(file, line, "", f"is not YAML: {error.problem}")]) from None
    except (YAMLError, ValueError) as error:
        raise DocumentError([Problem(file, 0, "", f"is not YAML: {error}")]) from None
    if not parsed:
        raise DocumentError([Problem(file, 0, "", "is empty")])
    return [Document(file, data, _start(data)) for data in parsed]


def document(file: Path, kind: str | None = None) -> Document:
    """The one document of a file; with `kind`, one of `apiVersion: flashcrowd/v1` and this `kind`.

    Raises:
        DocumentError: as `documents`, or there are several, or it is of another kind.
    """
    found = documents(file)
    if len(found) > 1:
        raise DocumentError([Problem(file, found[1].line(()), "", f"holds {len(found)} documents, wants one")])
    (one,) = found
    if not isinstance(one.data, CommentedMap):
        raise DocumentError([Problem(file, one.line(()), "", "wants a mapping at the top")])
    if kind is not None and (actual := one.data.get("kind")) != kind:
        raise DocumentError([one.problem(("kind",), f"wants kind: {kind}, got {_short(actual)}")])
    return one


def read(file: Path, model: type[M], kind: str | None = None) -> M:
    """The one document of a file as this model; raises DocumentError with all that is wrong."""
    return document(file, kind).parse(model)


def dotted(path: Sequence[Step]) -> str:
    """A path as people write it: `spec.steps[1].fault.for`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'order-latency'?` when a known word is near, else the list of the known ones, else nothing."""
    words = sorted(known)
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; known: {', '.join(words)}" if words else ""


def _fields_beside(model: type[BaseModel], path: Sequence[Step]) -> list[str]:
    """The field names of the model that holds the last step of the path, as a file spells them."""
    here: Any = model
    for step in path[:-1]:
        if isinstance(step, int):
            continue
        field = _field(here, step)
        if field is None:
            return []
        here = _model_in(field.annotation)
        if here is None:
            return []
    return [field.alias or name for name, field in here.model_fields.items()]


def _field(model: type[BaseModel], name: str) -> Any:
    return next((f for key, f in model.model_fields.items() if name in (key, f.alias)), None)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The first model inside an annotation such as `list[Step] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if (found := _model_in(argument)) is not None:
            return found
    return None


def _mentions(data: Any, step: Step) -> bool:
    if isinstance(data, dict):
        return step in data or any(_mentions(value, step) for value in data.values())
    return isinstance(data, list) and any(_mentions(value, step) for value in data)


def _start(data: Any) -> int:
    return (data.lc.line or 0) + 1 if isinstance(data, CommentedBase) else 1


def _short(value: object) -> str:
    text = "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


V1 = Literal["flashcrowd/v1"]
"""The version that our own documents carry in `apiVersion`."""
