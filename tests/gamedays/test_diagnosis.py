"""Diagnosis evidence: which stretches of a run tell of which fault, and what each query said in them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gamedays.evidence import diagnosis
from gamedays.evidence.candidates import Candidate, known_runbooks, probes, reach, steps
from gamedays.evidence.conditions import LEAST, Condition, cause, conditions
from gamedays.evidence.diagnosis import load, looked, save
from gamedays.story.story import read_story
from monitors.prometheus import Series
from monitors.slo_files import load as load_slos

START = 1_800_000_000.0


def seconds(found):
    return [(one.fault, one.start - START, round(one.until - START, 1), one.ended_by, one.beside) for one in found]


def test_health_is_before_the_first_fault_and_a_fault_is_itself_until_the_mitigation_begins(rehearsed):
    found = conditions(read_story(rehearsed()))
    assert seconds(found) == [
        (None, 0.0, 50.0, "another fault", ()),
        ("network.latency on inventory", 50.0, 57.4, "mitigation", ()),
    ]
    assert found[1].paged == START + 57.0


def test_without_a_runbook_the_whole_fault_is_looked_at_and_without_a_fault_all_is_health(rehearsed):
    assert seconds(conditions(read_story(rehearsed(control="no-runbook"))))[1][2:4] == (110.2, "healing")
    assert seconds(conditions(read_story(rehearsed(control="no-fault")))) == [(None, 0.0, 122.0, "the end", ())]


def test_two_faults_at_once_are_told_apart_from_each_alone(rehearsed):
    story = read_story(rehearsed(runbook=None))
    (one,) = story.faults
    step = one.step.model_copy(update={"fault": one.step.fault.model_copy(update={"on": "shop"}), "expect": None})
    other = replace(one, step=step, name="network.latency on shop", injected=START + 70, ended=START + 90)
    found = conditions(replace(story, faults=(one, other)))
    beside = ("network.latency on shop",)
    assert seconds(found)[1:] == [
        ("network.latency on inventory", 50.0, 70.0, "another fault", ()),
        ("network.latency on inventory", 70.0, 90.0, "another fault", beside),
        ("network.latency on inventory", 90.0, 110.2, "healing", ()),
        ("network.latency on shop", 70.0, 90.0, "healing", ("network.latency on inventory",)),
    ]


def test_in_the_aftermath_of_another_fault_a_query_has_to_forget_it_first():
    assert Condition("fault", 10.0, 20.0, "healing", since_injected=False).settled(5.0) == 20.0
    one = looked(
        Candidate("slow", "q", 5.0, "page", "> 0.3"),
        {},
        [Condition("f", 10.0, 13.0, "healing", (), None, False)],
        0,
        20,
    )
    assert one.under[0].seconds == 0


def test_a_command_is_called_after_what_it_does(rehearsed):
    (one,) = read_story(rehearsed()).faults
    kind = one.step.model_copy(update={"fault": one.step.fault.model_copy(update={"kind": "command"})})
    assert cause(replace(one, step=kind, describe="command on events, POST /consumer, for 1m30s")) == (
        "command on events, POST /consumer"
    )


@pytest.mark.parametrize(
    ("reach", "paged", "since"), [(5.0, None, 5.0), (5.0, 8.0, 8.0), (30.0, None, 20.0 - LEAST), (5.0, 19.5, 18.0)]
)
def test_a_query_counts_once_it_sees_the_fault_alone_and_somebody_is_called(reach, paged, since):
    assert Condition("fault", 0.0, 20.0, "mitigation", (), paged).settled(reach) == since


@pytest.mark.parametrize(
    ("query", "looks_back"),
    [
        ("up", 0.0),
        ("rate(a[5s])", 5.0),
        ("sum(rate(a[5s])) / sum(rate(b[1m] offset 10s))", 70.0),
        ("max_over_time(rate(a[5s])[30s:1s])", 35.0),
        ("histogram_quantile(0.9, sum by (le) (rate(a_bucket[5s])))", 5.0),
    ],
)
def test_how_far_a_query_looks_back(query, looks_back):
    assert reach(query) == looks_back


HEALTH, FAULT = Condition(None, 0.0, 10.0, "another fault"), Condition("fault", 10.0, 20.0, "mitigation")


def test_where_an_expectation_held_is_told_in_stretches_and_shares():
    values = {at: [0.9, 0.8] if 12 <= at < 18 else [0.9, 0.1] for at in range(21) if at != 15}
    one = looked(Candidate("slow", "q", 0.0, "page", "> 0.3"), values, [HEALTH, FAULT], 0.0, 20.0)
    assert one.held == ((12.0, 15.0), (16.0, 18.0))
    assert [(under.seconds, under.held, under.silent) for under in one.under] == [(10, 0, 0), (10, 5, 1)]
    assert [(under.low, under.mid, under.high) for under in one.under] == [
        (0.1, pytest.approx(0.5), 0.9),
        (0.1, pytest.approx(0.85), 0.9),
    ]


def test_no_data_is_not_what_was_expected_and_a_probe_expects_nothing():
    one = looked(Candidate("slow", "q", 0.0, "page", "< 1"), {}, [HEALTH], 0.0, 20.0)
    assert [(under.held, under.silent, under.mid) for under in one.under] == [(0, 10, None)]
    probe = looked(Candidate("slow", "q", 0.0), {3: [float("nan")]}, [HEALTH], 0.0, 20.0)
    assert (probe.held, probe.under[0].held, probe.under[0].mid) == ((), None, None)


class Server:
    """Answers like a Prometheus that scrapes two jobs: `inventory` is slow from the fault on."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def label_values(self, label: str, metric: str | None = None) -> list[str]:
        names = ["up", "inventory_request_seconds_bucket", "inventory_batch_size_bucket", "flashcrowd_x_seconds_bucket"]
        return names if label == "__name__" else ["inventory", "prometheus", "flashcrowd"]

    async def query_range(self, promql: str, start: float, end: float, step: float) -> list[Series]:
        self.asked.append(promql)
        if "inventory_request_seconds" not in promql:
            return []
        return [
            Series({}, tuple((float(at), 0.9 if at > START + 52 else 0.02) for at in range(int(start), int(end) + 1)))
        ]


