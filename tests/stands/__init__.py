"""Stands: for every kind of fault, something real to break, shared by the tests and the kill benchmark.

A module here has `STANDS`, from a kind to the stand that it is tried on. A stand starts its own processes in a
supervisor and leaves nothing behind.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flashcrowd.process import Supervisor


@dataclass(frozen=True)
class Stand:
    """A component as a target file describes it, a fault on it, and an independent look at the real thing.

    component: one entry of `spec.components`. fault: the kind's parameters, without kind, on and for. present: whether
    the fault is in place now, seen without our own code: in the proxy's toxics, in /proc, in `nft list ruleset`.
    passes: it is over by itself as soon as it is seen to bite.
    """

    component: dict[str, Any]
    fault: dict[str, Any]
    present: Callable[[], Awaitable[bool]]
    passes: bool = False


Factory = Callable[[Path, Supervisor], AbstractAsyncContextManager[Stand]]
"""Starts a stand in a folder of its own."""


def every_stand() -> dict[str, Factory]:
    """All stands by the kind of fault."""
    modules = [importlib.import_module(f"{__name__}.{name}") for _, name, _ in pkgutil.iter_modules(__path__)]
    return {kind: factory for module in modules for kind, factory in getattr(module, "STANDS", {}).items()}
