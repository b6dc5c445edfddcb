"""A process that follows a runbook is ended by SIGKILL in the middle of a mitigation; then a person starts again."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
import pytest_asyncio
from command_line import CommandLine
from typer.testing import CliRunner

import cli
from flashcrowd.errors import FlashcrowdError
from flashcrowd.process import Supervisor
from monitors import server as prometheus_server
from runbooks.records import read

STEPS = {
    "Diagnosis": 'Is it slow?\n\n```promql {"step": "slow", "expect": "> 0.3"}\nvector(0.8)\n```',
    "Verification": 'Quick?\n\n```promql {"step": "quick", "expect": "< 0.1", "timeout": "5s"}\nvector(0.01)\n```',
    "Rollback": "\n\n".join(
        f'```http {{"step": "undo-{name}"}}\nPOST ${{shop.admin}}/undo-{name}\n```' for name in ("one", "two")
    ),
}


def mitigation(second: str) -> str:
    return f'```http {{"step": "one", "undo": "undo-one"}}\nPOST ${{shop.admin}}/one\n```\n\n{second}'


def http(**settings: Any) -> str:
    given = json.dumps({"step": "two", "undo": "undo-two", "timeout": "30s", **settings})
    return mitigation(f"```http {given}\nPOST ${{shop.admin}}/two\n```")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def metrics(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    async with Supervisor(folder) as supervisor:
        yield await prometheus_server.start(supervisor, folder / "it", {})


class Ran(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


class Platform:
    """A platform, a page and a target file; `two` is answered only when the test says so."""

    def __init__(self, folder: Path, server: Any, page: Callable[..., str], metrics: str) -> None:
        self.folder, self.server, self._page = folder, server, page
        self.cli = CommandLine(folder)
        self.begun, self.answer = threading.Event(), threading.Event()
        server.acting = self._acting
        (folder / "staging.yaml").write_text(
            "apiVersion: flashcrowd/v1\nkind: Target\nmetadata: {name: staging}\n"
            "spec:\n  environment: staging\n  max_viewers: 1\n  allow_hosts: [127.0.0.1]\n"
            f"  prometheus: {{url: '{metrics}'}}\n"
            f"  components: {{shop: {{admin: '{server.url}'}}}}\n"
        )

    def _acting(self, path: str) -> None:
        if path == "/two":
            self.begun.set()
            self.answer.wait(20)

    def write(self, mitigation: str) -> None:
        (self.folder / "slow.md").write_text(self._page({**STEPS, "Mitigation": mitigation}))

    @property
    def words(self) -> list[str]:
        return ["runbook", "run", "./slow.md", "--target", "staging.yaml", "--out", "audits"]

    def start(self, *more: str) -> subprocess.Popen[str]:
        return self.cli.start(*self.words, *more)

    def run(self, *more: str) -> Ran:
        """A later start; in this process, as that takes a tenth of the time."""
        ended = CliRunner().invoke(cli.main, [*self.words, *more])
        if isinstance(ended.exception, FlashcrowdError):
            return Ran(ended.exception.exit_code, ended.stdout, str(ended.exception))
        assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
        return Ran(ended.exit_code, ended.stdout, ended.stderr)

    @property
    def audit(self) -> Path:
        """The first run's."""
        return min((self.folder / "audits").glob("*.jsonl"))

    def kill_in_the_second(self, mitigation: str, begun: Callable[[], bool] | None = None) -> None:
        """Start a run and kill it, and nothing else, while its second step is under way."""
        self.write(mitigation)
        process = self.start("--execute", "--yes")
        until = time.monotonic() + 30
        while not (begun or self.begun.is_set)():
            assert process.poll() is None and time.monotonic() < until, process.communicate()
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        self.answer.set()

    def cut_in_the_second(self, mitigation: str) -> None:
        """The same, as far as the audit tells: a whole run, and its audit cut where the second step begins."""
        self.write(mitigation)
        self.answer.set()
        assert self.run("--execute", "--yes").returncode == 0
        lines = self.audit.read_text().splitlines(keepends=True)
        begun = next(n for n, line in enumerate(lines) if '"kind": "start"' in line and '"step": "two"' in line)
        self.audit.write_text("".join(lines[: begun + 1]))


@pytest.fixture
def platform(
    tmp_path: Path, server: Any, page: Callable[..., str], metrics: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Platform]:
    monkeypatch.chdir(tmp_path)
    made = Platform(tmp_path, server, page, metrics)
    yield made
    made.answer.set()
    made.cli.clean_up()


def test_the_next_start_says_what_was_done_and_a_rollback_takes_it_back_in_reverse(platform: Platform) -> None:
    platform.kill_in_the_second(http())
    again = platform.run("--execute", "--yes")
    assert (again.returncode, again.stdout) == (2, "")
    assert "slow was cut off: begun by" in again.stderr
    assert "done           slow (matched), one\n" in again.stderr
    assert "under way      two: nobody knows how far it came\n" in again.stderr
    assert "one, undone by undo-one\n" in again.stderr
    for word in ("--resume", "--rollback"):
        assert f"{word} audits/{platform.audit.name}\n" in again.stderr
    resumed = platform.run("--resume", str(platform.audit), "--yes")
    assert (resumed.returncode, resumed.stdout) == (2, "")
    assert "nobody knows how far two came, and doing it twice might do harm" in resumed.stderr
    assert platform.server.paths == ["/one", "/two"]
    back = platform.run("--rollback", str(platform.audit))
    assert (back.returncode, back.stderr) == (0, "")
    assert back.stdout.endswith("taken back: asked to take it back\n")
    assert platform.server.paths == ["/one", "/two", "/undo-two", "/undo-one"]
    assert "nothing of the run in" in platform.run("--rollback", str(platform.audit)).stderr
    assert platform.run("--execute", "--yes").returncode == 0


