from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from flashcrowd.errors import InputError, NeedError
from flashcrowd.process import free_port
from flashcrowd.verdict import Outcome
from monitors.gate import check as gate
from monitors.gate import report as gate_report
from monitors.gate import run as gate_run
from monitors.gate.check import Checked
from monitors.gate.run import GateRun
from monitors.judge import judge
from monitors.prometheus import Prometheus
from monitors.slo import Slo


@pytest.fixture
def checked(events_slo: Callable[..., Slo]) -> list[Checked]:
    rows = [
        (events_slo(name="order-availability", objective=99.9), 361.0, 1_204_311.0),
        (events_slo(name="order-latency"), 11_661.0, 402_118.0),
        (events_slo(name="chat-delivery"), 2.48, 310.0),
        (events_slo(name="playback"), None, None),
    ]
    return [Checked(slo, judge(slo, bad, total)) for slo, bad, total in rows]


def test_the_table_fits_80_columns(checked: list[Checked]) -> None:
    text = gate_report.table(checked, 900)
    assert text == (
        "SLO                 objective  held     events     verdict\n"
        "order-availability  99.9 %     99.97 %  1,204,311  pass\n"
        "order-latency       99 %       97.1 %     402,118  fail\n"
        "                    2.9 % bad, at most 1 % allowed\n"
        "chat-delivery       99 %       99.2 %         310  inconclusive\n"
        "                    needs about 9,200 more events\n"
        "playback            99 %       -                -  inconclusive  no data\n"
        "\n"
        "fail: 1 of 4 objectives was missed over the last 15 min"
    )
    assert max(map(len, text.splitlines())) <= 80


def test_reasons_stand_beside_their_rows_where_there_is_room(checked: list[Checked]) -> None:
    assert "  fail          2.9 % bad, at most 1 % allowed\n" in gate_report.table(checked, 900, width=120)


def test_the_sentence_says_what_it_comes_to(checked: list[Checked]) -> None:
    good, _, doubtful, empty = checked
    assert gate_report.sentence([good], 90) == "pass: 1 of 1 objective was held over the last 90 s"
    assert gate_report.sentence([good, doubtful, empty], 3600) == (
        "inconclusive: 2 of 3 objectives can't be judged over the last 1 h"
    )


def test_json_has_the_figures_and_the_worst_outcome(checked: list[Checked]) -> None:
    document = gate_report.as_dict(checked, 900, 1_700_000_000.0)
    assert document["outcome"] == "fail"
    assert [row["outcome"] for row in document["objectives"]] == ["pass", "fail", "inconclusive", "inconclusive"]
    assert document["objectives"][1]["bad"] == 11_661


def test_junit_shows_no_doubt_as_green(checked: list[Checked]) -> None:
    suite = ElementTree.fromstring(gate_report.junit(checked, 900))
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "1", "2")
    said = {case.get("name"): [child.tag for child in case] for case in suite}
    assert said == {
        "order-availability": ["system-out"],
        "order-latency": ["failure"],
        "chat-delivery": ["error"],
        "playback": ["error"],
    }


def test_markdown_is_a_table_for_a_pull_request(checked: list[Checked]) -> None:
    lines = gate_report.markdown(checked, 900).splitlines()
    assert lines[0] == "**fail**: 1 of 4 objectives was missed over the last 15 min"
    assert "| order-latency | 99 % | 97.1 % | 402,118 | fail | 2.9 % bad, at most 1 % allowed |" in lines


def test_a_report_that_cant_be_written_keeps_none_of_the_others_from_it(checked: list[Checked], tmp_path: Path) -> None:
    found = GateRun(checked, 900, 1_700_000_000.0)
    with pytest.raises(NeedError, match=r"slo\.xml can't be written: No such file or directory"):
        found.save(junit=tmp_path / "no-such" / "slo.xml", json=tmp_path / "slo.json", markdown=tmp_path / "slo.md")
    assert {path.name for path in tmp_path.iterdir()} == {"slo.json", "slo.md"}


@pytest.mark.parametrize("at", ["nan", "inf", "yesterday"])
async def test_a_time_that_is_none_is_wrong_input(at: str) -> None:
    with pytest.raises(InputError, match=f"'{at}' is no time"):
        await gate_run.run(["storefront"], "http://127.0.0.1:1", "1m", at)


async def test_a_gate_in_front_of_a_dead_prometheus_stays_shut(events_slo: Callable[..., Slo]) -> None:
    async with Prometheus(f"http://127.0.0.1:{free_port()}", timeout=0.2) as prometheus:
        with pytest.raises(NeedError, match="did not answer"):
            await gate.check([events_slo()], prometheus, 60)


async def test_a_gate_without_data_is_inconclusive(slo_on: Callable[..., Slo], prometheus: Prometheus) -> None:
    checked = await gate.check([slo_on("no_such"), slo_on("neither_this")], prometheus, 60)
    assert [slo.name for slo, _ in checked] == ["no-such", "neither-this"]
    assert gate.verdict(checked).outcome is Outcome.INCONCLUSIVE
    assert {finding.message for finding in gate.verdict(checked).findings} == {"no data"}
