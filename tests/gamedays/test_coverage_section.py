"""What one game day covered of what its plan names, for its own reports."""

from __future__ import annotations

import pytest

from gamedays.coverage.section import Fired, Silent, section
from gamedays.story.story import read_story

SILENT = {"OrderErrorBurn", "ChatDeliveryBurn"}


def of(run):
    return section(read_story(run))


def test_a_fault_that_was_noticed_and_helped_has_its_whole_way_in_one_row(rehearsed):
    found = of(rehearsed())
    (row,) = found.rows
    assert (row.fault, row.slo, row.alert, row.runbook) == (
        "network.latency on inventory",
        "order-latency",
        "OrderLatencyBurn",
        "order-latency",
    )
    assert (row.played, row.fired, row.followed, row.detected, row.recovered) == (
        "played",
        True,
        "order-latency",
        7.0,
        16.0,
    )
    assert (row.outcome, row.credit, row.why, row.severity) == ("pass", None, "no control was played", "page")
    assert {one.alert for one in found.never_fired} == SILENT
    assert not any(one.aimed for one in found.never_fired)
    assert found.not_followed == ("order-errors", "chat-delivery")
    assert found.unbroken == ("shop", "live", "stream", "origin", "events")
    assert (found.also_fired, found.control, found.complete) == ((), None, True)


@pytest.mark.parametrize(
    ("story", "played", "fired", "why"),
    [
        ({"paged": None}, "played", False, "no control was played"),
        ({"injected": False, "paged": None}, "never injected", False, "it was never injected"),
        ({"bit": False, "paged": None}, "did not bite", False, "no control was played"),
    ],
)
def test_an_alert_that_was_to_fire_and_did_not_is_told_with_what_was_played(rehearsed, story, played, fired, why):
    found = of(rehearsed(**story))
    (row,) = found.rows
    assert (row.played, row.fired, row.recovered, row.followed, row.why) == (played, fired, None, None, why)
    aimed = {one.alert for one in found.never_fired if one.aimed}
    assert aimed == ({"OrderLatencyBurn"} if played == "played" else set())
    assert ("inventory" in found.unbroken) is (played != "played")


def test_an_alert_that_nobody_expected_is_told_with_what_was_in_place(rehearsed):
    run = rehearsed()
    run.record("alert", "page", at=1_800_000_080.0, alert="OrderErrorBurn", slo="order-availability", runbook=None)
    run.record("alert", "page", at=1_800_000_115.0, alert="ChatDeliveryBurn", slo="chat-delivery", runbook=None)
    assert of(run).also_fired == (
        Fired("OrderErrorBurn", "order-availability", 80.0, ("network.latency on inventory",)),
        Fired("ChatDeliveryBurn", "chat-delivery", 115.0, ()),
    )


def test_a_silenced_alert_called_nobody(rehearsed):
    run = rehearsed(paged=None)
    about = {"alert": "OrderLatencyBurn", "slo": "order-latency", "runbook": "order-latency"}
    run.record("alert", "silenced", at=1_800_000_057.0, reason="silenced by ana", **about)
    found = of(run)
    assert (found.rows[0].fired, found.rows[0].silenced) == (False, "silenced by ana")
    assert Silent("OrderLatencyBurn", "order-latency", True, "silenced by ana") in found.never_fired


def test_credit_is_that_of_the_controls_and_a_control_says_that_it_is_one(with_controls):
    run = with_controls({"control": "no-runbook", "recovered": None})
    assert of(run).rows[0].credit is True
    (control,) = read_story(run).controls
    assert section(control).control == "no-runbook"


def test_a_fault_of_which_nothing_is_expected_has_a_row_without_an_slo(rehearsed):
    (row,) = of(rehearsed(expect="", paged=None)).rows
    assert (row.slo, row.alert, row.expected, row.why) == (None, None, False, "the plan expects nothing of it")


def test_it_is_plain_data(rehearsed):
    found = of(rehearsed()).as_dict()
    assert found["rows"][0]["alert"] == "OrderLatencyBurn"
    assert found["never_fired"][0].keys() == {"alert", "slo", "aimed", "silenced"}
