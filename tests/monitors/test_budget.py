"""Error budgets over 30 days whose truth is known, in a real Prometheus."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import backfilled
import histories
import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from flashcrowd.errors import ExitCode, InputError
from flashcrowd.verdict import Outcome
from monitors.budget import Budget, Piece, runs_out
from monitors.counting import evidence
from monitors.counting.selectors import selectors
from monitors.gate import budget_run
from monitors.gate.budget_run import BudgetRun
from monitors.prometheus import Prometheus

DAY, HOUR, SCRAPE = 86_400.0, 3600.0, 300.0
MONTH = 30 * DAY
END = histories.END
SHARES: dict[str, Callable[[float], float | None]] = {
    "steady": lambda ago: 0.0005,
    "burning": lambda ago: 0.02 if ago < 2 * HOUR else 0.0003,
    "overspent": lambda ago: 0.004 if 10 * DAY < ago < 20 * DAY else 0.0,
    "recovering": lambda ago: 0.002 if ago > 18 * DAY else 0.0006,
    "young": lambda ago: 0.0004 if ago < 12 * DAY else None,
    "young-and-bad": lambda ago: 0.002 if ago < 12 * DAY else None,
    "nearly-whole": lambda ago: 0.0004 if ago < 29 * DAY else None,
    "silent": lambda ago: 0.0004 if ago > 3 * HOUR else None,
    "nothing": lambda ago: None,
    "fresh": lambda ago: 0.0004 if ago < 5 * HOUR else None,
    "holed": lambda ago: None if 9 * DAY < ago < 9 * DAY + 2100 else 0.0004,
}


def openmetrics(name: str, share: Callable[[float], float | None]) -> Iterator[str]:
    """30 days of 10 events a second, with so many bad ones."""
    metric, rows, total, bad = name.replace("-", "_"), [], 0.0, 0.0
    for number in range(round(MONTH / SCRAPE), -1, -1):
        now = share(number * SCRAPE)
        if now is not None:
            total, bad = total + 10 * SCRAPE, bad + 10 * SCRAPE * now
            rows.append((END - number * SCRAPE, total - bad, bad))
    yield f"# TYPE {metric} counter"
    for column, outcome in ((1, "ok"), (2, "error")):
        for row in rows:
            yield f'{metric}_total{{instance="a",outcome="{outcome}"}} {row[column]:.1f} {row[0]:.0f}'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def month(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[str, Path]]:
    for program in ("prometheus", "promtool"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} here")
    folder = tmp_path_factory.mktemp("month")
    rows = [line for name, share in SHARES.items() for line in openmetrics(name, share)]
    backfilled.write(folder / "month.om", rows, folder / "data")
    file = folder / "slos.yaml"
    entries = "".join(histories.History(name, "", "", "").slo() for name in SHARES)
    file.write_text("version: prometheus/v1\nservice: shop\nslos:\n" + entries)
    async with backfilled.served(folder, folder / "data") as url:
        yield url, file


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def found(month: tuple[str, Path]) -> BudgetRun:
    url, file = month
    return await budget_run.run([str(file)], url, "30d", None, str(END))


def of(found: BudgetRun, name: str) -> Budget:
    return next(one for one in found.budgets if one.slo.name == name)


@pytest.mark.parametrize(
    ("name", "left", "burn", "days"),
    [
        ("steady", 0.5, 0.5, None),
        ("burning", 1 - 0.3 - (0.02 - 0.0003) / 0.001 * 2 / 720, 20, None),
        ("overspent", 1 - 4 / 3, 0, 0),
        ("recovering", 1 - (2 * 12 + 0.6 * 18) / 30, 0.6, 0),
    ],
)
def test_what_is_left_is_what_was_not_spent(
    found: BudgetRun, name: str, left: float, burn: float, days: float | None
) -> None:
    one = of(found, name)
    assert one.left == pytest.approx(left, abs=0.01)
    assert one.burn == pytest.approx(burn, rel=0.02, abs=0.01)
    assert one.covered > 0.99
    if days is not None:
        assert one.runs_out == days
    assert one.outcome is (Outcome.FAIL if left < 0 else Outcome.PASS)


def test_a_fast_burn_says_when_the_budget_is_gone(found: BudgetRun) -> None:
    """64.5 % left, and 20 budgets a period less the 0.3 that leave it."""
    one = of(found, "burning")
    assert one.runs_out == pytest.approx(one.left * MONTH / (20 - 0.3), rel=0.02)
    assert one.message == "64.5 % left; burns at 20, gone in 23.6 h"
    assert of(found, "steady").message == "50 % left; burns at 0.5, lasts"


def test_a_history_shorter_than_the_budget_is_said_and_never_passes(found: BudgetRun) -> None:
    young, bad, silent = (of(found, name) for name in ("young", "young-and-bad", "silent"))
    assert (young.outcome, young.covered) == (Outcome.INCONCLUSIVE, pytest.approx(0.4, abs=0.02))
    assert young.doubts == ("there are data for 12 d of 30 d, from 2025-12-24T21:05:00Z on",)
    assert of(found, "fresh").doubts == ("there are data for 4.92 h of 30 d, from 2026-01-05T16:05:00Z on",)
    assert bad.outcome is Outcome.FAIL
    assert (silent.outcome, silent.burn) == (Outcome.INCONCLUSIVE, None)
    assert silent.doubts == ("no data in the last 1h, so that the burn isn't known",)
    assert "data begin at 2025-12-07T21:05:00Z" in of(found, "nearly-whole").message
    assert of(found, "nearly-whole").outcome is Outcome.PASS
    assert (of(found, "nothing").outcome, of(found, "nothing").message) == (Outcome.INCONCLUSIVE, "no data")


def test_the_table_and_the_files_say_it(found: BudgetRun, tmp_path: Path) -> None:
    assert found.exit_code is ExitCode.FAIL
    lines = found.table.splitlines()
    assert lines[0].split() == ["SLO", "objective", "left", "burn", "at", "this", "burn", "verdict"]
    assert "burning        99.9 %      64.5 %    20  gone in 23.6 h  pass" in lines
    assert lines[-1] == "fail: 3 of 11 budgets are overspent, over the last 30 d"
    found.save(junit=tmp_path / "j.xml", json=tmp_path / "b.json", markdown=tmp_path / "b.md")
    document = json.loads((tmp_path / "b.json").read_text())
    assert (document["outcome"], document["period_seconds"], len(document["budgets"])) == ("fail", MONTH, len(SHARES))
    assert document["budgets"][1]["runs_out_at"] == pytest.approx(END + of(found, "burning").runs_out)
    assert "| nothing | 99.9 % | - | - | - | inconclusive | no data |" in (tmp_path / "b.md").read_text()
    assert 'name="nothing"' in (tmp_path / "j.xml").read_text()


async def test_half_an_hour_without_data_is_found_in_thirty_days(month: tuple[str, Path]) -> None:
    async with Prometheus(month[0]) as prometheus:
        found = await evidence.look(prometheus, selectors("sum(rate(holed_total[5m]))"), (END - MONTH, END))
    assert found.gaps == ((END - 9 * DAY - 2100, END - 9 * DAY),)
    assert found.interval == pytest.approx(SCRAPE, rel=0.01)


async def test_a_burn_over_more_than_the_period_is_wrong_input(month: tuple[str, Path]) -> None:
    url, file = month
    with pytest.raises(InputError, match="--window: the burn now"):
        await budget_run.run([str(file)], url, "1h", "2h", None)


PIECES = st.lists(st.tuples(st.floats(0, 1), st.floats(1, 100)), min_size=2, max_size=40).map(
    lambda rows: [Piece(share * total, total) for share, total in rows]
)


@settings(deadline=None, max_examples=25)
@given(PIECES, st.floats(0, 50), st.floats(0, 50))
def test_a_faster_burn_never_lasts_longer(pieces: list[Piece], one: float, other: float) -> None:
    slow, fast = sorted((one, other))
    lasts, gone = (runs_out(pieces, 0.01, burn, MONTH) for burn in (slow, fast))
    assert lasts is None or (gone is not None and gone <= lasts * (1 + 1e-9))


@settings(deadline=None, max_examples=25)
@given(st.floats(0, 0.99), st.floats(1.01, 100))
def test_what_was_spent_evenly_runs_out_as_reckoned_by_hand(spent: float, burn: float) -> None:
    """Each day so much leaves as had come: what is left L goes at burn - spent."""
    pieces = [Piece(0.01 * spent * 100, 100.0)] * 120
    assert runs_out(pieces, 0.01, burn, MONTH) == pytest.approx((1 - spent) * MONTH / (burn - spent))
    assert runs_out(pieces, 0.01, spent, MONTH) is None
