"""Runbook run: a runbook followed by hand, at a target and its Prometheus; `flashcrowd runbook run` in code."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from flashcrowd.errors import InputError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.mark import mark_headers
from flashcrowd.target import Target, read_target
from monitors.prometheus import Prometheus
from runbooks import catalogue
from runbooks.audit import Audit
from runbooks.execution import Execution
from runbooks.executor import Executor
from runbooks.model import Runbook
from runbooks.terminal import Terminal


async def follow(
    name: str,
    target_file: Path | None,
    prometheus: str | None,
    out: Path,
    execute: bool,
    yes: bool,
    production: str | None,
) -> Execution:
    """Follow a runbook, showing each step on standard output; its audit goes to `out`.

    Raises:
        InputError, GuardError: nothing was done. NeedError: the audit can't be written.
    """
    runbook = catalogue.find(name)
    target = read_target(target_file) if target_file is not None else None
    if execute and target is None:
        raise InputError("to act on a platform, say which: add --target FILE")
    guard = Guard.of(target, production) if target is not None else Guard(())
    url = prometheus or (target.prometheus_url if target is not None else None)
    if url is not None and target is not None:
        guard.check_url(url, "--prometheus")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(Prometheus(url)) if url is not None else None
        audit = stack.enter_context(Audit(_audit_file(out, runbook)))
        keyboard = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
        terminal = Terminal(runbook, sys.stdout, keyboard, yes)

        async def query(promql: str) -> list[float]:
            assert server is not None
            return [sample.value for sample in await server.query(promql)]

        executor = Executor(
            runbook,
            query=query if server is not None else None,
            guard=guard,
            variables=_variables(target),
            audit=audit,
            execute=execute,
            approve=terminal.approve,
            on_event=terminal.on_event,
            mark=lambda: mark_headers(target) if target is not None else {},
        )
        return await executor.run()


def _variables(target: Target | None) -> dict[str, str]:
    return target.variables() if target is not None else {}


def _audit_file(out: Path, runbook: Runbook) -> Path:
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NeedError(f"{out} can't be made: {error.strerror}; choose another folder with --out") from None
    return out / f"{stamp}-{runbook.name}.jsonl"
