from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from flashcrowd.verdict import Outcome
from monitors.counting.measure import measure
from monitors.judge import decide
from monitors.prometheus import Prometheus
from monitors.slo import Slo

Until = Callable[..., Awaitable[None]]


async def seen(prometheus: Prometheus, promql: str, value: float) -> bool:
    return await prometheus.scalar(promql) == value


async def quiet(prometheus: Prometheus, until: Until) -> float:
    """Wait for a few more scrapes, so that a window begins or ends with the counters at rest; the time then."""
    since = time.time()

    async def scraped() -> bool:
        scrapes = await prometheus.scalar(f"count_over_time(up[{max(1, round(time.time() - since))}s])")
        return time.time() - since > 1 and (scrapes or 0) >= 3

    await until(scraped)
    return time.time()


async def test_events_are_counted_in_their_windows(
    bench: Any, prometheus: Prometheus, until: Until, slo_on: Callable[..., Slo]
) -> None:
    counter, slo = bench.shop.measured, slo_on("measured")

    async def sell(good: int, bad: int, total: int) -> tuple[float, float]:
        start = await quiet(prometheus, until) - 1
        counter.labels("ok").inc(good)
        counter.labels("error").inc(bad)
        await until(lambda: seen(prometheus, "sum(measured_total)", total))
        return start, await quiet(prometheus, until)

    poor = await sell(900, 100, 21_000)
    good = await sell(1000, 0, 22_000)
    first, both = await measure(slo, prometheus, [poor]), await measure(slo, prometheus, [poor, good])
    assert first.bad is not None and first.total is not None and both.bad is not None and both.total is not None
    assert first.bad / first.total == pytest.approx(0.1, rel=0.01)
    assert (first.total, both.total) == (pytest.approx(1000, rel=0.3), pytest.approx(2000, rel=0.3))
    assert both.bad == first.bad
    for start, end in both.gaps:  # a busy machine scrapes late; all else would be made up
        assert not await prometheus.scalar(f"count_over_time(up[{end - start - 0.1:.3f}s])", end - 0.05)
    assert decide(slo, replace(first, gaps=())).outcome is Outcome.FAIL


async def test_a_service_without_any_error_series_has_no_bad_events(
    bench: Any, prometheus: Prometheus, until: Until, slo_on: Callable[..., Slo]
) -> None:
    bench.shop.flawless.labels("ok").inc(5000)
    await until(lambda: seen(prometheus, "sum(flawless_total)", 15_000))
    now = await quiet(prometheus, until)
    counts = await measure(slo_on("flawless"), prometheus, [(bench.since + (now - bench.since) / 3, now)])
    assert counts.bad == 0
    assert counts.errors_unseen
    assert await prometheus.scalar(slo_on("flawless").ratio_query(now - bench.since), now) == 0


async def test_a_time_without_scrapes_is_no_data(
    bench: Any, prometheus: Prometheus, slo_on: Callable[..., Slo]
) -> None:
    before = (bench.since - 100, bench.since - 40)
    counts = await measure(slo_on("flawless"), prometheus, [before])
    assert (counts.bad, counts.total, counts.gaps) == (None, None, (before,))
    assert decide(slo_on("flawless"), counts).text == "no data"
    assert (await measure(slo_on("flawless"), prometheus, [])).total is None


async def test_a_prometheus_that_was_there_for_half_the_time_doesnt_speak_for_the_whole(
    bench: Any, prometheus: Prometheus, until: Until, slo_on: Callable[..., Slo]
) -> None:
    bench.shop.flawless.labels("ok").inc(1_000_000)
    now = await quiet(prometheus, until)
    window = (bench.since - 3 * (now - bench.since), now)
    found = decide(slo_on("flawless"), await measure(slo_on("flawless"), prometheus, [window]))
    assert found.total is not None and found.total > 1000
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "no data from" in found.text


async def test_a_ratio_is_averaged_over_its_seconds(prometheus: Prometheus, events_slo: Callable[..., Slo]) -> None:
    slo = events_slo(sli={"raw": {"error_ratio_query": "vector(time() / 100000) # over {{.window}}"}})
    counts = await measure(slo, prometheus, [(0, 1000), (1000, 4000)])
    assert counts.ratio == pytest.approx((0.01 * 1000 + 0.04 * 3000) / 4000)
    assert counts.total is None
