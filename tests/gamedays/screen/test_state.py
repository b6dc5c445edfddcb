from __future__ import annotations

import pytest
from made_screens import ABOUT, PAGE, STEP, STORY, event, state

from gamedays.progress import SENTENCES
from gamedays.screen.state import CHANGES, KEPT, State


@pytest.mark.parametrize(("at", "phase"), [(row[0], row[4]) for row in STORY])
def test_each_phase_has_its_name(at, phase):
    assert state(at).phase == phase


def test_a_runbook_that_did_not_help_leaves_the_fault():
    found = state(54.5).after(event(60, "runbook", "ended", runbook="order-latency", outcome="not_recovered"))
    assert found.phase == "fault"
    assert found.followed["order-latency"].text == "order-latency: not recovered"


def test_the_control_without_the_runbook_mitigates_nothing():
    found = state(54.2).after(event(55, "runbook", "withheld", runbook="order-latency", alert="OrderLatencyBurn"))
    assert found.phase == "fault"
    assert "this is the control" in found.followed["order-latency"].text


def test_what_is_taken_back_keeps_how_the_runbook_ended_until_it_is():
    taking = state(110.0).after(event(110.1, "runbook", "step_start", **{**STEP, "section": "Rollback"}))
    assert taking.followed["order-latency"].outcome == "recovered"
    assert state(110.4).followed["order-latency"].outcome == "taken back"


def test_the_next_incident_begins_with_a_clean_slate_and_a_second_fault_does_not():
    both = state(64.0).after(event(65, "fault", "injected", **{**ABOUT, "id": "f2", "on": "live"}))
    assert list(both.broken) == ["f1", "f2"]
    assert [page.alert for page in both.paged] == ["OrderLatencyBurn"]
    later = state(110.4).after(event(115, "fault", "injected", **{**ABOUT, "id": "f2", "on": "live"}))
    assert (later.paged, later.followed, later.pages) == ((), {}, 1)


def test_a_fault_that_is_not_healed_stays():
    found = state(64.0).after(event(110, "fault", "heal_failed", **{**ABOUT, "message": "by hand: x"}))
    assert found.broken["f1"].bites == "NOT HEALED"
    assert found.told[-1].label == "NOT HEALED"


def test_a_page_that_names_no_runbook_is_a_page():
    assert state(54.2).after(event(55, "alert", "page", **{**PAGE, "runbook": None})).pages == 2


@pytest.mark.parametrize("name", sorted({*CHANGES, *SENTENCES, "new/kind"}))
@pytest.mark.parametrize("data", [{}, {"id": ["x"]}, {"fault": 1, "on": None, "id": None, "taken_back": None}])
def test_no_event_ends_a_game_day_whatever_it_holds(name, data):
    source, _, kind = name.partition("/")
    assert isinstance(State().after(event(1, source, kind, **data)), State)


def test_only_so_many_lines_are_kept():
    found = State()
    for number in range(KEPT + 10):
        found = found.after(event(number, "sale", "opened", wave=number))
    assert len(found.told) == KEPT
    assert found.told[-1].text == f"wave {KEPT + 9} opens"
