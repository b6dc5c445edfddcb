"""Shell: which programs a script calls by name, as far as that is certain, and which of them are there.

Prefers silence: a name that is put together when the script runs, one that the script looks for itself or defines, and
whatever stands after a change of PATH, is not told.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

SHELL = "/bin/sh"
LONGEST = 16_384
"""Bytes of a script that are looked through; the parser's worst case grows with their square."""

_PLAIN = re.compile(r"[A-Za-z0-9_.+/@%:-]+")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_CARRIERS = frozenset({"command", "doas", "env", "exec", "nice", "nohup", "setsid", "sudo", "time", "timeout", "xargs"})
"""Commands whose first plain argument is a command; `timeout` has a duration before it."""
_LOOKERS = frozenset({"hash", "type", "which"})
_SOURCES = frozenset({".", "alias", "eval", "source"})
"""What can define commands that the script doesn't show."""
_SECONDS = 5.0


@dataclass(frozen=True)
class Call:
    """A program that a script calls. offset: the line inside the script, from 0."""

    name: str
    offset: int


def syntax_fault(script: str) -> tuple[int, str] | None:
    """The line (offset from 0) and the words in which /bin/sh itself refuses a script; nothing of it is run."""
    ended = _sh(["-n"], script)
    if ended is None or ended.returncode == 0:
        return None
    said = ended.stderr.strip().split("\n")[0]
    match = re.search(r"(?:line )?(\d+): (.*)", said)
    return (max(int(match[1]) - 1, 0), match[2]) if match else (0, said)


def calls(script: str) -> list[Call]:
    """The programs that a script certainly calls by these names; none where it can't be told."""
    root = _parser().parse(script.encode()).root_node
    if root.has_error:
        return []
    found = _Found()
    for node in _nodes(root):
        found.see(node)
    return [] if found.open else [call for call in found.calls if call.name not in found.known]


def missing(names: Iterable[str]) -> set[str]:
    """Those that /bin/sh has neither built in nor on PATH, asked without running any."""
    everything = set(names)
    wanted = sorted(name for name in everything if "/" not in name)
    ended = _sh(["-c", 'for n do command -v "$n" >/dev/null 2>&1 || echo "$n"; done', "sh", *wanted])
    absent = set(ended.stdout.split()) & set(wanted) if ended is not None and ended.returncode == 0 else set()
    return absent | {name for name in everything if name.startswith("/") and not os.access(name, os.X_OK)}


class _Found:
    """What a walk through a script finds. open: it can't be told what else there is. known: names not to be told."""

    def __init__(self) -> None:
        self.calls, self.known, self.open = list[Call](), set[str](), False

    def see(self, node: Any) -> None:
        """Look at one node of the tree."""
        match node.type:
            case "function_definition":
                self.known.add(_text(node.child_by_field_name("name")))
            case "variable_assignment":
                self.open |= _text(node.child_by_field_name("name")) == "PATH"
            case "command":
                words = [child for child in node.named_children if child.type not in _ASIDE]
                self._command([_text(word) for word in words], node.start_point[0])

    def _command(self, words: list[str], offset: int) -> None:
        name, *rest = words or [""]
        if not _PLAIN.fullmatch(name) or name.startswith(("-", "./", "../")):
            return
        self.calls.append(Call(name, offset))
        self.open |= name in _SOURCES
        if name in _LOOKERS or (name == "command" and rest[:1] in (["-v"], ["-V"])):
            self.known |= set(rest)
        elif name in _CARRIERS:
            rest = rest[1:] if name == "timeout" and rest and not rest[0].startswith("-") else rest
            while name == "env" and rest and _ASSIGNMENT.match(rest[0]):
                rest = rest[1:]
            self._command(rest, offset)


_ASIDE = frozenset({"variable_assignment", "file_redirect", "heredoc_redirect", "herestring_redirect", "comment"})


def _text(node: Any) -> str:
    return node.text.decode("utf-8", errors="replace") if node is not None and node.text is not None else ""


def _nodes(root: Any) -> Iterator[Any]:
    """Every node, without recursion: others write the scripts."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.children)


@cache
def _parser() -> Any:
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


def _sh(arguments: list[str], script: str = "") -> subprocess.CompletedProcess[str] | None:
    """/bin/sh, given what can't make it run anything of a page; None where there is none, or it takes too long."""
    try:
        return subprocess.run(
            [SHELL, *arguments],
            input=script.replace("\0", ""),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None
