from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from flashcrowd.errors import InputError
from flashcrowd.masking import Masking
from runbooks.adoption import check_same
from runbooks.audit import Audit
from runbooks.execution import Decision, Execution, Outcome, State
from runbooks.executor import Executor
from runbooks.model import Runbook, Step
from runbooks.records import Record, read
from runbooks.resumption import is_repeatable

Build = Callable[..., Runbook]
Run = Callable[..., Executor]

ONCE = '```http {"step": "a", "undo": "undo-a"}\nPOST ${shop.admin}/a\n```'
TWICE = '```http {"step": "b", "undo": "undo-b", "idempotent": true}\nPOST ${shop.admin}/b\n```'
PAGE = {
    "Mitigation": f'{ONCE}\n\n{TWICE}\n\n```wait {{"step": "settle", "for": "10ms"}}\nThings to settle.\n```',
    "Rollback": "\n\n".join(f'```http {{"step": "undo-{n}"}}\nPOST ${{shop.admin}}/undo-{n}\n```' for n in "ab"),
}


@pytest.fixture
def cut(executor: Run, runbook: Build, tmp_path: Path) -> Callable[[list[str], int], Awaitable[tuple[Record, Audit]]]:
    """The audit of a run as a crash right after its Nth line leaves it, taken up by a later process."""

    async def build(lines: list[str], kept: int) -> tuple[Record, Audit]:
        file = tmp_path / f"cut-{kept}.jsonl"
        file.write_text("".join(lines[:kept]))
        (record,) = read(file)
        return record, Audit(file, Masking({}), run=record.run)

    return build


def events(record: Record) -> tuple[set[str], set[str]]:
    """The mitigations that had ended, and those that had begun and not ended."""
    ended = {name for name in ("a", "b") if name in record.finished}
    return ended, {record.under_way} & {"a", "b"}


async def test_wherever_a_run_is_cut_resuming_does_no_finished_step_twice(
    runbook: Build, executor: Run, audit: Audit, server: Any, cut: Any
) -> None:
    await executor(runbook(PAGE)).run()
    lines = audit.path.read_text().splitlines(keepends=True)
    assert len(lines) == 12
    for kept in range(1, len(lines)):
        record, later = await cut(lines, kept)
        server.seen.clear()
        with later:
            run = executor(runbook(PAGE), audit=later, earlier=record)
            ended, open_ones = events(record)
            if open_ones == {"a"}:
                with pytest.raises(InputError, match="nobody knows how far a came"):
                    await run.resume()
                assert server.paths == []
                continue
            execution = await run.resume()
        assert execution.outcome is Outcome.RECOVERED
        assert server.paths == [f"/{name}" for name in ("a", "b") if name not in ended]
        assert execution.in_place == ("a", "b")
        assert [result.step for result in execution.results] == ["slow", "a", "b", "settle", "quick"]
        (after,) = read(later.path)
        assert (after.outcome, list(after.in_place)) == ("recovered", ["a", "b"])


async def test_wherever_a_run_is_cut_all_that_may_be_in_place_is_taken_back(
    runbook: Build, executor: Run, audit: Audit, server: Any, cut: Any
) -> None:
    await executor(runbook(PAGE)).run()
    lines = audit.path.read_text().splitlines(keepends=True)
    for kept in range(1, len(lines) + 1):
        record, later = await cut(lines, kept)
        server.seen.clear()
        with later:
            back = await executor(runbook(PAGE), audit=later, earlier=record).take_back("enough")
        ended, open_ones = events(record)
        assert (back.outcome, back.in_place) == (Outcome.TAKEN_BACK, ())
        assert server.paths == [f"/undo-{name}" for name in ("b", "a") if name in ended | open_ones]


