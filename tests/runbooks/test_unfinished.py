import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flashcrowd.masking import Masking
from runbooks.audit import Audit
from runbooks.execution import Outcome, State
from runbooks.executor import Executor
from runbooks.model import Runbook
from runbooks.records import read
from runbooks.unfinished import unfinished

Build = Callable[..., Runbook]
Run = Callable[..., Executor]
Lines = Callable[[], list[dict[str, Any]]]


def cut(audit: Audit, lines: Lines, kind: str, step: str) -> list[dict[str, Any]]:
    """Leave the audit as a crash right after this line would have."""
    audit.close()
    kept = lines()
    last = next(n for n, line in enumerate(kept) if (line["kind"], line.get("step")) == (kind, step))
    audit.path.write_text("".join(json.dumps(line) + "\n" for line in kept[: last + 1]))
    return kept[: last + 1]


async def test_a_run_that_came_to_its_end_is_not_unfinished(runbook: Build, executor: Run, audit: Audit) -> None:
    await executor(runbook()).run()
    assert unfinished(audit.path.parent) == []
    (record,) = read(audit.path)
    assert (record.outcome, record.in_place) == ("recovered", {"reserve": "release"})


async def test_a_step_without_an_end_is_under_way_and_may_be_in_place(
    runbook: Build, executor: Run, audit: Audit, lines: Lines
) -> None:
    run = executor(runbook(), labels={"alertname": "Slow", "token": "s3cr3t-value"}, target="staging")
    await run.run()
    cut(audit, lines, "start", "reserve")
    (record,) = unfinished(audit.path.parent)
    assert (record.runbook, record.run, record.who, record.target) == ("slow", audit.run, "mei", "staging")
    assert record.labels == {"alertname": "Slow", "token": "***"}
    assert (record.under_way, record.in_place) == ("reserve", {"reserve": "release"})
    assert record.what["reserve"].startswith("POST http://127.0.0.1:")
    assert {name: result.state for name, result in record.finished.items()} == {"slow": State.MATCHED}
    assert record.finished["slow"].got == (0.8,)
    assert record.began <= record.last


@pytest.mark.parametrize("torn", ['{"kind": "end", "step": "res', "\0\0\0", "{}\n", '"begin"\n', "[1]\n"])
async def test_a_torn_line_is_left_out(runbook: Build, executor: Run, audit: Audit, lines: Lines, torn: str) -> None:
    await executor(runbook()).run()
    cut(audit, lines, "start", "reserve")
    with audit.path.open("a") as file:
        file.write(torn)
    assert [record.under_way for record in unfinished(audit.path.parent)] == ["reserve"]


async def test_several_runs_in_a_file_are_told_apart(runbook: Build, executor: Run, audit: Audit, lines: Lines) -> None:
    await executor(runbook()).run()
    cut(audit, lines, "end", "reserve")
    for _ in range(2):
        with Audit(audit.path, Masking({}), who="li") as later:
            await executor(runbook(), audit=later).run()
    assert [record.who for record in read(audit.path)] == ["mei", "li", "li"]
    assert [record.run for record in unfinished(audit.path.parent)] == [audit.run]


async def test_a_dry_run_is_not_missed(runbook: Build, executor: Run, audit: Audit, lines: Lines) -> None:
    await executor(runbook(), execute=False).run()
    cut(audit, lines, "end", "slow")
    assert unfinished(audit.path.parent) == []


@pytest.mark.parametrize(("status", "in_place"), [(403, {}), (503, {"reserve": "release"})])
async def test_a_refused_step_is_not_in_place_and_a_failed_one_may_be(
    runbook: Build, executor: Run, server: Any, audit: Audit, lines: Lines, status: int, in_place: dict[str, str]
) -> None:
    server.answers["/reserve"] = (status, {}, b"")
    await executor(runbook()).run()
    cut(audit, lines, "end", "reserve")
    (record,) = unfinished(audit.path.parent)
    assert record.in_place == in_place


async def test_ctrl_c_leaves_an_unfinished_run(
    runbook: Build, executor: Run, audit: Audit, server: Any, tmp_path: Path
) -> None:
    script = f'```sh {{"step": "sleep", "timeout": "1m"}}\ntouch {tmp_path}/begun\nsleep 60\n```'
    task = asyncio.create_task(executor(runbook({"Mitigation": script, "Rollback": "None."})).run())
    while not (tmp_path / "begun").exists():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert unfinished(tmp_path) == [], "its process lives"
    audit.close()
    (record,) = unfinished(tmp_path)
    assert (record.interrupted, record.under_way, record.in_place) == (True, "sleep", {"sleep": None})


async def test_what_is_in_place_is_taken_back_when_it_is_not_wanted_any_more(
    runbook: Build, executor: Run, server: Any, audit: Audit, lines: Lines
) -> None:
    run = executor(runbook())
    assert (await run.run()).outcome is Outcome.RECOVERED
    back = await run.take_back("the link is quick again")
    assert (back.outcome, back.in_place, back.message) == (Outcome.TAKEN_BACK, (), "the link is quick again")
    assert server.paths == ["/reserve", "/release"]
    assert [result.step for result in back.results] == ["release"]
    assert [line["kind"] for line in lines()[-4:]] == ["rollback", "start", "end", "finish"]
    (record,) = read(audit.path)
    assert (record.outcome, record.in_place) == ("taken_back", {})


async def test_what_cannot_be_taken_back_is_named(runbook: Build, executor: Run, server: Any) -> None:
    server.answers["/release"] = (503, {}, b"")
    run = executor(runbook())
    await run.run()
    back = await run.take_back("enough")
    assert (back.outcome, back.in_place) == (Outcome.NOT_TAKEN_BACK, ("reserve",))
    assert back.message == "enough; still in place, take it back by hand: reserve"


async def test_what_needs_no_undo_does_not_hinder_a_taking_back(runbook: Build, executor: Run, server: Any) -> None:
    both = '```http {"step": "restart"}\nPOST ${shop.admin}/restart\n```\n\n'
    both += '```http {"step": "reserve", "undo": "release"}\nPOST ${shop.admin}/reserve\n```'
    run = executor(runbook({"Mitigation": both}))
    await run.run()
    back = await run.take_back("enough")
    assert (back.outcome, back.message) == (Outcome.TAKEN_BACK, "enough; the page has no undo for restart")
