"""Distribution: what a load of many processes needs beside Locust's own master and workers.

    worker ──report, each second: tally, process, fresh history (from other machines)──► master
           ◄──── configuration, on demand ──── inherit: identities of a lost worker ─────

A worker that ends or falls silent is noticed here: by its process where it is a sibling of ours (within a second), else
by its heartbeats. It is named in the result, its identities go to the others, and Locust's own rebalancing lets these
start its viewers anew. What it reported counts once, as reported; what it did after its last report, is lost.
"""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

import gevent  # type: ignore[import-untyped]
from gevent.event import Event  # type: ignore[import-untyped]
from locust import runners

from flashcrowd.template import names
from loadtests import entries, history
from loadtests.config import CONNECT_FROM, FAMILY, FOLDER, WORKER, LoadConfig
from loadtests.metrics import Reports

LIVENESS = 20
"""Seconds of silence after which a worker on another machine is lost. Locust's 3 are over before many processes that
start at once on few cores have had a turn each; a sibling's end is seen at once anyway."""

_EVIDENCE = {"history": history.file_of, "draws": entries.file_of}
"""Records that come from other machines with a worker's reports, and the file of each worker's."""

_WATCH = 0.5
_ASK = 1.0
_ASKS = 60
_WANTED, _CONFIG, _INHERIT = "flashcrowd.wanted", "flashcrowd.config", "flashcrowd.inherit"
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class LostWorker:
    """A worker that ended or fell silent while the load ran. viewers: how many it held, by its last report."""

    name: str
    viewers: int
    reason: str


class Roll:
    """The workers as the master knows them."""

    def __init__(self, runner: runners.MasterRunner, config: LoadConfig, reports: Reports) -> None:
        self._runner, self._config, self._reports = runner, config, reports
        self._about: dict[str, dict[str, Any]] = {}
        self._rows: dict[str, list[tuple[int, int]]] = {}
        self._gone = set[str]()
        self.lost: list[LostWorker] = []
        runners.HEARTBEAT_LIVENESS = LIVENESS
        for client in runner.clients.all:
            client.heartbeat = LIVENESS
        runner.register_message(_WANTED, self._tell)
        runner.greenlet.spawn(self._watch)

    def report(self, client_id: str, data: dict[str, Any]) -> None:
        """Take a worker's report; one that has no configuration yet has nothing to say."""
        if "flashcrowd" not in data:
            return
        self._reports.add(client_id, data["flashcrowd"])
        about = self._about[client_id] = data["flashcrowd_worker"]
        for kind, file_of in _EVIDENCE.items():
            if fresh := about.pop(kind, ""):
                path = file_of(self._config.folder, self._index(client_id))
                with path.open("a", encoding="utf-8") as evidence:
                    evidence.write(fresh)

    def as_dicts(self) -> list[dict[str, Any]]:
        return [asdict(one) for one in self.lost]

    def _tell(self, msg: Any, **_: Any) -> None:
        """Answer a worker from another machine, which has no run directory to read the configuration from."""
        self._runner.send_message(_CONFIG, {"json": self._config.model_dump_json(by_alias=True)}, msg.node_id)

    def _watch(self) -> None:
        while True:
            gevent.sleep(_WATCH)
            if self._runner.state not in (runners.STATE_SPAWNING, runners.STATE_RUNNING, runners.STATE_STOPPING):
                continue
            for client in self._runner.clients.all:
                if client.id in self._gone:
                    self._send_away(client)
                elif (reason := self._fault(client)) is not None:
                    self._lose(client, reason)

    def _fault(self, client: Any) -> str | None:
        about = self._about.get(client.id, {})
        if about.get("family") and about["family"] == os.environ.get(FAMILY) and not _lives(about["pid"]):
            return "ended"
        return f"was silent for {LIVENESS} s" if client.heartbeat <= 0 else None

    def _lose(self, client: Any, reason: str) -> None:
        name = self._about.get(client.id, {}).get("name", client.id)
        viewers = sum(client.user_classes_count.values())
        self.lost.append(LostWorker(name, viewers, reason))
        self._gone.add(client.id)
        self._reports.lose(client.id)
        _LOGGER.warning("%s %s, with %d viewers", name, reason, viewers)
        self._bequeath(client.id)
        client.heartbeat = -1  # at its next look, Locust takes it for missing, and rebalances

    def _bequeath(self, lost: str) -> None:
        heirs = [client.id for client in self._runner.clients.all if client.id not in self._gone]
        if not heirs:
            gevent.spawn(self._runner.quit)
        for first, step in self._rows.pop(lost, [self._share(lost)]):
            for number, heir in enumerate(heirs):
                part = (first + number * step, step * len(heirs))
                self._rows.setdefault(heir, [self._share(heir)]).append(part)
                self._runner.send_message(_INHERIT, {"rows": part}, heir)

    def _share(self, client_id: str) -> tuple[int, int]:
        return self._index(client_id), self._config.workers

    def _index(self, client_id: str) -> int:
        index: int = self._runner.get_worker_index(client_id)  # type: ignore[no-untyped-call]
        return index

    def _send_away(self, client: Any) -> None:
        """It was given up, and is back: the others have its viewers, so it has to go."""
        if client.heartbeat > 0 and client.state != runners.STATE_MISSING:
            self._runner.send_message("quit", None, client.id)