async def test_wherever_a_rollback_is_cut_it_goes_on_to_its_end(
    runbook: Build, executor: Run, audit: Audit, server: Any, prometheus: Any, cut: Any
) -> None:
    prometheus.answers["quick_seconds"] = [0.7]
    page = runbook({**PAGE, "Verification": PAGE_QUICK})
    assert (await executor(page).run()).outcome is Outcome.NOT_RECOVERED
    lines = audit.path.read_text().splitlines(keepends=True)
    turn = next(number for number, line in enumerate(lines, 1) if '"kind": "rollback"' in line)
    expected = {0: ["/undo-b", "/undo-a"], 1: ["/undo-a"], 2: ["/undo-a"], 3: [], 4: []}
    for more, paths in expected.items():
        record, later = await cut(lines, turn + more)
        server.seen.clear()
        with later:
            execution = await executor(page, audit=later, earlier=record).resume()
        assert execution.outcome is Outcome.NOT_RECOVERED
        assert execution.message.startswith("quick: 0.7, expected < 0.1, but it did not hold")
        assert server.paths == paths
        under_way = more in (1, 3)
        assert execution.in_place == ((record.under_way or "").removeprefix("undo-"),) * under_way


PAGE_QUICK = '```promql {"step": "quick", "expect": "< 0.1", "timeout": "20ms"}\nquick_seconds\n```'


@pytest.mark.parametrize(
    ("decision", "outcome", "paths"),
    [
        (Decision.YES, Outcome.RECOVERED, ["/a", "/b"]),
        (Decision.SKIP, Outcome.RECOVERED, ["/b"]),
        (Decision.ABORT, Outcome.ABORTED, ["/undo-a"]),
    ],
)
async def test_a_person_says_what_to_do_with_a_step_that_was_under_way(
    runbook: Build,
    executor: Run,
    audit: Audit,
    server: Any,
    cut: Any,
    decision: Decision,
    outcome: Outcome,
    paths: list[str],
) -> None:
    await executor(runbook(PAGE)).run()
    record, later = await cut(audit.path.read_text().splitlines(keepends=True), 4)
    assert record.under_way == "a"
    server.seen.clear()
    asked: list[str] = []

    async def again(step: Step) -> Decision:
        asked.append(step.name)
        return decision

    with later:
        execution = await executor(runbook(PAGE), audit=later, earlier=record, again=again).resume()
    assert (asked, execution.outcome, server.paths) == (["a"], outcome, paths)
    assert (await _outcome(later)) == outcome


async def _outcome(audit: Audit) -> str | None:
    return read(audit.path)[0].outcome


async def test_a_step_with_tries_left_is_tried_that_often_in_all(
    runbook: Build, executor: Run, audit: Audit, server: Any, cut: Any
) -> None:
    server.answers["/c"] = (503, {}, b"")
    page = runbook(
        {"Mitigation": '```http {"step": "c", "retries": 3}\nPOST ${shop.admin}/c\n```', "Rollback": "None."}
    )
    assert (await executor(page).run()).outcome is Outcome.ROLLED_BACK
    lines = audit.path.read_text().splitlines(keepends=True)
    for kept, left in ((5, 3), (7, 2), (11, 0)):
        record, later = await cut(lines, kept)
        server.seen.clear()
        with later:
            execution = await executor(page, audit=later, earlier=record).resume()
        assert (len(server.paths), execution.outcome) == (left, Outcome.ROLLED_BACK)


async def test_a_look_that_failed_is_taken_again(
    runbook: Build, executor: Run, audit: Audit, server: Any, prometheus: Any, cut: Any
) -> None:
    prometheus.answers["slow_seconds"] = ConnectionError("refused")
    assert (await executor(runbook(PAGE)).run()).outcome is Outcome.UNREAD
    prometheus.answers["slow_seconds"] = [0.8]
    record, later = await cut(audit.path.read_text().splitlines(keepends=True), 3)
    with later:
        execution = await executor(runbook(PAGE), audit=later, earlier=record).resume()
    assert execution.outcome is Outcome.RECOVERED


