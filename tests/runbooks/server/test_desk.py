"""From an alert to the end of its incident."""

from __future__ import annotations

import asyncio
import json

import pytest

from flashcrowd.errors import NeedError
from runbooks.execution import Outcome
from runbooks.server.incident import State
from runbooks.server.memory import Memory


async def test_an_alert_is_diagnosed_at_once_and_nothing_is_done_by_default(house, shelf, alert, server, until) -> None:
    shelf()
    async with house() as it:
        answer = await it.send(alert(room="7"))
        assert (answer.status_code, answer.json()) == (200, {"accepted": 1})
        await until(lambda: it.incident.state is State.DIAGNOSED)
        assert it.incident.note == (
            "found: slow. reserve would be next, and wait for a person: runbook serve was started without --mitigate"
        )
        await it.send(alert(status="resolved", room="7"))
        await until(lambda: not it.incident.is_open)
    folder = it.incident.run.path
    assert server.paths == []
    assert json.loads((folder / "alert.json").read_text())["labels"] == {"alertname": "Slow", "room": "7"}
    assert json.loads((folder / "diagnosis.json").read_text())["matched"] == ["slow"]
    assert json.loads((folder / "incident.json").read_text())["state"] == "diagnosed"
    kinds = [json.loads(line)["kind"] for line in (folder / "audit.jsonl").read_text().splitlines()]
    assert (kinds[0], kinds[-1]) == ("begin", "finish")
    assert it.outcomes() == ["accepted", "resolved"]


async def test_it_mitigates_when_page_target_and_command_line_allow_it(
    house, shelf, alert, server, until, prometheus
) -> None:
    shelf()
    async with house(mitigate=True, automatic=["shop"]) as it:
        await it.send(alert())
        await until(lambda: it.incident.state is State.RECOVERED)
        await it.send(alert(status="resolved"))
        await until(lambda: not it.incident.is_open)
        metrics = (await it.client.get("/metrics")).text
    assert server.paths == ["/reserve"]
    begun = [json.loads(line) for line in it.incident.audit.read_text().splitlines() if '"kind": "begin"' in line]
    assert [row["target"] for row in begun] == ["small", "small"]
    assert it.incident.mitigation["outcome"] == Outcome.RECOVERED
    assert 'flashcrowd_mitigations_total{outcome="recovered"} 1.0' in metrics
    assert 'flashcrowd_alerts_total{outcome="accepted"} 1.0' in metrics
    assert 'flashcrowd_runbook_step{runbook="slow",step="reserve"} 1.0' in metrics


@pytest.mark.parametrize(
    ("front", "automatic", "mitigate", "why"),
    [
        ("owner: shop\nseverity: page\nalerts: [Slow]", True, True, "front matter doesn't say automatic: true"),
        (None, False, True, "mitigations.automatic of small doesn't allow shop"),
        (None, ["till"], True, "mitigations.automatic of small doesn't allow shop"),
        (None, True, False, "started without --mitigate"),
    ],
)
async def test_a_single_no_is_enough(house, shelf, alert, server, until, front, automatic, mitigate, why) -> None:
    shelf(changes={"front": front} if front else {})
    async with house(mitigate=mitigate, automatic=automatic) as it:
        await it.send(alert())
        await until(lambda: it.incident.state is State.DIAGNOSED)
        assert why in it.incident.note
    assert server.paths == []


SH = 'Mend.\n\n```sh {"step": "mend", "undo": "release"%s}\ntrue\n```'


@pytest.mark.parametrize(
    ("on", "automatic", "allowed"),
    [("", ["shop", "till"], False), ("", True, True), (', "on": ["till"]', ["till"], False)],
)
async def test_a_script_that_does_not_say_what_it_touches_touches_everything(
    house, shelf, alert, until, on, automatic, allowed
) -> None:
    """The last one's undo touches the shop, which isn't allowed."""
    shelf(changes={"Mitigation": SH % on})
    async with house(mitigate=True, automatic=automatic) as it:
        await it.send(alert())
        await until(lambda: it.incident.state in (State.DIAGNOSED, State.RECOVERED))
        assert (it.incident.state is State.RECOVERED) == allowed


