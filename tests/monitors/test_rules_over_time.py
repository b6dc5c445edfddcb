"""When each alert of each policy fires, and when it ends: promtool over synthetic series of one service.

99.9 % wanted, 5,000 events a minute. A pair fires once its long window is bad by factor × 0.1 %, and ends once its
short window is below that. Rules are evaluated every 24 minutes here, since 30 days of them take seconds; the quick
pair is pinned to 15 seconds in test_rules.py.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from monitors import rules, windows
from monitors.slo import Slo

SCRAPE, EVALUATION = 4, 24
"""Minutes."""

DAY = 1440
RATE = 5000
"""Events a minute."""

Incident = tuple[int, int, int]
"""From which minute, for how many, and how many events of each are bad: whole ones, as promtool adds them up."""

Firing = tuple[str, int, int]
"""A pair's long window, and from when until when its alert fires: the first evaluations, in minutes."""

A_MONTH: Sequence[Incident] = (
    (4 * DAY, 40, 250),
    (8 * DAY, 5 * 60, 55),
    (12 * DAY, 24 * 60, 22),
    (18 * DAY, 4 * DAY, 8),
)
GOOGLE_30D: Sequence[Firing] = (
    ("1h", 4 * DAY + 24, 4 * DAY + 48),  # 1.44 % of 1 h are 5 % of 17.3 min; 5 min are better after 3.6
    ("6h", 8 * DAY + 216, 8 * DAY + 336),  # 0.6 % of 6 h are 1.1 % of 196 min; 30 min are better after 13.6
    ("1d", 12 * DAY + 984, 12 * DAY + 1488),  # 0.3 % of 1 d are 0.44 % of 982 min; 2 h are better after 38
    ("3d", 12 * DAY + 984, 12 * DAY + 1728),  # 0.1 % of 3 d are as many; 6 h are better after 278
    ("3d", 18 * DAY + 2712, 22 * DAY + 144),  # 0.1 % of 3 d are 0.16 % of 2,700 min; 6 h are better after 135
)
SIX_HOURS: Sequence[Incident] = ((3 * DAY, 352, 100),)
GOOGLE_28D: Sequence[Firing] = (
    ("1h", 3 * DAY + 48, 3 * DAY + 360),  # 1.344 % of 1 h are 2 % of 40.3 min; 5 min are better after 1.6
    ("6h", 3 * DAY + 120, 3 * DAY + 384),  # 0.56 % of 6 h are 2 % of 101 min; 30 min are better after 21.6
    ("1d", 3 * DAY + 216, 3 * DAY + 456),  # 0.28 % of 1 d are 2 % of 202 min; 2 h are better after 103.2
    ("3d", 3 * DAY + 216, 3 * DAY + 696),  # 0.0933 % of 3 d are as many; 6 h are better after 343
)
GOOGLE_7D: Sequence[Firing] = (
    ("1h", 3 * DAY + 48, 3 * DAY + 360),  # 1.344 % again
    ("6h", 3 * DAY + 72, 3 * DAY + 384),  # 0.35 % of 6 h are 2 % of 63 min; 30 min are better after 24.8
    ("1d", 3 * DAY + 120, 3 * DAY + 480),  # 0.14 % of 1 d are 2 % of 101 min; 2 h are better after 111.6
    ("3d", 3 * DAY + 216, 3 * DAY + 696),  # 0.098 % of 3 d are 2 % of 212 min; 6 h are better after 342.4
)


def counters(incidents: Sequence[Incident], until: int) -> list[dict[str, str]]:
    """The series of all and of bad events in promtool's notation."""
    bad, at, counted = "0", 0, 0
    for start, lasts, share in (*incidents, (until, 0, 0)):
        quiet, loud = (start - at) // SCRAPE, lasts // SCRAPE
        bad += f"x{quiet}" if not at else f" {counted}x{quiet - 1}"
        if loud:
            bad += f" {counted + share * SCRAPE}+{share * SCRAPE}x{loud - 1}"
        at, counted = start + lasts, counted + share * lasts
    return [
        {"series": "all_total", "values": f"0+{RATE * SCRAPE}x{until // SCRAPE}"},
        {"series": "bad_total", "values": bad},
    ]


def assertions(policy: str, firing: Sequence[Firing]) -> Iterator[dict[str, object]]:
    """Whether each alert fires, at the evaluations before and at each change of it."""
    for long, start, end in firing:
        for at, fires in ((start - EVALUATION, 0), (start, 1), (end - EVALUATION, 1), (end, 0)):
            alerts = f'ALERTS{{alertname="OrderBurn", alertstate="firing", policy="{policy}", long="{long}"}}'
            samples = [{"labels": "{}", "value": 1}] if fires else []
            yield {"expr": f"count({alerts})", "eval_time": f"{at}m", "exp_samples": samples}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("expected", "incidents", "until"),
    [
        ({"google-30d": GOOGLE_30D}, A_MONTH, 30 * DAY),
        ({"google-28d": GOOGLE_28D, "google-7d": GOOGLE_7D}, SIX_HOURS, 3 * DAY + 720),
    ],
    ids=["30 days", "28 and 7 days"],
)
def test_each_alert_fires_and_ends_when_it_has_to(
    promtool: str,
    tmp_path: Path,
    events_slo: Callable[..., Slo],
    expected: Mapping[str, Sequence[Firing]],
    incidents: Sequence[Incident],
    until: int,
) -> None:
    sli = {
        "error_query": "sum(rate(bad_total[{{.window}}]))",
        "total_query": "sum(rate(all_total[{{.window}}]))",
    }
    slo = events_slo(objective=99.9, sli={"events": sli})
    for policy in expected:
        alerts_only = windows.find(policy).without_period()  # promtool reads at most 10,000 samples for one query
        (tmp_path / f"{policy}.yml").write_text(rules.rule_file([slo], alerts_only))
    checks = [check for policy, firing in expected.items() for check in assertions(policy, firing)]
    checks += [{"expr": "count(ALERTS)", "eval_time": f"{until}m", "exp_samples": []}]
    test = {
        "rule_files": [f"{policy}.yml" for policy in expected],
        "evaluation_interval": f"{EVALUATION}m",
        "tests": [{"interval": f"{SCRAPE}m", "input_series": counters(incidents, until), "promql_expr_test": checks}],
    }
    YAML().dump(test, tmp_path / "test.yml")
    command = [promtool, "test", "rules", str(tmp_path / "test.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
