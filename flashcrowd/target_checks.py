"""Target checks: what a target file's own model can't see: variables, secrets, people, frames.

They look at the raw file, so that they speak even when other parts of it are wrong, and people get all faults at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import partial
from pathlib import Path
from typing import Any

from flashcrowd import codecs, roster
from flashcrowd.documents import Document, Rule, Step, did_you_mean
from flashcrowd.errors import InputError, Problem
from flashcrowd.secret import Secret
from flashcrowd.template import fill, names

_VIEWER = frozenset({"run", "traceparent", "identity"})
_ROOM = frozenset({"run", "identity", "room"})
_ORDER = _VIEWER | {"key", "sku", "quantity"}
_DRAW = _VIEWER | {"draw"}
_NOTHING = frozenset[str]()

PLACES: Mapping[tuple[str, ...], Set[str]] = {
    ("mark", "headers"): frozenset({"run", "traceparent"}),
    ("admin", "headers"): frozenset({"run", "traceparent"}),
    ("live", "url"): _VIEWER | {"room"},
    ("live", "headers"): _VIEWER | {"room"},
    ("live", "on_open"): _ROOM,
    ("live", "heartbeat", "send"): _ROOM,
    ("live", "say"): _ROOM | {"text"},
    ("shop", "browse"): _VIEWER,
    ("shop", "order", "request"): _ORDER,
    ("shop", "order", "dry"): _ORDER,
    ("shop", "order", "payment", "request"): _ORDER | {"order_id"},
    ("draw", "enter"): _DRAW,
    ("draw", "result"): _DRAW,
    ("stream", "playlist"): _ROOM,
    ("stream", "headers"): _VIEWER | {"room"},
    ("events", "headers"): _VIEWER,
    ("events", "event"): frozenset({"run", "identity", "event", "kind", "at", "value"}),
    ("events", "visible"): frozenset({"run", "event"}),
    ("prometheus", "url"): _NOTHING,
    ("alertmanager", "url"): _NOTHING,
    ("grafana", "url"): _NOTHING,
}
"""Where variables are filled in, and which there are; `identity` stands for its columns. Those from outside
(`env.NAME`, `secret.NAME`) are known in all of these places, and nowhere else is anything filled in."""

_UNFILLED = ("shop", "ledger", "command"), ("draw", "ledger", "command")
"""Commands may have variables of their own shell."""

_GENERATED = ("user", "token")


def rules(folder: Path) -> tuple[Rule, ...]:
    """The checks of a target file in this folder."""
    variables, people, frames = (partial(check, folder) for check in (_variables, _identities, _frames))
    return variables, _secrets(folder), _token, people, frames, _mitigations


def texts(node: Any, path: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Every text in a tree of mappings and lists, with its path."""
    if isinstance(node, str):
        yield path, node
    rows = node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list) else ()
    for key, value in rows:
        yield from texts(value, (*path, key))


def _variables(folder: Path, source: Document) -> Iterator[Problem]:
    spec = source.get("spec")
    columns = _columns(folder, source)
    for path, text in texts(spec):
        fields = tuple(step for step in path if isinstance(step, str))
        if fields[:3] in _UNFILLED:
            continue
        is_start = fields[:1] == ("components",) and fields[2:4] == ("process", "start")
        for name in names(text):
            wrong = _wrong_in_start(name) if is_start else _wrong_variable(name, _known(fields), columns, source)
            if wrong is not None:
                yield source.problem(("spec", *path), wrong)


def _known(fields: tuple[str, ...]) -> Set[str] | None:
    """The variables of a place; None where nothing is filled in."""
    return next((known for place, known in PLACES.items() if fields[: len(place)] == place), None)


