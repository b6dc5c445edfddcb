from __future__ import annotations

import json
from collections.abc import Callable
from math import comb
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashcrowd.errors import DocumentError, ExitCode, InputError
from flashcrowd.verdict import Outcome
from monitors.gate import baseline
from monitors.gate import report as gate_report
from monitors.gate.baseline import Baseline, Compared, chance_of, compare, fingerprint, limit_of
from monitors.gate.baseline_report import Beside
from monitors.gate.check import Checked
from monitors.gate.run import GateRun
from monitors.judge import judge
from monitors.slo import Slo

AT, WINDOW = 1_700_000_000.0, 900.0


def exactly(now: tuple[int, int], before: tuple[int, int]) -> float:
    """The tail of the hypergeometric distribution in whole numbers."""
    bad, all_ = now[0] + before[0], now[1] + before[1]
    ways = sum(comb(now[1], k) * comb(before[1], bad - k) for k in range(now[0], min(bad, now[1]) + 1))
    return ways / comb(all_, bad)


def test_fishers_lady_tells_three_cups_of_four_by_chance() -> None:
    """The example of "The Design of Experiments" (1935): 17 of 70."""
    assert chance_of((3, 4), (1, 4)) == pytest.approx(17 / 70)
    assert chance_of((4, 4), (0, 4)) == pytest.approx(1 / 70)


@given(st.data())
def test_the_chance_is_exact(data: st.DataObject) -> None:
    totals = [data.draw(st.integers(1, 200)) for _ in "12"]
    now, before = ((data.draw(st.integers(0, total)), total) for total in totals)
    if now[0] * before[1] > before[0] * now[1]:
        assert chance_of(now, before) == pytest.approx(exactly(now, before), rel=1e-6)
    else:
        assert chance_of(now, before) == 1


@pytest.mark.parametrize(("total", "total_before"), [(100, 100), (100, 400), (400, 100), (50, 900)])
@pytest.mark.parametrize("share", [0.0005, 0.002, 0.01, 0.05, 0.2, 0.5])
def test_it_never_cries_wolf_more_often_than_it_says(total: int, total_before: int, share: float) -> None:
    def ways(n: int) -> list[tuple[int, float]]:
        return [(k, p) for k in range(n + 1) if (p := comb(n, k) * share**k * (1 - share) ** (n - k)) > 1e-9]

    limit = limit_of(0.95, 1)
    before = ways(total_before)
    alarms = sum(p * q for k, p in ways(total) for j, q in before if chance_of((k, total), (j, total_before)) < limit)
    assert alarms <= limit


def test_many_events_take_no_time() -> None:
    assert chance_of((1_003_000, 1e9), (1_000_000, 1e9)) == pytest.approx(0.0170, abs=0.0002)


def test_more_comparisons_share_the_chance_out() -> None:
    assert limit_of(0.95, 1) == pytest.approx(0.025)
    assert limit_of(0.95, 50) == pytest.approx(0.0005)
    assert limit_of(0, 50) == 1


@pytest.fixture
def slo(events_slo: Callable[..., Slo]) -> Slo:
    return events_slo()


def checked(slo: Slo, bad: float | None, total: float | None) -> Checked:
    return Checked(slo, judge(slo, bad, total))


def saved(*found: Checked, at: float = AT - 7200) -> Baseline:
    """What a check of these, at another time, has left behind."""
    return Baseline.model_validate_json(json.dumps(gate_report.as_dict(found, WINDOW, at)))


def one(now: Checked, before: Baseline) -> Compared:
    (found,) = compare([now], before, AT - WINDOW)
    return found


@pytest.mark.parametrize(
    ("now", "before", "outcome", "says"),
    [
        ((400, 100_000), (100, 100_000), "fail", "0.4 % bad, 0.1 % before: worse by more than chance"),
        ((110, 100_000), (100, 100_000), "pass", "0.11 % bad, 0.1 % before: within chance"),
        ((100, 100_000), (400, 100_000), "pass", "0.1 % bad, 0.4 % before: better"),
        ((0, 100_000), (0, 100_000), "pass", "0 % bad, 0 % before: within chance"),
        ((1, 100), (0.0, 100), "pass", "within chance"),
        ((1, 99), (1, 100_000), "inconclusive", "99 events, too few to compare (100)"),
        ((1, 100_000), (0, 99), "inconclusive", "the baseline has 99 events, too few to compare (100); save a longer"),
        ((None, None), (1, 100_000), "inconclusive", "0 events, too few"),
        ((1, 100_000), (None, None), "inconclusive", "the baseline has 0 events"),
    ],
)
def test_an_objective_beside_its_baseline(slo: Slo, now, before, outcome: str, says: str) -> None:
    found = one(checked(slo, *now), saved(checked(slo, *before)))
    assert (found.outcome, says in found.message) == (outcome, True), found


def test_at_confidence_0_the_shares_are_compared(events_slo: Callable[..., Slo]) -> None:
    slo = events_slo(rehearsal={"confidence": 0})
    before = saved(checked(slo, 100, 100_000))
    assert one(checked(slo, 101, 100_000), before).outcome is Outcome.FAIL
    assert one(checked(slo, 100, 100_000), before).outcome is Outcome.PASS


def test_windows_that_overlap_never_pass(slo: Slo) -> None:
    overlapping = saved(checked(slo, 100, 100_000), at=AT - WINDOW + 600)
    found = one(checked(slo, 100, 100_000), overlapping)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "600 s are in both windows" in found.message
    assert one(checked(slo, 400, 100_000), overlapping).outcome is Outcome.FAIL


