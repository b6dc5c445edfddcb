import asyncio
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flashcrowd.errors import DocumentError, GuardError, InputError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.masking import Masking
from runbooks.audit import Audit
from runbooks.execution import Decision, Outcome, State
from runbooks.executor import Executor
from runbooks.model import Runbook, Step

Build = Callable[..., Runbook]
Run = Callable[..., Executor]
Lines = Callable[[], list[dict[str, Any]]]


def http(name: str, **settings: Any) -> str:
    return f"```http {json.dumps({'step': name, **settings})}\nPOST ${{shop.admin}}/{name}\n```"


RESERVE = http("reserve", undo="release")


def told(lines: list[dict[str, Any]], kind: str) -> list[str]:
    return [line["step"] for line in lines if line["kind"] == kind]


THREE = {
    "Mitigation": "\n\n".join(http(f"do-{name}", undo=f"undo-{name}") for name in "abc"),
    "Rollback": "\n\n".join(http(f"undo-{name}") for name in "abc"),
}


async def test_a_matching_cause_is_mitigated_and_verified(runbook: Build, executor: Run, server: Any) -> None:
    execution = await executor(runbook()).run()
    assert execution.outcome is Outcome.RECOVERED
    assert server.paths == ["/reserve"]
    assert (execution.matched, execution.in_place) == (("slow",), ("reserve",))
    slow, reserve, quick = execution.results
    assert (slow.state, slow.expected, slow.got, slow.message) == (
        State.MATCHED,
        "> 0.3",
        (0.8,),
        "0.8, expected > 0.3",
    )
    assert (reserve.state, reserve.output) == (State.DONE, '200 {"ok": true}')
    assert (quick.state, quick.message) == (State.DONE, "0.01, as expected < 0.1")
    assert execution.started <= slow.started <= reserve.started <= quick.started <= execution.ended


async def test_a_dry_run_diagnoses_and_touches_nothing(
    runbook: Build, executor: Run, server: Any, prometheus: Any, tmp_path: Path
) -> None:
    pages = {
        "Mitigation": f"{RESERVE}\n\n"
        f'```sh {{"step": "touch"}}\ntouch {tmp_path}/touched\n```\n\n```manual {{"step": "call"}}\nCall.\n```'
    }
    execution = await executor(runbook(pages), execute=False, approve=None).run()
    assert execution.outcome is Outcome.DRY_RUN
    assert [result.state for result in execution.results] == [State.MATCHED, *[State.PLANNED] * 4]
    assert prometheus.asked == ["slow_seconds"]
    assert server.seen == []
    assert not (tmp_path / "touched").exists()


async def test_a_dry_run_needs_no_prometheus_but_a_real_one_does(runbook: Build, executor: Run, server: Any) -> None:
    execution = await executor(runbook(), execute=False, query=None).run()
    assert {result.state for result in execution.results} == {State.PLANNED}
    with pytest.raises(InputError, match="--prometheus"):
        await executor(runbook(), query=None).run()
    assert server.seen == []


@pytest.mark.parametrize("values", [[0.1], [], [math.nan], [0.8, 0.1], ConnectionError("refused")])
@pytest.mark.parametrize("execute", [True, False])
async def test_without_a_known_cause_nothing_is_done(
    runbook: Build, executor: Run, server: Any, prometheus: Any, values: Any, execute: bool
) -> None:
    prometheus.answers["slow_seconds"] = values
    execution = await executor(runbook(), execute=execute).run()
    known = Outcome.NO_CAUSE_FOUND if execute else Outcome.DRY_RUN
    assert execution.outcome is (Outcome.UNREAD if isinstance(values, Exception) else known)
    assert execution.message.startswith(
        "slow could not be read" if isinstance(values, Exception) else "none of the known causes was found"
    )
    assert server.seen == []


async def test_a_mitigation_for_another_cause_is_left_out(
    runbook: Build, executor: Run, server: Any, prometheus: Any
) -> None:
    page = runbook(
        {
            "Diagnosis": '```promql {"step": "slow", "expect": "> 0.3"}\nslow_seconds\n```\n\n'
            '```promql {"step": "full", "expect": "> 0.3"}\nfull_ratio\n```',
            "Mitigation": f"{http('grow', when='full')}\n\n{http('reserve', when='slow', undo='release')}",
        }
    )
    prometheus.answers["full_ratio"] = [0.1]
    execution = await executor(page).run()
    assert (execution.outcome, execution.matched) == (Outcome.RECOVERED, ("slow",))
    assert server.paths == ["/reserve"]
    prometheus.answers |= {"slow_seconds": [0.1], "full_ratio": [0.1]}
    assert (await executor(page).run()).outcome is Outcome.NO_CAUSE_FOUND