def test_resuming_finishes_without_doing_a_finished_step_twice(platform: Platform) -> None:
    platform.kill_in_the_second(http(idempotent=True))
    resumed = platform.run("--resume", str(platform.audit))
    assert (resumed.returncode, resumed.stderr) == (0, "")
    assert "done before: slow, one" in resumed.stdout
    assert resumed.stdout.endswith("recovered: quick: 0.01, as expected < 0.1\n")
    assert platform.server.paths == ["/one", "/two", "/two"]
    (record,) = read(platform.audit)
    assert (record.outcome, record.in_place) == ("recovered", {"one": "undo-one", "two": "undo-two"})
    ended = platform.run("--resume", str(platform.audit))
    assert "has ended (recovered); there is nothing to go on with" in ended.stderr


def test_a_killed_script_leaves_nothing_that_goes_on_after_the_rollback(platform: Platform) -> None:
    pid = platform.folder / "pid"
    script = f"(trap '' TERM HUP; setsid sleep 300 & echo $! > {pid}; wait)"
    step = f'```sh {{"step": "two", "undo": "undo-two", "timeout": "1m"}}\n{script}\n```'
    platform.kill_in_the_second(mitigation(step), lambda: pid.exists() and pid.read_text().endswith("\n"))
    assert alive(int(pid.read_text())), "the kernel ends the shell alone"
    back = platform.run("--rollback", str(platform.audit))
    assert (back.returncode, platform.server.paths) == (0, ["/one", "/undo-two", "/undo-one"])
    assert "processes that its script had left were ended" in back.stdout
    assert not alive(int(pid.read_text()))


def alive(pid: int) -> bool:
    """Whether it runs; one that is dead and waits to be reaped doesn't."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_two_processes_do_not_follow_the_same_run(platform: Platform) -> None:
    platform.write(http())
    first = platform.start("--execute", "--yes")
    assert platform.begun.wait(30)
    resumed = platform.run("--resume", str(platform.audit))
    assert (resumed.returncode, resumed.stderr.count("another process is following the run")) == (2, 1)
    second = platform.run("--execute", "--yes")
    assert second.returncode == 2
    assert f"slow is being followed by {read(platform.audit)[0].who} now (process {first.pid}" in second.stderr
    platform.answer.set()
    out, err = first.communicate(timeout=60)
    assert (first.returncode, err, out.splitlines()[-1]) == (0, "", "recovered: quick: 0.01, as expected < 0.1")
    assert platform.server.paths == ["/one", "/two"]


@pytest.mark.parametrize(
    ("word", "text"), [("page", "the steps of slow.md have changed"), ("target", "shop.admin was")]
)
def test_another_page_or_platform_is_not_gone_on_with(platform: Platform, word: str, text: str) -> None:
    platform.cut_in_the_second(http(idempotent=True))
    if word == "page":
        platform.write(http(idempotent=True, timeout="31s"))
    else:
        target = platform.folder / "staging.yaml"
        target.write_text(target.read_text().replace(platform.server.url, f"{platform.server.url}/v2"))
    for way in ("--resume", "--rollback"):
        ended = platform.run(way, str(platform.audit))
        assert ended.returncode == 2
        assert text in ended.stderr
    assert platform.server.paths == ["/one", "/two"]


def test_a_new_run_can_be_begun_and_the_old_one_still_taken_back(platform: Platform) -> None:
    platform.cut_in_the_second(http())
    old = platform.audit
    fresh = platform.run("--execute", "--yes", "--anew")
    assert fresh.returncode == 0
    assert "an earlier run ended early and left in place one, two" in fresh.stdout
    assert platform.run("--execute", "--yes").returncode == 0, "it is not asked about again"
    assert platform.run("--rollback", str(old)).returncode == 0
    assert platform.server.paths[-2:] == ["/undo-two", "/undo-one"]


class Person:
    """Somebody at a terminal of 80 columns."""

    def __init__(self, platform: Platform, *more: str) -> None:
        person, program = pty.openpty()
        self._end, self.seen = person, ""
        command = ["stty", "cols", "80", "rows", "24"]
        subprocess.run(command, stdin=program, check=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cli", *platform.words, *more],
            env={**platform.cli.env, "TERM": "xterm"},
            cwd=platform.folder,
            stdin=program,
            stdout=program,
            stderr=program,
            start_new_session=True,
        )
        os.close(program)

    def reads(self, words: str) -> None:
        """Until these words are on the screen."""
        until = time.monotonic() + 30
        while words not in self.seen:
            assert time.monotonic() < until, self.seen
            self._read()

    def types(self, words: str) -> None:
        os.write(self._end, f"{words}\n".encode())

    def leaves(self) -> int:
        """The exit code; whoever is gone can't be asked."""
        while self._read():
            pass
        os.close(self._end)
        return self._process.wait(30)

    def _read(self) -> bool:
        if not select.select([self._end], [], [], 30)[0]:
            return False
        try:
            data = os.read(self._end, 65_536)
        except OSError:  # the program has ended
            return False
        self.seen += data.decode().replace("\r\n", "\n")
        return bool(data)


def test_on_a_terminal_a_person_resumes_and_says_what_was_done(platform: Platform) -> None:
    platform.kill_in_the_second(http())
    for answers, code in (({"[q]uit  [?] ": "q"}, 130), ({"[q]uit  [?] ": "r", "[d]one, go on": "d"}, 0)):
        person = Person(platform, "--execute")
        for question, answer in answers.items():
            person.reads(question)
            person.types(answer)
        assert person.leaves() == code
        assert max(map(len, person.seen.splitlines())) <= 80
    assert "recovered: quick" in person.seen
    assert platform.server.paths == ["/one", "/two"]
