from __future__ import annotations

from made_screens import ABOUT, event

from gamedays.screen.stopping import Stopping

NAME = "network.latency on inventory"
HEALED = {**ABOUT, "message": "p50 9 ms again"}


def told(stopping: Stopping, *events) -> str:
    return stopping.begins + "".join(stopping.event(one) for one in events)


def test_one_fault_is_healed_on_one_line():
    one = Stopping({"f1": NAME}, event(63, "x", "y").time, "playing")
    ended = event(65, "conductor", "ended")
    assert told(one, event(63.2, "fault", "healed", **HEALED), ended) == (
        f"stopping: healing {NAME} ... healed, checked (0.2 s)\nload: ended; collecting ledger, metrics and history\n"
    )


def test_what_happens_while_it_is_healed_waits_for_the_end_of_the_line():
    one = Stopping({"f1": NAME, "f2": "process.kill on live"}, event(63, "x", "y").time, "stopping")
    first = event(63.1, "fault", "healed", **HEALED)
    aborted = event(63.2, "conductor", "aborted", reason="Prometheus is gone")
    last = event(64, "fault", "healed", **{**HEALED, "id": "f2"})
    assert told(one, first, aborted, last) == (
        f"stopping: healing {NAME}, process.kill on live ... healed, checked (1.0 s)\naborted: Prometheus is gone\n"
    )


def test_a_fault_that_is_not_healed_is_never_said_to_be():
    one = Stopping({"f1": NAME, "f2": "process.kill on live"}, event(63, "x", "y").time, "playing")
    failed = event(63.1, "fault", "heal_failed", **{**ABOUT, "message": "no answer; by hand: curl x"})
    last = event(64, "fault", "healed", **{**HEALED, "id": "f2"})
    later = event(70, "fault", "healed", **HEALED)
    assert told(one, failed, last, later) == (
        f"stopping: healing {NAME}, process.kill on live ... NOT HEALED\n"
        f"NOT HEALED: {NAME}: no answer; by hand: curl x\n"
        f"healed: {NAME}, checked: p50 9 ms again\n"
    )


def test_where_nothing_is_broken_it_says_what_ends():
    begun = {stage: Stopping({}, 0.0, stage).begins for stage in ("starting", "playing", "judging")}
    assert begun == {
        "starting": "stopping: ending what was started\n",
        "playing": "stopping: ending the load\n",
        "judging": "stopping: saving what there is\n",
    }


def test_one_more_ctrl_c_is_answered_once_while_it_heals_and_always_after():
    one = Stopping({"f1": NAME}, event(63, "x", "y").time, "playing")
    said = one.again() + one.again() + one.event(event(64, "fault", "healed", **HEALED)) + one.again()
    assert said == (
        " still healing, it takes a few seconds ... healed, checked (1.0 s)\nstill saving; it takes a few seconds\n"
    )


def test_the_chatter_of_a_run_is_not_repeated():
    one = Stopping({}, 0.0, "playing")
    assert one.event(event(64, "ledger", "read", orders=3, settled=True)) == ""
    assert one.event(event(64, "fault", "bites", **HEALED)) == ""
    assert one.event(event(64, "other", "kind")) == ""