async def test_the_audit_is_on_disk_before_the_step_acts(
    runbook: Build, executor: Run, server: Any, lines: Lines, audit: Audit
) -> None:
    seen: list[list[str]] = []
    server.acting = lambda path: seen.append(told(lines(), "start"))
    script = f'```sh {{"step": "read"}}\ncat {audit.path}\n```'
    execution = await executor(runbook({"Mitigation": f"{RESERVE}\n\n{script}"})).run()
    assert seen == [["slow", "reserve"]]
    assert '"kind": "start", "runbook": "slow", "step": "read"' in execution.results[2].output
    assert [line["kind"] for line in lines()] == ["begin", *["start", "end"] * 4, "finish"]


async def test_listeners_are_told_what_the_audit_was_told(runbook: Build, executor: Run, lines: Lines) -> None:
    heard: list[tuple[str, dict[str, Any]]] = []
    labels = {"alertname": "Slow", "secret": "s3cr3t-value"}
    await executor(runbook(), labels=labels, on_event=lambda kind, data: heard.append((kind, data))).run()
    assert heard[0][1]["labels"] == {"alertname": "Slow", "secret": "***"}
    head = ("time", "run", "who", "kind")
    assert heard == [(line["kind"], {key: line[key] for key in line if key not in head}) for line in lines()]


async def test_a_failed_step_takes_the_done_ones_back_in_reverse_past_errors(
    runbook: Build, executor: Run, server: Any
) -> None:
    server.answers["/do-c"] = (403, {}, b"not now")
    server.answers["/undo-b"] = (500, {}, b"broken")
    execution = await executor(runbook(THREE)).run()
    assert execution.outcome is Outcome.ROLLED_BACK
    assert server.paths == ["/do-a", "/do-b", "/do-c", "/undo-b", "/undo-a"]
    assert execution.in_place == ("do-b",)
    assert execution.message == "do-c: answered 403, expected 2xx; still in place, take it back by hand: do-b"


async def test_a_step_that_may_have_acted_is_taken_back_too(runbook: Build, executor: Run, server: Any) -> None:
    server.answers["/do-c"] = (500, {}, b"half way")
    execution = await executor(runbook(THREE)).run()
    assert server.paths == ["/do-a", "/do-b", "/do-c", "/undo-c", "/undo-b", "/undo-a"]
    assert execution.in_place == ()


async def test_when_verification_does_not_hold_everything_is_taken_back(
    runbook: Build, executor: Run, server: Any, prometheus: Any
) -> None:
    prometheus.answers["quick_seconds"] = [0.7]
    quick = '```promql {"step": "quick", "expect": "< 0.1", "timeout": "200ms"}\nquick_seconds\n```'
    execution = await executor(runbook({**THREE, "Verification": quick})).run()
    assert execution.outcome is Outcome.NOT_RECOVERED
    assert execution.message == "quick: 0.7, expected < 0.1, but it did not hold within 200ms"
    assert server.paths[3:] == ["/undo-c", "/undo-b", "/undo-a"]


async def test_verification_must_hold_without_a_break(runbook: Build, executor: Run, prometheus: Any) -> None:
    answers = iter([[0.01], [0.9], [0.01], [], *[[0.01]] * 1000])

    async def flapping(query: str) -> list[float]:
        return [0.8] if query == "slow_seconds" else prometheus.asked.append(query) or next(answers)

    quick = '```promql {"step": "quick", "expect": "< 0.1", "for": "100ms", "timeout": "20s"}\nquick_seconds\n```'
    execution = await executor(runbook({"Verification": quick}), query=flapping, poll=0.02).run()
    assert execution.outcome is Outcome.RECOVERED
    assert execution.results[-1].seconds >= 0.1
    assert len(prometheus.asked) > 4


async def test_prometheus_away_for_a_moment_does_not_end_the_wait(runbook: Build, executor: Run) -> None:
    answers = iter([ConnectionError("refused"), NeedError("503")])

    async def flaky(query: str) -> list[float]:
        if query == "slow_seconds":
            return [0.8]
        if error := next(answers, None):
            raise error
        return [0.01]

    assert (await executor(runbook(), query=flaky).run()).outcome is Outcome.RECOVERED


async def test_a_bug_in_the_query_does_not_keep_us_from_the_rollback(
    runbook: Build, executor: Run, server: Any, prometheus: Any
) -> None:
    prometheus.answers["quick_seconds"] = KeyError("value")
    execution = await executor(runbook()).run()
    assert (execution.outcome, server.paths) == (Outcome.NOT_RECOVERED, ["/reserve", "/release"])


async def test_a_step_is_tried_again_as_often_as_it_says(
    runbook: Build, executor: Run, server: Any, lines: Lines
) -> None:
    def recover(path: str) -> None:
        if server.paths.count(path) == 3:
            server.answers.pop(path)

    server.answers["/reserve"], server.acting = (503, {}, b""), recover
    page = runbook({"Mitigation": http("reserve", undo="release", retries=3)})
    execution = await executor(page).run()
    assert (execution.outcome, server.paths) == (Outcome.RECOVERED, ["/reserve"] * 3)
    assert told(lines(), "start").count("reserve") == 3