async def test_replays_and_repetitions_start_nothing_also_after_a_restart(house, shelf, alert, until) -> None:
    shelf()
    async with house() as it:
        await it.send(alert())
        assert (await it.send(alert())).json() == {"duplicate": 1}
        await until(lambda: it.incident.state is State.DIAGNOSED)
    async with house() as it:
        assert (await it.send(alert())).json() == {"duplicate": 1}
        assert it.incident.state is State.DIAGNOSED
        assert (await it.send(alert(status="resolved"))).json() == {"resolved": 1}
        assert not it.incident.is_open
        assert (await it.send(alert())).json() == {"duplicate": 1}, "it has resolved: a replay"
        assert (await it.send(alert(starts=1))).json() == {"accepted": 1}, "it began anew"
        assert (await it.send(alert(status="resolved", starts=2))).json() == {"duplicate": 1}, "never fired"


async def test_alerts_of_one_slo_are_one_incident_that_ends_with_the_last(house, shelf, alert, until) -> None:
    shelf()
    async with house() as it:
        fast, slow = (alert(sloth_slo="orders", sloth_service="shop", long=window) for window in ("1h", "6h"))
        assert (await it.send(fast, slow)).json() == {"accepted": 1, "joined": 1}
        await until(lambda: it.incident.state is State.DIAGNOSED)
        await it.send({**fast, "status": "resolved"})
        assert it.incident.is_open
        await it.send({**slow, "status": "resolved"})
        assert not it.incident.is_open


async def test_one_mitigation_at_a_time_on_a_component(house, shelf, alert, server, until) -> None:
    shelf()
    shelf("other", {"front": "owner: shop\nseverity: page\nalerts: [Other]\nautomatic: true"})
    release, at_once, most = asyncio.Event(), 0, 0
    loop = asyncio.get_running_loop()

    def acting(path: str) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result(20)
        at_once -= 1

    server.acting = acting
    async with house(mitigate=True) as it:
        await it.send(alert(), alert("Other"))
        states = lambda: sorted(one.state.value for one in it.desk.incidents.values())  # noqa: E731
        await until(lambda: states() == ["mitigating", "waiting"] and at_once)
        release.set()
        await until(lambda: states() == ["recovered", "recovered"])
    assert (server.paths, most) == (["/reserve", "/reserve"], 1)


async def test_an_alert_that_resolves_ends_no_mitigation_half_way_and_begins_none(
    house, shelf, alert, server, until
) -> None:
    shelf()
    shelf("other", {"front": "owner: shop\nseverity: page\nalerts: [Other]\nautomatic: true"})
    release, loop = asyncio.Event(), asyncio.get_running_loop()
    server.acting = lambda path: asyncio.run_coroutine_threadsafe(release.wait(), loop).result(20)
    async with house(mitigate=True) as it:
        await it.send(alert())
        await until(lambda: server.paths)
        await it.send(alert("Other"))
        first, second = it.desk.incidents.values()
        await until(lambda: second.state is State.WAITING)
        await it.send(alert(status="resolved"), alert("Other", status="resolved"))
        assert first.state is State.MITIGATING
        release.set()
        await until(lambda: not first.is_open and not second.is_open)
    assert (first.state, second.state) == (State.RECOVERED, State.DIAGNOSED)
    assert second.note == "its alerts resolved before a mitigation was begun"
    assert server.paths == ["/reserve"]


async def test_what_made_things_worse_is_taken_back_at_once_with_both_figures(
    house, shelf, alert, server, until, prometheus
) -> None:
    verification = 'Quick?\n\n```promql {"step": "quick", "expect": "< 0.1", "timeout": "60s"}\nquick_seconds\n```'
    shelf(changes={"Verification": verification})
    prometheus.answers["quick_seconds"] = [0.4]
    server.acting = lambda path: prometheus.answers.update(quick_seconds=[0.9] if path == "/reserve" else [0.4])
    async with house(mitigate=True, worse_after=0.05) as it:
        await it.send(alert())
        await until(lambda: it.incident.state is State.NOT_RECOVERED)
    assert server.paths == ["/reserve", "/release"]
    assert "0.9, and 0.4 before the mitigation, expected < 0.1: it made things worse" in it.incident.note
    rows = [json.loads(line) for line in it.incident.audit.read_text().splitlines()]
    assert [row["figures"] for row in rows if row["kind"] == "before"] == [{"quick": [0.4]}]
    assert "made things worse" in next(row["reason"] for row in rows if row["kind"] == "rollback")