class Membership:
    """A worker's side: what it adds to its reports, and the rows of identities that it inherits."""

    def __init__(self, runner: runners.WorkerRunner, config: LoadConfig, inherit: Any) -> None:
        self._about = {
            "name": os.environ.get(WORKER, f"worker {runner.worker_index}"),
            "pid": os.getpid(),
            "family": os.environ.get(FAMILY, ""),
        }
        self._evidence: dict[str, TextIO] = {}
        if FAMILY not in os.environ:
            files = {kind: file_of(config.folder, runner.worker_index) for kind, file_of in _EVIDENCE.items()}
            self._evidence = {kind: file.open(encoding="utf-8") for kind, file in files.items() if file.exists()}
        runner.register_message(_INHERIT, lambda msg, **_: inherit(*msg.data["rows"]))

    def report(self, data: dict[str, Any]) -> None:
        """Add to a report. From another machine its records go with it: the master writes them down."""
        data["flashcrowd_worker"] = {**self._about, **{kind: file.read() for kind, file in self._evidence.items()}}


def fetch(runner: runners.WorkerRunner) -> LoadConfig:
    """The load's configuration, from the master; viewers wait for it. Ends the process where it is of no use."""
    answer, arrived, held = dict[str, Any](), Event(), list[Any]()

    def take(msg: Any, **_: Any) -> None:
        answer.update(msg.data)
        arrived.set()

    handle = runner.handle_message
    runner.handle_message = lambda msg: held.append(msg) if msg.type == "spawn" else handle(msg)  # type: ignore[method-assign]
    runner.register_message(_CONFIG, take)
    for _ in range(_ASKS):
        runner.send_message(_WANTED)
        if arrived.wait(_ASK):
            break
    else:
        sys.exit(f"the master gave no configuration in {_ASKS * _ASK:g} s; was it started by 'flashcrowd load run'?")

    def resume() -> None:
        del runner.handle_message
        for msg in held:
            runner.handle_message(msg)

    gevent.spawn(resume)  # after this process has been set up, which doesn't wait from here on
    return _here(LoadConfig.of(answer["json"]))


def _here(config: LoadConfig) -> LoadConfig:
    """The configuration as it is on this machine: with its own folder, source addresses and secrets."""
    target = config.target
    if target is not None:
        wanted = {name.removeprefix("env.") for name in names(target.model_dump_json()) if name.startswith("env.")}
        if absent := sorted(wanted - set(os.environ)):
            sys.exit(f"the target needs the environment variable {absent[0]}; set it on the worker's machine, too")
        addresses = [part for part in os.environ.get(CONNECT_FROM, "").split(",") if part]
        spec = target.spec.model_copy(update={"connect_from": addresses})
        target = target.model_copy(update={"spec": spec})
    return config.model_copy(update={"target": target, "folder": Path(os.environ[FOLDER])})


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