async def test_a_person_is_asked_after_the_question_is_in_the_audit(
    runbook: Build, executor: Run, server: Any, lines: Lines
) -> None:
    asked: list[str] = []

    async def approve(step: Step) -> Decision:
        assert lines()[-1]["kind"] == "ask"
        asked.append(step.name)
        return Decision.YES

    page = {"Mitigation": f"{http('reserve', undo='release', approve=True)}\n\n{http('second')}"}
    assert (await executor(runbook(page), approve=approve).run()).outcome is Outcome.RECOVERED
    assert asked == ["reserve"]


@pytest.mark.parametrize(
    ("decision", "outcome", "paths"),
    [
        (Decision.SKIP, Outcome.RECOVERED, ["/reserve"]),
        (Decision.ABORT, Outcome.ABORTED, ["/reserve", "/release"]),
    ],
)
async def test_a_person_may_skip_or_abort_and_undo(
    runbook: Build, executor: Run, server: Any, lines: Lines, decision: Decision, outcome: Outcome, paths: list[str]
) -> None:
    async def approve(step: Step) -> Decision:
        return decision

    page = {"Mitigation": f"{RESERVE}\n\n{http('second', approve=True)}"}
    assert (await executor(runbook(page), approve=approve).run()).outcome is outcome
    assert server.paths == paths
    assert [line["decision"] for line in lines() if line["kind"] == "decision"] == [decision.value]


async def test_when_each_mitigation_is_skipped_nothing_is_claimed(
    runbook: Build, executor: Run, prometheus: Any
) -> None:
    page = {"Mitigation": '```manual {"step": "call", "undo": "release"}\nCall.\n```'}
    execution = await executor(runbook(page)).run()
    assert execution.outcome is Outcome.NOTHING_DONE
    assert prometheus.asked == ["slow_seconds"]


async def test_what_only_a_person_can_take_back_stays_in_place_when_nobody_is_asked(
    runbook: Build, executor: Run, prometheus: Any
) -> None:
    prometheus.answers["quick_seconds"] = [0.7]
    execution = await executor(runbook({"Rollback": '```manual {"step": "release"}\nTurn it.\n```'})).run()
    assert (execution.outcome, execution.in_place) == (Outcome.NOT_RECOVERED, ("reserve",))
    assert execution.message.endswith("still in place, take it back by hand: reserve")


async def test_an_outside_host_is_refused_before_anything_is_done(
    runbook: Build, executor: Run, server: Any, prometheus: Any
) -> None:
    page = {"Rollback": '```http {"step": "release"}\nPOST http://192.0.2.1/release\n```'}
    with pytest.raises(GuardError, match=r"release: 192\.0\.2\.1 is not in allow_hosts"):
        await executor(runbook(page), guard=Guard(["127.0.0.1"])).run()
    assert (server.seen, prometheus.asked) == ([], [])


async def test_unknown_variables_are_told_with_their_line(runbook: Build, executor: Run, prometheus: Any) -> None:
    with pytest.raises(DocumentError, match=r"slow\.md:\d+: no variable \$\{shop\.admin\}; did you mean 'shop\.admn'"):
        await executor(runbook(), variables={"shop.admn": "http://127.0.0.1"}).run()
    assert prometheus.asked == []


async def test_a_dry_run_without_a_target_leaves_variables_open(runbook: Build, executor: Run, server: Any) -> None:
    told: list[str] = []
    page = runbook({"Mitigation": '```http {"step": "reserve", "undo": "release"}\nPOST ${a.b}/x\n{"c": "${d}"}\n```'})
    run = executor(
        page,
        variables={},
        guard=Guard([]),
        execute=False,
        on_event=lambda kind, data: told.append(data["what"]) if kind == "planned" else None,
    )
    assert (await run.run()).outcome is Outcome.DRY_RUN
    assert told[0] == 'POST ${a.b}/x\n{"c": "${d}"}'
    with pytest.raises(DocumentError, match=r"no variable \$\{a\.b\}"):
        await executor(page, variables={}).run()
    assert server.seen == []


async def test_labels_reach_scripts_as_data(runbook: Build, executor: Run, tmp_path: Path, server: Any) -> None:
    script = '```sh {"step": "say", "undo": "release"}\nprintf %s "$ALERT_LABEL_room at $SHOP_ADMIN"\n```'
    label = f"x'; touch {tmp_path}/owned; $(touch {tmp_path}/owned)"
    execution = await executor(runbook({"Mitigation": script}), labels={"room": label}).run()
    assert execution.results[1].output == f"{label} at {server.url}"
    assert not (tmp_path / "owned").exists()


