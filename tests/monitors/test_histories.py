"""The gate against histories whose truth is known, in a real Prometheus."""

from __future__ import annotations

import shutil
from pathlib import Path

import histories
import pytest
import pytest_asyncio
from histories import HISTORIES, History

from flashcrowd.errors import ExitCode
from monitors.gate.run import GateRun

PAGE = Path(__file__).parents[2] / "docs" / "verdicts.md"
CODES = {"pass": ExitCode.PASS, "fail": ExitCode.FAIL, "inconclusive": ExitCode.INCONCLUSIVE}
Found = dict[str, tuple[History, GateRun]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def found() -> Found:
    for program in ("prometheus", "promtool"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} here")
    return {history.name: (history, run) for history, run in await histories.rows()}


@pytest.mark.parametrize("name", [history.name for history in HISTORIES])
def test_a_history_gets_the_verdict_that_it_deserves(found: Found, name: str) -> None:
    history, run = found[name]
    (checked,) = run.checked
    assert checked.judgement.outcome.value == history.expected, checked.judgement.text
    assert run.exit_code is CODES[history.expected]
    assert history.says in checked.judgement.text


def test_restarts_neither_lose_nor_double_events(found: Found) -> None:
    """Each loses at most what came between a last scrape and the restart: 15 s of 3,600."""
    for name in ("healthy", "reset"):
        judgement = found[name][1].checked[0].judgement
        assert judgement.total == pytest.approx(360_000, rel=0.01)
        assert judgement.ratio == pytest.approx(0.0005, rel=0.01)


def test_a_peak_weighs_as_much_as_its_events(found: Found) -> None:
    judgement = found["flash-spike"][1].checked[0].judgement
    assert judgement.total == pytest.approx(348_000 + 600_000, rel=0.01)
    assert judgement.bad == pytest.approx(12_000, rel=0.01)


def test_the_table_of_the_docs_is_what_is_said(found: Found) -> None:
    """All but the rows about clocks, whose seconds may differ by one."""
    told = histories.table([row for row in found.values() if not row[0].live])
    page = PAGE.read_text()
    missing = [line for line in told.splitlines() if line not in page]
    assert not missing, "docs/verdicts.md is out of date: python benchmarks/show_verdicts.py"
    for history in HISTORIES:
        assert f"| {history.name} | " in page
