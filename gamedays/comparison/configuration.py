"""Configuration: what two runs were made of, and where it differs; without what differs from start to start."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from flashcrowd.errors import InputError
from gamedays.comparison.measured import Measured

PARTS = ("plan", "target", "slos", "versions", "machine", "control")
EACH_START = re.compile(r"\.(pidfile|scrapes_load_at)$")
"""Of a target: what every start writes anew."""

DEMAND = re.compile(r"^plan\.spec\.(load|sale|draw|steps)\b(?!\[\d+\]\.expect)")
"""What the crowd and the faults were: with others, nothing can be laid at the platform's door."""

SHIFT = 0.1
"""Share by which the load may differ before it is said; what people do is drawn by lot."""


@dataclass(frozen=True)
class Change:
    """One thing that differs. path: as `plan.spec.load.viewers`. demand: it is of the crowd or of the faults."""

    path: str
    before: str
    now: str

    @property
    def demand(self) -> bool:
        return DEMAND.search(self.path) is not None

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "demand": self.demand}

    def __str__(self) -> str:
        return f"{self.path}: {self.before} → {self.now}"


def changes(before: Measured, now: Measured) -> list[Change]:
    """All differences of two runs, the demand first."""
    old, new = (dict(_facts(one)) for one in (before, now))
    found = [
        Change(path, old.get(path, "none"), new.get(path, "none"))
        for path in dict.fromkeys((*old, *new))
        if old.get(path) != new.get(path)
    ]
    return sorted([*found, *_load(before, now)], key=lambda change: not change.demand)


def _facts(one: Measured) -> Iterator[tuple[str, str]]:
    manifest = one.story.manifest
    for part in PARTS:
        value = manifest.get(part)
        named = {slo["name"]: slo for slo in value} if part == "slos" and value else value
        yield from _flat(part, named, one.name)
    try:
        yield "load.workers", str(one.story.run.read_json("load/config.json").get("workers"))
    except InputError:
        return


def _flat(path: str, value: Any, run: str) -> Iterator[tuple[str, str]]:
    """Each leaf with its path."""
    if EACH_START.search(path):
        return
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(f"{path}.{key}", inner, run)
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from _flat(f"{path}[{number}]", inner, run)
    elif value not in (None, {}, []):
        yield path, _steady(str(value), run)


def _steady(text: str, run: str) -> str:
    """A text without the run's own name and the ports of this machine, which are others at each start."""
    text = text.replace(run, "RUN")
    return re.sub(r"\b(127(?:\.\d+){3}|localhost|\[::1\]):\d+", r"\1:PORT", text)


def _load(before: Measured, now: Measured) -> Iterator[Change]:
    """The load as it came to pass, where it differs by more than people do."""
    if before.result is None or now.result is None:
        return
    pairs = [("load.requests", before.result.total, now.result.total)]
    if before.story.crowd and now.story.crowd:
        pairs.append(("load.connected", before.story.crowd.viewers or 0, now.story.crowd.viewers or 0))
    for path, old, new in pairs:
        if abs(new - old) > SHIFT * max(old, new):
            yield Change(path, f"{old:,}", f"{new:,}")
