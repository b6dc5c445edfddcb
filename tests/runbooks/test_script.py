import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbooks.actions import CAPTURED, ActionError, RefusedError
from runbooks.labels import within_bounds
from runbooks.model import Heading, ShStep
from runbooks.script import environment, run_script


def step(script: str, **changes: Any) -> ShStep:
    given = {"step": "restart", "script": script, "section": Heading.MITIGATION, "why": "", "line": 1}
    return ShStep.model_validate({**given, **changes})


def alive(pid: int) -> bool:
    """Whether the process runs; one that is dead and waits to be reaped doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def gone(pid: int) -> bool:
    until = time.monotonic() + 10
    while alive(pid) and time.monotonic() < until:
        await asyncio.sleep(0.01)
    return not alive(pid)


async def pid_in(file: Path) -> int:
    until = time.monotonic() + 10
    while not (text := content(file)).endswith("\n") and time.monotonic() < until:
        await asyncio.sleep(0.01)
    return int(text)


def content(file: Path) -> str:
    return file.read_text() if file.exists() else ""


async def test_stdout_and_stderr_come_back() -> None:
    assert await run_script(step("echo out; echo err >&2"), {}, {}) == "out\nerr\n"


async def test_the_first_failing_command_ends_it() -> None:
    with pytest.raises(ActionError, match="the script ended with 3") as caught:
        await run_script(step("echo before\n(exit 3)\necho after"), {}, {})
    assert caught.value.output == "before\n"


async def test_a_signal_is_told_from_a_status() -> None:
    with pytest.raises(ActionError, match="was killed by signal 9"):
        await run_script(step("kill -9 $$"), {}, {})


HOSTILE = [
    "$(touch owned)",
    "`touch owned`",
    "'; touch owned; '",
    '"\ntouch owned\n"',
    "a\nb",
    "-rf /",
    "${IFS}",
    "%n%s",
]


@pytest.mark.parametrize("label", HOSTILE)
async def test_a_hostile_label_is_data_and_never_code(label: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    said = await run_script(step('printf %s "$ALERT_LABEL_room"'), {}, {"room": label})
    assert said == label
    assert not (tmp_path / "owned").exists()


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20)))
@settings(deadline=None, max_examples=200)
def test_any_labels_make_an_environment_that_the_kernel_takes(labels: dict[str, str]) -> None:
    for name, value in environment({"shop.admin": "http://s"}, labels).items():
        assert name == "SHOP_ADMIN" or name.startswith("ALERT_LABEL_")
        assert "\0" not in value
        assert "=" not in name


async def test_odd_label_names_and_values_still_start() -> None:
    labels = {"a b;c": "x\0y", "LD_PRELOAD": "evil.so", "long": "z" * 1_000_000, "": "empty", "lone": "\ud800"}
    script = step("echo $ALERT_LABEL_a_b_c ${#ALERT_LABEL_long} ${LD_PRELOAD:-none}")
    said = await run_script(script, {}, within_bounds(labels))
    assert said == "xy 8192 none\n"


async def test_variables_are_in_the_environment_and_never_in_the_text() -> None:
    said = await run_script(step('printf %s "$SHOP_ADMIN"'), {"shop.admin": "http://s/$(id)"}, {})
    assert said == "http://s/$(id)"


async def test_the_input_is_closed() -> None:
    assert await run_script(step("cat; echo end"), {}, {}) == "end\n"


async def test_it_runs_in_a_session_of_its_own() -> None:
    said = await run_script(step("cut -d' ' -f6 /proc/$$/stat; echo $$"), {}, {})
    session, pid = said.split()
    assert session == pid != str(os.getsid(0))


async def test_a_timeout_kills_the_whole_group(tmp_path: Path) -> None:
    script = f"trap '' TERM\nsleep 60 & echo $! > {tmp_path}/pid\necho begun\nwait"
    with pytest.raises(ActionError, match="took longer than 500ms and was killed") as caught:
        await run_script(step(script, timeout="500ms"), {}, {})
    assert caught.value.output == "begun\n"
    assert await gone(await pid_in(tmp_path / "pid"))


async def test_cancelling_kills_the_whole_group(tmp_path: Path) -> None:
    task = asyncio.create_task(run_script(step(f"sleep 60 & echo $! > {tmp_path}/pid\nwait", timeout="1m"), {}, {}))
    pid = await pid_in(tmp_path / "pid")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone(pid)


async def test_a_server_that_a_script_leaves_behind_is_not_waited_for(tmp_path: Path) -> None:
    said = await run_script(step(f"sleep 60 & echo $! > {tmp_path}/pid\necho begun", timeout="30s"), {}, {})
    pid = await pid_in(tmp_path / "pid")
    assert said == "begun\n"
    assert alive(pid)
    os.kill(pid, 9)


async def test_endless_output_is_bounded() -> None:
    said = await run_script(step("head -c 2000000 /dev/zero | tr '\\0' x; echo; echo end"), {}, {})
    assert len(said) <= CAPTURED
    assert said.endswith("x\nend\n")


async def test_a_script_that_the_kernel_refuses_has_not_acted() -> None:
    with pytest.raises(RefusedError, match="can't be started"):
        await run_script(step("#" + "x" * 3_000_000), {}, {})


def test_a_thousand_long_labels_cost_no_other_one() -> None:
    labels = {f"noise{n}": "z" * 1_000_000 for n in range(1000)} | {"room": "main", "alertname": "Slow"}
    kept = within_bounds(labels)
    assert (kept["alertname"], kept["room"]) == ("Slow", "main")
    assert sum(len(name) + len(value) for name, value in environment({}, kept).items()) < 300_000


async def test_what_left_the_group_of_a_script_is_ended_at_the_timeout_all_the_same(tmp_path: Path) -> None:
    script = f"trap '' TERM\nsetsid sleep 60 & echo $! > {tmp_path}/pid\nwait"
    with pytest.raises(ActionError, match="took longer than"):
        await run_script(step(script, timeout="500ms"), {}, {})
    assert await gone(await pid_in(tmp_path / "pid"))


async def test_what_a_failed_script_leaves_behind_is_ended(tmp_path: Path) -> None:
    with pytest.raises(ActionError, match="ended with 3"):
        await run_script(step(f"sleep 60 & echo $! > {tmp_path}/pid\nexit 3"), {}, {})
    assert await gone(await pid_in(tmp_path / "pid"))
