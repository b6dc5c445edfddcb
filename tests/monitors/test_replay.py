"""On a real Prometheus, with blocks written by promtool."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from flashcrowd.errors import NeedError
from flashcrowd.process import Supervisor
from monitors import replay, rules, windows
from monitors.course import Course, replayed
from monitors.slo import Slo

GOOGLE = windows.find("google-30d")
START = 1_800_000_000.0
DAYS = 3 * 86400.0


def course(slo: Slo, history: int, share: float = 0.05, prefix: float = 0.0) -> Course:
    """Healthy for `history` seconds, then bad by a share, and on like that for ever."""
    rows = tuple((START + at, 0.0 if at < history else 40 * share, 40.0) for at in range(history + 60))
    return Course(slo, rows, 1.0, 40.0, prefix, (40 * share, 40.0), START + history)


@pytest.fixture
def needed(promtool: str) -> None:
    if not replay.available():
        pytest.skip("no Prometheus here")


@pytest.mark.slow
@pytest.mark.usefixtures("needed")
async def test_a_short_history_flatters_and_days_of_healthy_traffic_do_not(
    tmp_path: Path, events_slo: Callable[..., Slo]
) -> None:
    """The table of docs/alert-rules.md once more, now on a server: 99.9 % wanted, 5 % bad, 1h/5m at 14.4."""
    slo = events_slo(objective=99.9)
    histories = [course(slo, 120), course(slo, 600), course(slo, 3600), course(slo, 120, prefix=DAYS)]
    wanted = [60.0, 255.0, 1037.0, 1037.0]
    async with Supervisor(tmp_path) as supervisor:
        found = await replay.replay(supervisor, tmp_path, histories, GOOGLE)
    pages = [next(one for one in firings if one.pair == "1h/5m") for firings in found]
    took = [page.at - history.since for page, history in zip(pages, histories, strict=True)]
    assert took == pytest.approx(wanted, abs=31)  # a scrape and an evaluation, 15 s each
    assert {(page.alert, page.severity) for page in pages} == {("OrderBurn", "page")}
    assert [one.pair for one in found[3]] == ["1h/5m"]
    first = [next(one for one in firings if one.severity == "page") for firings in found]
    assert [one.pair for one in first] == ["6h/30m", "6h/30m", "6h/30m", "1h/5m"], "a slow pair is flattered most"
    took = [page.at - history.since for page, history in zip(first, histories, strict=True)]
    assert took == pytest.approx([16.0, 82.0, 491.0, 1037.0], abs=31)


@pytest.mark.slow
@pytest.mark.usefixtures("needed")
async def test_a_slow_burn_is_the_slow_pairs_and_a_slower_one_pages_nobody(
    tmp_path: Path, events_slo: Callable[..., Slo]
) -> None:
    """25 % of events are bad by 10 %: 14.4 is never reached, 6 after 216 minutes. 4 % are no page's."""
    histories = [course(events_slo(), 60, share, prefix=6 * 3600) for share in (0.10, 0.04)]
    async with Supervisor(tmp_path) as supervisor:
        slow, slower = await replay.replay(supervisor, tmp_path, histories, GOOGLE)
    (page,) = [one for one in slow if one.severity == "page"]
    assert page.pair == "6h/30m"
    assert page.at - histories[0].since == pytest.approx(216 * 60, abs=31)
    assert [one for one in slower if one.severity == "page"] == []


def test_the_alerts_are_those_of_production_to_the_letter(events_slo: Callable[..., Slo]) -> None:
    def alerts(text: str) -> list[str]:
        return re.findall(r"- alert:.*?(?=\n  - |\Z)", text, re.DOTALL)

    slo = events_slo(objective=99.9)
    written = rules.rule_file([slo], GOOGLE)
    used = rules.rule_file([replayed(slo)], GOOGLE.without_period())
    assert alerts(used) == alerts(written)
    assert len(alerts(written)) == 4
    assert used.count("- record:") == 7


async def test_without_promtool_it_is_said_how_to_get_it(
    tmp_path: Path, events_slo: Callable[..., Slo], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not replay.available()
    async with Supervisor(tmp_path) as supervisor:
        with pytest.raises(NeedError, match="promtool not found on PATH"):
            await replay.replay(supervisor, tmp_path, [course(events_slo(), 60)], GOOGLE)
