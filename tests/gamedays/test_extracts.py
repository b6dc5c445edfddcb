from __future__ import annotations

import pytest

from flashcrowd.errors import NeedError
from flashcrowd.rundir import RunDirectory
from gamedays.planning.checks import prepare
from gamedays.playing.extracts import CHARTS, load_charts, load_slis, save
from monitors.prometheus import Series

START, END = 1_800_000_000.4, 1_800_000_010.6


class History:
    """Answers like a Prometheus with a value for every second but the fifth, until its patience ends."""

    def __init__(self, patience: int = 1000) -> None:
        self.patience = patience

    async def query_range(self, promql: str, start: float, end: float, step: float) -> list[Series]:
        self.patience -= 1
        if self.patience < 0:
            raise NeedError("prometheus did not answer within 5 s")
        if "chat" in promql:
            return []
        seconds = [start + number * step for number in range(int((end - start) / step) + 1)]
        return [Series({}, tuple((at, 2.0) for number, at in enumerate(seconds) if number != 5))]


@pytest.fixture
def run(tmp_path) -> RunDirectory:
    return RunDirectory.create(tmp_path, "extracts")


async def test_what_is_kept_has_a_row_for_every_second_and_none_where_there_was_nothing(run):
    slos = prepare("flash-sale-rehearsal").slos
    await save(run, History(), slos, START, END)
    slis = load_slis(run)
    assert set(slis) == {slo.name for slo in slos}
    rows = slis["order-latency"].rows
    assert [at for at, _, _ in rows] == [1_800_000_000.0 + number for number in range(1, 11)]
    assert [total for _, _, total in rows] == [2.0] * 4 + [None] + [2.0] * 5
    assert all(total is None for _, _, total in slis["chat-delivery"].rows)
    charts = load_charts(run)
    assert [(chart["panel"], chart["series"]) for chart in charts] == [(chart.panel, chart.series) for chart in CHARTS]
    assert len(charts[0]["points"]) == 10


@pytest.mark.parametrize("patience", [0, 3, 8])
async def test_a_prometheus_that_gives_up_leaves_whole_files_or_none(run, patience):
    slos = prepare("flash-sale-rehearsal").slos
    with pytest.raises(NeedError):
        await save(run, History(patience), slos, START, END)
    assert len(load_slis(run)) in (0, len(slos))
    assert load_charts(run) == []
