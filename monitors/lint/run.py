"""Lint run: `slo lint` as it is typed, from texts to lines."""

from __future__ import annotations

from collections.abc import Sequence

from flashcrowd.errors import Problem
from monitors import slo_files
from monitors.access import Access
from monitors.lint import series as series_lint
from monitors.prometheus import Prometheus


async def run(paths: Sequence[str], url: str | None = None, access: Access | None = None) -> list[Problem]:
    """What is doubtful in SLO files, and with the address of a Prometheus, beside its series; in order of place.

    Raises:
        InputError: a wrong file or address; NeedError: Prometheus doesn't answer.
    """
    found = slo_files.load(paths)
    warnings = list(found.warnings)
    if url is not None:
        async with Prometheus(url, access=access) as prometheus:
            warnings += await series_lint.findings(found.slos, found.places, prometheus)
    return sorted(dict.fromkeys(warnings))
