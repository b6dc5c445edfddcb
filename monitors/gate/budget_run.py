"""Budget run: `slo check --budget` as it is typed, from texts to a table and files."""

from __future__ import annotations

import asyncio
import json as json_text
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from flashcrowd.errors import ExitCode, InputError
from monitors import clock, slo_files
from monitors.access import Access
from monitors.budget import Budget, budget
from monitors.gate import budget_report
from monitors.gate import run as gate_run
from monitors.prometheus import Prometheus
from monitors.slo import Slo

BURN = "1h"
"""Over what the burn is measured where nobody says: the long window of the SRE workbook's quickest page."""


@dataclass(frozen=True)
class BudgetRun:
    """What is left of the budgets. period, burn_window: seconds. at: their end, unix seconds."""

    budgets: Sequence[Budget]
    period: float
    burn_window: float
    at: float
    warnings: Sequence[str] = ()

    @property
    def table(self) -> str:
        return budget_report.table(self.budgets)

    @property
    def exit_code(self) -> ExitCode:
        return budget_report.verdict(self.budgets).outcome.exit_code

    def save(self, junit: Path | None, json: Path | None, markdown: Path | None) -> None:
        """Write the files that are asked for, each one that can be. Raises NeedError, naming all that can't."""
        document = budget_report.as_dict(self.budgets, self.period, self.burn_window, self.at)
        document["warnings"] = list(self.warnings)
        page = budget_report.markdown(self.budgets) + gate_run.quoted(self.warnings)
        gate_run.save(
            (junit, budget_report.junit(self.budgets, self.period)),
            (json, json_text.dumps(document, indent=2, ensure_ascii=False) + "\n"),
            (markdown, page),
            page=page,
        )


async def run(
    paths: Sequence[str],
    url: str,
    period: str,
    burn_window: str | None,
    at: str | None,
    access: Access | None = None,
    timeout: str = gate_run.TIMEOUT,
    baseline: Path | None = None,
) -> BudgetRun:
    """Read the SLOs and ask the Prometheus for their budgets.

    Raises:
        InputError: a wrong file, period, window or time; NeedError: Prometheus doesn't answer.
    """
    slos, access = slo_files.load(paths).slos, access or Access()
    if baseline is not None:
        raise InputError("--baseline compares a --window; leave it or --budget out")
    seconds, burnt = gate_run.length("--budget", period), gate_run.length("--window", burn_window or BURN)
    if burnt > seconds:
        raise InputError(
            f"--window: the burn now can't be that of {burn_window}, which is longer than the budget's time"
        )
    asked = None if at is None else gate_run.time_of(at)
    async with Prometheus(url, gate_run.length("--timeout", timeout), access) as prometheus:
        now = await clock.read(prometheus)
        end = now.now if asked is None else asked
        early = now.doubt(end)

        async def one(slo: Slo) -> Budget:
            found = await budget(slo, prometheus, seconds, burnt, end)
            return replace(found, doubts=(*found.doubts, *([early] if early else ())))

        budgets = await asyncio.gather(*(one(slo) for slo in slos))
        return BudgetRun(budgets, seconds, burnt, end, list(gate_run.warnings(prometheus, access)))