async def test_what_was_skipped_stays_skipped(
    runbook: Build, executor: Run, audit: Audit, server: Any, cut: Any
) -> None:
    async def skip(step: Step) -> Decision:
        return Decision.SKIP

    page = runbook({**PAGE, "Mitigation": PAGE["Mitigation"].replace('"step": "b"', '"step": "b", "approve": true')})
    await executor(page, approve=skip).run()
    lines = audit.path.read_text().splitlines(keepends=True)
    kept = next(number for number, line in enumerate(lines, 1) if '"kind": "skipped"' in line)
    record, later = await cut(lines, kept)
    server.seen.clear()
    with later:
        execution = await executor(page, audit=later, earlier=record).resume()
    assert (execution.outcome, server.paths) == (Outcome.RECOVERED, [])


@pytest.mark.parametrize(
    ("block", "repeatable"),
    [
        ('```http {"step": "x"}\nPOST http://a/\n```', False),
        ('```http {"step": "x"}\nPATCH http://a/\n```', False),
        ('```http {"step": "x"}\nPUT http://a/\n```', True),
        ('```http {"step": "x"}\nDELETE http://a/\n```', True),
        ('```http {"step": "x", "retries": 1}\nPOST http://a/\n```', True),
        ('```http {"step": "x", "idempotent": true}\nPOST http://a/\n```', True),
        ('```sh {"step": "x"}\ntrue\n```', False),
        ('```sh {"step": "x", "idempotent": true}\ntrue\n```', True),
        ('```wait {"step": "x", "for": "1s"}\nA moment.\n```', True),
    ],
)
def test_what_may_be_done_twice_without_asking(runbook: Build, block: str, repeatable: bool) -> None:
    page = runbook({"Mitigation": block, "Rollback": "None."})
    assert is_repeatable(page.step("x")) is repeatable


async def test_a_label_that_the_record_has_no_true_copy_of_has_to_be_given_again(
    runbook: Build, executor: Run, audit: Audit
) -> None:
    sh = runbook({"Mitigation": '```sh {"step": "x"}\ntrue\n```', "Rollback": "None."})
    labels = {"room": "main", "token": "s3cr3t-value", "long": "z" * 5000}
    await executor(sh, labels=labels).run()
    (record,) = read(audit.path)
    assert record.altered == {"token", "long"}
    given = (record, sh, "", record.variables, audit)
    with pytest.raises(InputError, match=r"no true copy of the label long; give it with --label long=\.\.\."):
        check_same(*given, labels={})
    check_same(*given, labels={"token": "s3cr3t-value", "long": "z"})


async def test_a_dry_run_or_another_runbook_or_target_is_not_gone_on_with(
    runbook: Build, executor: Run, audit: Audit
) -> None:
    await executor(runbook(), execute=False, target="staging").run()
    (record,) = read(audit.path)
    with pytest.raises(InputError, match="was a dry run; it changed nothing"):
        check_same(record, runbook(), "staging", record.variables, audit, {})
    record.execute = True
    with pytest.raises(InputError, match="was at the target 'staging', not at 'other'"):
        check_same(record, runbook(), "other", record.variables, audit, {})
    record.runbook = "quick"
    with pytest.raises(InputError, match="is of the runbook quick, not of slow"):
        check_same(record, runbook(), "staging", record.variables, audit, {})


async def test_an_execution_that_was_resumed_tells_of_all_steps(
    runbook: Build, executor: Run, audit: Audit, cut: Any
) -> None:
    first: Execution = await executor(runbook(PAGE)).run()
    record, later = await cut(audit.path.read_text().splitlines(keepends=True), 7)
    with later:
        second = await executor(runbook(PAGE), audit=later, earlier=record).resume()
    assert [(r.step, r.state) for r in second.results] == [(r.step, r.state) for r in first.results]
    assert (second.matched, second.results[0].state) == (("slow",), State.MATCHED)