async def test_an_interrupted_run_leaves_what_is_done_and_says_so(
    runbook: Build, executor: Run, server: Any, lines: Lines, tmp_path: Path
) -> None:
    sleep = f'```sh {{"step": "sleep", "timeout": "1m"}}\ntouch {tmp_path}/begun\nsleep 60\n```'
    page = runbook({"Mitigation": f"{RESERVE}\n\n{sleep}"})
    task = asyncio.create_task(executor(page).run())
    while not (tmp_path / "begun").exists():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert server.paths == ["/reserve"]
    last = lines()[-1]
    assert (last["kind"], last["in_place"]) == ("interrupted", {"reserve": "release", "sleep": None})


class FullDisk(Audit):
    """An audit whose disk is full from the given line on."""

    lines_left = 0

    def write(self, kind: str, row: dict[str, Any]) -> None:
        self.lines_left -= 1
        if self.lines_left < 0:
            raise NeedError("the audit can't be written: no space left on device")
        super().write(kind, row)


@pytest.mark.parametrize("lines_left", [0, 1, 2, 3])
async def test_without_its_audit_nothing_is_done(
    runbook: Build, executor: Run, server: Any, tmp_path: Path, lines_left: int
) -> None:
    with FullDisk(tmp_path / "full.jsonl", Masking({})) as full:
        full.lines_left = lines_left
        with pytest.raises(NeedError, match="no space left"):
            await executor(runbook(THREE), audit=full).run()
    assert server.seen == []


@pytest.mark.parametrize(
    ("lines_left", "paths"),
    [
        (4, ["/do-a", "/undo-a"]),
        (5, ["/do-a", "/undo-a"]),
        (7, ["/do-a", "/do-b", "/undo-b", "/undo-a"]),
        (9, ["/do-a", "/do-b", "/do-c", "/undo-c", "/undo-b", "/undo-a"]),
    ],
)
async def test_when_its_audit_breaks_what_was_done_is_taken_back(
    runbook: Build, executor: Run, server: Any, tmp_path: Path, lines_left: int, paths: list[str]
) -> None:
    with FullDisk(tmp_path / "full.jsonl", Masking({})) as full:
        full.lines_left = lines_left
        execution = await executor(runbook(THREE), audit=full).run()
    assert server.paths == paths
    assert (execution.outcome, execution.in_place) == (Outcome.ROLLED_BACK, ())
    assert "no space left" in execution.message


async def test_an_execution_becomes_json(runbook: Build, executor: Run, prometheus: Any) -> None:
    prometheus.answers["slow_seconds"] = [math.nan]
    data = (await executor(runbook()).run()).as_dict()
    assert data["outcome"] == "no_cause_found"
    assert data["results"][0]["got"] == ["nan"]


WAIT = '```wait {"step": "settle", "for": "50ms"}\nThings to settle.\n```'


async def test_a_wait_lets_its_time_pass_and_tells_how_much_is_left(
    runbook: Build, executor: Run, server: Any, lines: Lines
) -> None:
    told: list[tuple[str, str]] = []
    run = executor(
        runbook({"Mitigation": f"{RESERVE}\n\n{WAIT}"}), on_progress=lambda step, words: told.append((step.name, words))
    )
    execution = await run.run()
    assert execution.outcome is Outcome.RECOVERED
    assert execution.results[2].seconds >= 0.05
    assert told[0] == ("settle", "1s left")
    assert execution.in_place == ("reserve",)
    assert [line["what"] for line in lines() if line["kind"] == "start"][2] == "Things to settle."


async def test_nothing_is_waited_for_when_nothing_was_done(runbook: Build, executor: Run, lines: Lines) -> None:
    async def skip(step: Step) -> Decision:
        return Decision.SKIP

    page = runbook({"Mitigation": f"{http('reserve', undo='release', approve=True)}\n\n{WAIT}"})
    execution = await executor(page, approve=skip).run()
    assert execution.outcome is Outcome.NOTHING_DONE
    assert execution.results[2].message == "nothing was done that it would wait for"


async def test_verification_tells_how_it_goes(runbook: Build, executor: Run, prometheus: Any) -> None:
    answers = iter([[0.9], [0.9]])

    async def query(promql: str) -> list[float]:
        return [0.8] if promql == "slow_seconds" else next(answers, [0.01])

    told: list[str] = []
    quick = '```promql {"step": "quick", "expect": "< 0.1", "timeout": "20s"}\nquick_seconds\n```'
    page = runbook({"Verification": quick})
    await executor(page, query=query, on_progress=lambda step, words: told.append(words)).run()
    assert [words.split(" · ")[0] for words in told] == ["0.9, expected < 0.1"] * 2
    assert told[0].endswith("of 20s")