async def test_what_does_not_hold_is_left_to_people_after_three_times(house, shelf, alert, server, until) -> None:
    shelf()
    async with house(mitigate=True) as it:
        for number in range(4):
            await it.send(alert(starts=number))
            last = list(it.desk.incidents.values())[-1]
            await until(lambda last=last: last.state in (State.RECOVERED, State.DIAGNOSED))
            await it.send(alert(status="resolved", starts=number))
    assert server.paths == ["/reserve"] * 3
    assert "it was followed 3 times within an hour" in last.note


async def test_a_mitigation_that_was_cut_off_is_told_and_keeps_others_from_its_component(
    house, shelf, alert, server, until
) -> None:
    shelf()
    release, loop = asyncio.Event(), asyncio.get_running_loop()
    server.acting = lambda path: asyncio.run_coroutine_threadsafe(release.wait(), loop).result(20)
    async with house(mitigate=True) as it:
        await it.send(alert())
        await until(lambda: server.paths)
    release.set()
    assert it.incident.state is State.INTERRUPTED
    assert "runbooks/slow.md --target FILE --execute --rollback" in it.incident.note
    assert "in place, or may be: reserve. Go on with: flashcrowd runbook run " in it.incident.note
    server.acting = lambda path: None
    async with house(mitigate=True) as it:
        assert it.incident.state is State.INTERRUPTED
        await it.send(alert(starts=1))
        last = list(it.desk.incidents.values())[-1]
        await until(lambda: last.state is State.DIAGNOSED)
        assert "was cut off and nobody has finished or taken it back" in last.note
    assert server.paths == ["/reserve"]


async def test_a_diagnosis_that_was_cut_off_is_begun_again(house, shelf, alert, prometheus, until) -> None:
    shelf()
    waiting = asyncio.Event()

    async def never(query: str) -> list[float]:
        waiting.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with house(query=never) as it:
        await it.send(alert())
        await waiting.wait()
    async with house() as it:
        await until(lambda: it.incident.state is State.DIAGNOSED)
        assert it.incident.diagnosis["matched"] == ("slow",)


async def test_what_goes_wrong_with_one_incident_is_told_in_it(house, shelf, alert, until, prometheus) -> None:
    shelf(changes={"Rollback": 'Release.\n\n```http {"step": "release"}\nPOST http://10.9.8.7/release\n```'})
    async with house(mitigate=True) as it:
        await it.send(alert())
        await until(lambda: it.incident.state is State.FAILED)
        assert "10.9.8.7 is not in allow_hosts" in it.incident.note
        assert (await it.client.get("/healthz")).text == "ok\n"


async def test_too_many_open_incidents_are_told_to_come_again(house, shelf, alert, monkeypatch) -> None:
    monkeypatch.setattr("runbooks.server.desk.MOST_OPEN", 3)
    shelf()
    async with house() as it:
        answer = await it.send(*(alert(room=str(number)) for number in range(5)))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert len(it.desk.incidents) == 3
        assert it.outcomes() == ["accepted"] * 3 + ["overloaded"]
        again = await it.send(*(alert(room=str(number)) for number in range(3)))
        assert again.json() == {"duplicate": 3}


async def test_an_alert_that_could_not_be_written_down_is_diagnosed_when_it_comes_again(
    house, shelf, alert, until, monkeypatch
) -> None:
    shelf()
    real, full = Memory.put, [True]

    def put(self: Memory, *words: str) -> None:
        if full[0]:
            raise NeedError("no space left")
        real(self, *words)

    monkeypatch.setattr(Memory, "put", put)
    labels = {"sloth_slo": "orders", "sloth_service": "shop"}
    async with house() as it:
        assert (await it.send(alert(**labels))).status_code == 500
        full[0] = False
        assert (await it.send(alert(**labels))).json() == {"accepted": 1}
        await until(lambda: it.incident.state is State.DIAGNOSED)


async def test_a_message_of_many_alerts_holds_nobody_up(house, shelf, alert, monkeypatch) -> None:
    shelf()
    turns, seen = 0, set[int]()

    async def meanwhile() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with house() as it:
        monkeypatch.setattr(it.desk, "take", lambda alert: seen.add(turns) or "duplicate")
        other = asyncio.create_task(meanwhile())
        await it.send(*(alert(room=str(number)) for number in range(20)))
        other.cancel()
    assert len(seen) == 20
