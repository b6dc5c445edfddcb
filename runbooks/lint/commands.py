"""Commands: whether the scripts of sh steps can be read by /bin/sh, and call programs that are there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile

from runbooks.lint import shell
from runbooks.lint.finding import Finding, finding
from runbooks.lint.pages import Page
from runbooks.model import ShStep


def findings(pages: Sequence[Page]) -> Iterator[Finding]:
    """What is wrong with scripts; the names of all of them are looked for at once."""
    called = list[tuple[Page, ShStep, int, str]]()
    for page, step in [(one, step) for one in pages for step in one.runbook if isinstance(step, ShStep)]:
        first = _first_line(page, step)
        if len(step.script.encode()) > shell.LONGEST:
            message = f"the script is longer than {shell.LONGEST:,} bytes; its commands were not looked for"
            yield finding("command", page.file, step.line, message, step.name)
        elif (fault := shell.syntax_fault(step.script)) is not None:
            yield finding("shell", page.file, first + fault[0], f"/bin/sh can't read it: {fault[1]}", step.name)
        else:
            called += [(page, step, first + call.offset, call.name) for call in shell.calls(step.script)]
    absent = shell.missing(name for _, _, _, name in called)
    for page, step, line, name in called:
        if name in absent:
            yield finding("command", page.file, line, f"'{name}' is not on PATH here", step.name)


def _first_line(page: Page, step: ShStep) -> int:
    """Where the script begins: empty lines at the block's beginning are no part of it."""
    return step.line + 1 + len(list(takewhile(lambda line: not line, page.body[step.line :])))
