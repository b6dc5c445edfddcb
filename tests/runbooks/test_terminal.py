import asyncio
import contextlib
import io
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runbooks.catalogue import find
from runbooks.execution import Execution, Outcome
from runbooks.executor import Executor
from runbooks.model import Runbook
from runbooks.terminal import Terminal

Build = Callable[..., Runbook]
Run = Callable[..., Executor]

ASKING = {
    "Mitigation": "Long story.\n\nReserve in blocks.\n\n"
    '```http {"step": "reserve", "undo": "release", "approve": true}\nPOST ${shop.admin}/reserve\n{"size": 5}\n```'
}


@pytest.fixture
def keyboard() -> Iterator[tuple[int, int]]:
    """Both ends of a real terminal: where a person types, and where a program reads."""
    person, program = os.openpty()
    yield person, program
    for end in (person, program):
        with contextlib.suppress(OSError):
            os.close(end)


async def follow(executor: Run, runbook: Runbook, terminal: Terminal, **changes: Any) -> Execution:
    given = {"on_event": terminal.on_event, "approve": terminal.approve, "labels": {"alertname": "Slow"}}
    return await executor(runbook, **{**given, **changes}).run()


async def test_a_run_is_told_one_step_at_a_time(
    runbook: Build, executor: Run, server: Any, keyboard: tuple[int, int]
) -> None:
    person, program = keyboard
    os.write(person, b"?\nmaybe\ny\n")
    out = io.StringIO()
    execution = await follow(executor, runbook(ASKING), Terminal(runbook(ASKING), out, program))
    assert execution.outcome is Outcome.RECOVERED
    question = "  Do it? [y]es  [n]o or [s]kip  [a]bort and undo  [?] why "
    assert out.getvalue().split("  done: answered 200")[0] == (
        "slow · paged by Slow · never rehearsed\n"
        "\n"
        "Diagnosis 1 of 1 · slow\n"
        "  Is it slow?\n"
        "  slow_seconds\n"
        '  = 0.8   expected > 0.3   yes: matches "slow"\n'
        "\n"
        "Mitigation 1 of 1 · reserve                                 changes the platform\n"
        "  Reserve in blocks.\n"
        f"  POST {server.url}/reserve\n"
        '  {"size": 5}\n'
        "  expected: an answer 2xx within 10s\n"
        "  undo: release\n"
        f"{question}  Long story.\n"
        "  Reserve in blocks.\n"
        "  To take it back:\n"
        "  Release.\n"
        "  y does it. n and s both leave this step out and go on with the next one.\n"
        "  a stops here and takes back what was done, the last step first.\n"
        f"{question}  answer y, n, s, a or ?, and Enter\n{question}"
    )
    assert out.getvalue().endswith("  = 0.01, as expected < 0.1\n\nrecovered: quick: 0.01, as expected < 0.1\n")


async def test_abort_takes_back_what_was_done(
    runbook: Build, executor: Run, server: Any, keyboard: tuple[int, int]
) -> None:
    second = ASKING["Mitigation"] + '\n\n```manual {"step": "call", "undo": "release"}\nCall them.\n```'
    page, out = runbook({"Mitigation": second}), io.StringIO()
    os.write(keyboard[0], b"yes\na\n")
    execution = await follow(executor, page, Terminal(page, out, keyboard[1]))
    assert execution.outcome is Outcome.ABORTED
    assert server.paths == ["/reserve", "/release"]
    assert "Done? [y]es" in out.getvalue()
    assert "Rollback: stopped at call" in out.getvalue()


async def test_without_a_terminal_the_run_ends_with_a_clear_sentence(
    runbook: Build, executor: Run, server: Any
) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"y\n")
    for keyboard in (reading, None):
        out = io.StringIO()
        execution = await follow(executor, runbook(ASKING), Terminal(runbook(ASKING), out, keyboard))
        assert execution.outcome is Outcome.ABORTED
        assert "there is no terminal to ask on, so this run ends here; add --yes" in out.getvalue()
    assert server.seen == []
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("ending", [b"\x04", None])
async def test_the_end_of_input_aborts(
    runbook: Build, executor: Run, server: Any, keyboard: tuple[int, int], ending: bytes | None
) -> None:
    if ending:
        os.write(keyboard[0], ending)
    else:
        os.close(keyboard[0])
    out = io.StringIO()
    execution = await follow(executor, runbook(ASKING), Terminal(runbook(ASKING), out, keyboard[1]))
    assert (execution.outcome, server.seen) == (Outcome.ABORTED, [])
    if ending:
        assert "the input ended" in out.getvalue()


async def test_yes_asks_nobody_and_leaves_out_what_only_a_person_can_do(
    runbook: Build, executor: Run, server: Any
) -> None:
    page = runbook({"Mitigation": ASKING["Mitigation"] + '\n\n```manual {"step": "call"}\nCall them.\n```'})
    out = io.StringIO()
    execution = await follow(executor, page, Terminal(page, out, None, yes=True))
    assert (execution.outcome, server.paths) == (Outcome.RECOVERED, ["/reserve"])
    assert "[y]es" not in out.getvalue()
    assert "only a person can do it, and --yes asks nobody" in out.getvalue()


async def test_an_interrupted_question_ends_the_run_at_once(
    runbook: Build, executor: Run, server: Any, keyboard: tuple[int, int]
) -> None:
    page, out = runbook(ASKING), io.StringIO()
    task = asyncio.create_task(follow(executor, page, Terminal(page, out, keyboard[1])))
    while "Do it?" not in out.getvalue():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert out.getvalue().endswith("\ninterrupted; nothing was taken back\n")
    assert server.seen == []


async def test_a_dry_run_of_the_library_shows_all_and_changes_nothing(executor: Run, server: Any) -> None:
    page, out = find("order-latency"), io.StringIO()

    async def healthy(query: str) -> list[float]:
        return [0.8] if query == page.step("inventory-slow").query else []  # type: ignore[attr-defined]

    await follow(executor, page, Terminal(page, out, None), query=healthy, execute=False, labels={})
    shown = out.getvalue()
    assert shown.startswith("order-latency · dry run: nothing is changed · last rehearsed ")
    assert '= 0.8   expected > 0.3   yes: matches "inventory slow"' in shown
    assert "= no data   expected > 0.5   no" in shown
    assert '"size": 500}\n  expected: an answer 2xx within 15s\n  undo: reserve-singly\n  not done: a dry run' in shown
    assert server.seen == []


async def test_a_hostile_label_or_output_cannot_redraw_the_terminal(runbook: Build, executor: Run, server: Any) -> None:
    server.answers["/reserve"] = (400, {}, b"\x1b[2Jowned")
    page, out = runbook(), io.StringIO()
    await follow(executor, page, Terminal(page, out, None), labels={"alertname": "\x1b]0;owned\x07"})
    assert "\x1b" not in out.getvalue()
    assert "owned" in out.getvalue()