async def test_probes_are_times_answers_and_loads_of_the_platform_alone():
    found = await probes(Server())
    assert [probe.name for probe in found] == ["inventory-down", "inventory-request-seconds-slow", "inventory-busy"]


async def test_what_every_known_step_said_is_kept_with_the_run(rehearsed):
    run, slos = rehearsed(), load_slos(["storefront"]).slos
    await save(run, Server(), slos, {})
    found = load(run)
    slow = next(one for one in found.looked if one.name == "inventory-slow")
    assert [(under.seconds, under.held) for under in slow.under] == [(45, 0), (2, 2)]
    assert {one.runbook for one in found.looked} == {*(page.name for page in known_runbooks([])[0]), None}


def test_a_page_that_is_wrong_or_a_variable_that_is_not_there_leaves_out_no_more_than_itself(tmp_path):
    (slo, *_) = load_slos(["storefront"]).slos
    bad = slo.model_copy(update={"alerting": slo.alerting.model_copy(update={"annotations": {"runbook": "./no.md"}})})
    pages, left = known_runbooks([bad])
    assert [one.runbook for one in left] == ["./no.md"]
    page = next(page for page in pages if page.name == "order-latency")
    step = page.step("inventory-slow")
    section = next(part for part in page.sections if step in part.parts)
    odd = replace(section, parts=(step.model_copy(update={"query": "x{a='${nobody.url}'}"}),))
    asked, unasked = steps([replace(page, sections=(odd,))], {})
    assert (asked, [one.step for one in unasked]) == ([], ["inventory-slow"])


def test_evidence_of_another_version_is_none(rehearsed):
    run = rehearsed()
    assert load(run) is None
    run.write_json(diagnosis.FILE, {"conditions": [], "looked": [{"other": 1}], "left_out": []})
    assert load(run) is None