def test_what_is_on_one_side_alone_is_said(events_slo: Callable[..., Slo]) -> None:
    both, new, gone = (events_slo(name=name) for name in ("both", "new", "gone"))
    now = [checked(both, 1, 10_000), checked(new, 1, 10_000)]
    compared = compare(now, saved(checked(gone, 1, 10_000), checked(both, 1, 10_000)), AT - WINDOW)
    assert [(found.slo, found.outcome, found.message) for found in compared[1:]] == [
        ("shop-new", None, "not compared: not in the baseline"),
        ("shop-gone", None, "in the baseline, but no longer judged"),
    ]


def test_another_query_is_another_sli(events_slo: Callable[..., Slo], slo_on: Callable[..., Slo]) -> None:
    old, new = events_slo(), events_slo(sli=slo_on("measured").sli.model_dump())
    found = one(checked(new, 400, 100_000), saved(checked(old, 100, 100_000)))
    assert (found.outcome, found.message) == (None, "not compared: its queries are others than the baseline's")
    assert fingerprint(old) == fingerprint(events_slo(objective=99.9, name="x"))


def test_a_ratio_without_events_is_not_compared(events_slo: Callable[..., Slo]) -> None:
    raw = events_slo(sli={"raw": {"error_ratio_query": "errors:ratio{{.window}}"}})
    assert "can't be told from chance" in one(checked(raw, 1, 1000), saved(checked(raw, 1, 1000))).message


def test_a_baseline_of_something_else_is_wrong_input(events_slo: Callable[..., Slo]) -> None:
    with pytest.raises(InputError, match="it has none of these objectives"):
        one(checked(events_slo(name="a"), 1, 1000), saved(checked(events_slo(name="b"), 1, 1000)))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hello", "wants a mapping"),
        ("{}", "objectives: is missing"),
        ('{"at": 1, "window_seconds": 1, "objectives": [{"slo": "a", "bad": 2, "total": 1}]}', "no more bad events"),
        ('{"at": 1, "window_seconds": 1, "objectives": [{"slo": "a", "bad": 2}]}', "wants bad and total"),
        ('{"at": 1, "window_seconds": 1, "objectives": [{"slo": "a", "bad": .nan, "total": 1}]}', "finite"),
        ('{"at": 1e300, "window_seconds": 1, "objectives": []}', "at: is no time"),
        ("[" * 5, "is not YAML"),
    ],
)
def test_a_file_that_is_no_baseline_is_told_with_its_place(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "before.json"
    file.write_text(text)
    with pytest.raises(DocumentError, match=says) as caught:
        baseline.read(file)
    assert "before.json" in str(caught.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="can't be read: no such file"):
        baseline.read(tmp_path / "missing.json")


@pytest.fixture
def run(events_slo: Callable[..., Slo]) -> GateRun:
    slos = [events_slo(name=name) for name in ("orders", "chat", "new")]
    now = [checked(slos[0], 400, 100_000), checked(slos[1], 10, 100_000), checked(slos[2], 10, 100_000)]
    before = saved(checked(slos[0], 100, 100_000), checked(slos[1], 10, 100_000))
    return GateRun(now, WINDOW, AT, Beside(before, compare(now, before, AT - WINDOW)))


def test_worse_than_before_fails_though_all_is_held(run: GateRun) -> None:
    assert run.exit_code is ExitCode.FAIL
    assert run.table == (
        "SLO     objective  held     events   verdict\n"
        "orders  99 %       99.6 %   100,000  pass\n"
        "chat    99 %       99.99 %  100,000  pass\n"
        "new     99 %       99.99 %  100,000  pass\n"
        "\n"
        "beside the baseline of 2023-11-14 20:13:20 UTC\n"
        "shop-orders  0.4 % bad, 0.1 % before: worse by more than chance\n"
        "shop-chat    0.01 % bad, 0.01 % before: within chance\n"
        "shop-new     not compared: not in the baseline\n"
        "\n"
        "pass: 3 of 3 objectives were held over the last 15 min\n"
        "fail: 1 of 2 objectives is worse than the baseline; 1 left out"
    )


def test_the_files_have_the_comparison(run: GateRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("# An earlier step\n")
    files = {name: tmp_path / name for name in ("junit", "json", "markdown")}
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    run.save(**files)
    document = json.loads(files["json"].read_text())
    assert document["outcome"] == "fail"
    assert [row["outcome"] for row in document["baseline"]["objectives"]] == ["fail", "pass", None]
    suite = ElementTree.fromstring(files["junit"].read_text())
    tags = {case.get("name"): [child.tag for child in case] for case in suite if case.get("classname") == "baseline"}
    assert tags == {"shop-orders": ["failure"], "shop-chat": ["system-out"], "shop-new": ["skipped"]}
    assert (suite.get("failures"), suite.get("skipped")) == ("1", "1")
    page = files["markdown"].read_text()
    assert page.startswith(
        "**pass**: 3 of 3 objectives were held over the last 15 min  \n"
        "**fail**: 1 of 2 objectives is worse than the baseline; 1 left out\n"
    )
    assert "| shop-orders | 0.4 % bad, 0.1 % before: worse by more than chance |" in page
    assert summary.read_text() == f"# An earlier step\n{page}\n"
    assert baseline.read(files["json"]).at == AT
