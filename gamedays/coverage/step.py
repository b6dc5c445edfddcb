"""Step: a fault for a plan, as it is written there, that would show what no rehearsal has shown."""

from __future__ import annotations

import json
import re
import textwrap

from chaos.catalogue import Kind
from monitors.slo import Slo

WIDTH = 66
"""Columns of a line: indented by a dozen it still stands on a screen."""

EASY = ("process.kill", "network.latency", "process.pause", "http.error", "network.down", "resource.cpu")
"""The kinds that tell most for the least trouble, first."""

AT, DETECTED = "60s", "30s"


def easiest(kinds: tuple[Kind, ...]) -> Kind:
    """The kind to begin with, of at least one."""
    return min(kinds, key=lambda kind: (EASY.index(kind.name) if kind.name in EASY else len(EASY), kind.name))


def step(kind: Kind, on: str, slo: Slo | None = None) -> tuple[str, ...]:
    """The example of a kind on a component, with what is expected of it. slo: that it is to hit; of a
    ticket nothing can be expected, as it calls nobody in time."""
    fault = re.sub(r"\bon: [^,}]+", lambda _: f"on: {_plain(on)}", kind.example, count=1)
    lines = [f"- at: {AT}", *_wrapped(f"fault: {fault}")]
    if slo is None or slo.alert("page") is None:
        return tuple(lines)
    wanted = {"slo": slo.name, "detected_within": DETECTED}
    wanted |= {"runbook": _plain(slo.runbook)} if slo.runbook else {}
    return (*lines, *_wrapped("expect: {" + ", ".join(f"{name}: {value}" for name, value in wanted.items()) + "}"))


def _wrapped(text: str) -> list[str]:
    """A mapping in braces, broken between its fields alone."""
    whole = text.replace(" ", "\0").replace(",\0", ", ").replace(":\0{", ": {", 1)
    lines = textwrap.wrap(
        whole, WIDTH, initial_indent="  ", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
    return [line.replace("\0", " ") for line in lines]


def _plain(name: str) -> str:
    """A name as YAML has it inside braces."""
    return name if re.fullmatch(r"[A-Za-z][\w.-]*", name) else json.dumps(name)
