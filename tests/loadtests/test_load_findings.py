"""What a load run says of the generator itself."""

from __future__ import annotations

import pytest

from flashcrowd.errors import InputError
from gamedays.judging import load_findings
from gamedays.verbs import load_run
from loadtests.result import LoadResult

TIMES = {name: {"p50": 0.001, "p95": 0.01, "p99": 0.02, "max": 0.3} for name in ("arrival lag", "rush lag")}


def result(**more) -> LoadResult:
    return LoadResult(
        requests=(), orders={}, deliveries={}, lag_p99=0.001, saturated_seconds=0, **{"times": TIMES, **more}
    )


def test_a_schedule_that_was_kept_passes_and_tells_its_counts():
    (finding,) = load_findings.arrivals(result(arrivals={"planned": 1000, "started": 995, "late": 5, "dropped": 5}))
    assert finding.outcome == "pass"
    assert finding.message == (
        "1,000 arrivals planned, 995 started, 5 of them late, 5 dropped; lateness p50 1 ms, p99 20 ms, max 300 ms"
    )


def test_a_schedule_that_was_not_kept_is_no_ground_for_a_verdict():
    (finding,) = load_findings.arrivals(result(arrivals={"planned": 1000, "started": 980, "late": 0, "dropped": 20}))
    assert finding.outcome == "inconclusive"


def test_a_load_without_schedule_rush_or_loss_has_no_findings_of_them():
    one = result(arrivals={"planned": 0, "started": 0, "late": 0, "dropped": 0})
    assert not [*load_findings.arrivals(one), *load_findings.rushes(one), *load_findings.lost(one)]


def test_rushes_say_how_late_they_were():
    (finding,) = load_findings.rushes(result(rushes=2_000))
    assert (finding.name, finding.outcome) == ("crowd/rush", "pass")
    late = {"rush lag": {"p50": 0.5, "p95": 1.0, "p99": 1.5, "max": 2.0}}
    (finding,) = load_findings.rushes(result(rushes=2_000, times=late))
    assert finding.outcome == "inconclusive"


def test_each_lost_worker_is_named_with_its_viewers():
    lost = [{"name": "load-worker-1", "viewers": 5_000, "reason": "ended"}]
    (finding,) = load_findings.lost(result(lost_workers=lost))
    assert (finding.name, finding.outcome) == ("crowd/worker", "inconclusive")
    assert finding.message.startswith("load-worker-1 ended with 5,000 viewers")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": "dorbuster"}, "did you mean 'doorbuster'"),
        ({"arrivals": "500"}, "--arrivals: '500' is not a rate"),
        ({"arrivals": "0/s"}, "no arrivals at all"),
        ({"bind": "10.0.0.1:5557"}, "--expect-workers N"),
        ({"expect_workers": 2}, "--bind HOST:PORT"),
    ],
)
def test_options_that_do_not_fit_are_told_with_the_remedy(change, message):
    plain = {"shape": "ramp", "duration": "1m", "over": None, "workers": "auto", "host": None, "metrics_port": None}
    with pytest.raises(InputError, match=message):
        load_run.spec("live-commerce", 100, **{**plain, **change})