def _wrong_variable(name: str, known: Set[str] | None, columns: Sequence[str] | None, source: Document) -> str | None:
    if known is None:
        return f"${{{name}}} would stay as it is: no variable is filled in here"
    prefix, _, rest = name.partition(".")
    match prefix:
        case "env" if rest:
            return None if rest in os.environ else f"the environment variable {rest} is not set"
        case "secret" if rest:
            secrets = source.get("spec", "secrets", default={})
            there = [str(one) for one in secrets] if isinstance(secrets, dict) else []
            return None if rest in there else f"spec.secrets has no '{rest}'{did_you_mean(rest, there)}"
        case "identity" if rest and "identity" in known:
            if columns is None or rest in columns:
                return None
            return f"the identities have no column '{rest}'{did_you_mean(rest, columns)}"
    return None if name in known and name != "identity" else _unknown(name, known)


def _wrong_in_start(name: str) -> str | None:
    """What is run or asked to undo a fault stays in the undo log: no secret may be in it."""
    if name == "name":
        return None
    return f"${{{name}}} is not known here; there is ${{name}} alone, and $${{{name}}} leaves it to a shell"


def _unknown(name: str, known: Set[str]) -> str:
    root = "identity" if name.startswith("identity.") else name
    elsewhere = any(root in others for others in PLACES.values())
    here = ["identity.COLUMN" if one == "identity" else one for one in known] + ["env.NAME", "secret.NAME"]
    if elsewhere or not known:
        return f"${{{name}}} is not known here; there are {', '.join(sorted(here))}"
    return f"no variable ${{{name}}}{did_you_mean(name, here)}"


def _columns(folder: Path, source: Document) -> Sequence[str] | None:
    """The columns of the identities; None where the file can't tell, which is told elsewhere."""
    file = source.get("spec", "identities", "file")
    if not isinstance(file, str):
        return _GENERATED
    try:
        return roster.columns(folder / file)
    except InputError:
        return None


def _secrets(folder: Path) -> Rule:
    def check(source: Document) -> Iterator[Problem]:
        secrets = source.get("spec", "secrets", default={})
        for name, raw in secrets.items() if isinstance(secrets, dict) else ():
            if not isinstance(raw, dict) or len(raw) != 1:
                continue
            ((kind, where),) = raw.items()
            if kind not in ("env", "file") or not isinstance(where, str):
                continue
            try:
                Secret(env=where).read() if kind == "env" else Secret(file=folder / where).read()
            except InputError as error:
                yield source.problem(("spec", "secrets", str(name)), str(error))

    return check


def _token(source: Document) -> Iterator[Problem]:
    path = ("spec", "grafana", "token_env")
    name = source.get(*path)
    if isinstance(name, str) and name not in os.environ:
        yield source.problem(path, f"the environment variable {name} is not set")


def _mitigations(source: Document) -> Iterator[Problem]:
    path = ("spec", "mitigations", "automatic")
    allowed, components = source.get(*path), source.get("spec", "components", default={})
    there = [str(name) for name in components] if isinstance(components, dict) else []
    for number, name in enumerate(allowed) if isinstance(allowed, list) else ():
        if name not in there:
            yield source.problem((*path, number), f"no component '{name}'{did_you_mean(str(name), there)}")


def _identities(folder: Path, source: Document) -> Iterator[Problem]:
    path = ("spec", "identities", "file")
    file = source.get(*path)
    if not isinstance(file, str):
        return
    try:
        yield from roster.faults(folder / file)
    except InputError as error:
        yield source.problem(path, str(error))


def _frames(folder: Path, source: Document) -> Iterator[Problem]:
    live = source.get("spec", "live")
    if not isinstance(live, dict):
        return
    path = ("spec", "live", "codec")
    try:
        codec = codecs.load(str(source.get(*path, default="json")), folder)
    except InputError as error:
        yield source.problem(path, str(error))
        return
    for fields in (("on_open",), ("say",), ("heartbeat", "send")):
        for where, text in texts(source.get("spec", "live", *fields), ("spec", "live", *fields)):
            if (wrong := codec.fault(fill(text, _Zeros()))) is not None:
                yield source.problem(where, wrong)


class _Zeros(dict[str, str]):
    """A figure for every variable: it is good JSON with quotation marks around it and without."""

    def __missing__(self, name: str) -> str:
        return "0"
