"""Undo log: what has to be undone if we die, one JSON file a fault, on disk before the fault is.

It lies in `$FLASHCROWD_STATE/undo` (else `$XDG_STATE_HOME/flashcrowd/undo`, else `~/.local/state/flashcrowd/undo`).
A record is closed by its removal, and only after the fault was seen to be healed. There may be others on this machine:
of other users, and of whoever set another state folder.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from chaos.fault import Fault, Injection
from chaos.faults import KINDS
from chaos.kinds.processes import ProcessId, command_line
from flashcrowd.documents import Model
from flashcrowd.errors import NeedError
from flashcrowd.rundir import write_atomically

ROOM = 16 * 2**10
"""Bytes that must be free on the disk before anything is broken: several times a record's."""

LARGEST = 2**20
"""Bytes of a record that are read."""


class Record(Model):
    """How to undo one fault, and who holds it.

    fault, undo: the fault and its injection as JSON. injected_at, expires_at: unix seconds, of the record's making
    and of the end of the fault's `for`. run: the run directory's name. trouble: why healing failed, if it was tried.
    owner: the user id that its file belongs to, which is not written in it.
    """

    id: str
    kind: str
    on: str
    fault: dict[str, Any]
    undo: dict[str, Any]
    injector: ProcessId
    reverter: ProcessId
    injected_at: float
    expires_at: float
    run: str | None = None
    trouble: str | None = None
    owner: int = Field(default_factory=os.geteuid, exclude=True)

    @classmethod
    def new(cls, identity: str, fault: Fault, injection: Injection, reverter: ProcessId, run: str | None) -> Record:
        """The record of an injection that this process is about to make."""
        now = time.time()
        return cls(
            id=identity,
            kind=fault.kind,
            on=fault.on,
            fault=fault.model_dump(mode="json", by_alias=True),
            undo=injection.model_dump(mode="json"),
            injector=ProcessId.of(os.getpid()),
            reverter=reverter,
            injected_at=now,
            expires_at=now + fault.duration,
            run=run,
        )

    @property
    def expired(self) -> bool:
        return time.time() >= self.expires_at

    @property
    def stranger(self) -> str | None:
        """Whose it is, if neither ours nor root's: to undo it would run somebody else's words with our rights."""
        if self.owner in (os.geteuid(), 0):
            return None
        try:
            return pwd.getpwuid(self.owner).pw_name
        except KeyError:
            return f"user {self.owner}"

    def revive(self) -> tuple[Fault, Injection]:
        """The fault and its injection, ready to be healed. Raises ValueError when this version can't read them."""
        if self.kind not in KINDS:
            raise ValueError(f"no fault kind '{self.kind}' in this version")
        model = KINDS[self.kind]
        return model.model_validate(self.fault), model.injection.model_validate(self.undo)


@dataclass(frozen=True)
class Damaged:
    """A record that can't be read, and so a fault that may still be there."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"undo record {self.path} is damaged ({self.reason}); see what it broke, mend that, then remove the file"


class UndoLog:
    """The records in one folder. Several processes use it at once; each writes only its own faults' files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def default(cls) -> UndoLog:
        """The log of this user on this machine."""
        if state := os.environ.get("FLASHCROWD_STATE"):
            return cls(Path(state) / "undo")
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return cls(Path(base) / "flashcrowd" / "undo")

    @classmethod
    def everywhere(cls) -> list[UndoLog]:
        """The undo logs of this machine that we may read, our own first; ours alone where FLASHCROWD_STATE is set.

        They are those of every user's home, and those that a running reverter names on its command line.
        """
        own = cls.default()
        if os.environ.get("FLASHCROWD_STATE"):
            return [own]
        homes = [Path(user.pw_dir) / ".local" / "state" / "flashcrowd" / "undo" for user in pwd.getpwall()]
        folders = dict.fromkeys([own.folder, *homes, *_folders_of_reverters()])
        return [own, *(cls(folder) for folder in folders if folder != own.folder and _readable(folder))]

    def path(self, identity: str) -> Path:
        return self.folder / f"{identity}.json"

    def make(self) -> None:
        """Make the folder and try to write to it.

        Raises:
            NeedError: without it nothing may be broken.
        """
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            trial = self.folder / f".trial-{secrets.token_hex(4)}"
            write_atomically(trial, "x" * ROOM)
            trial.unlink()

    def write(self, record: Record) -> None:
        """Put a record on disk, for good: file and folder are fsynced.

        Raises:
            NeedError: it can't be written, so that nothing may be broken.
        """
        with self._writing():
            write_atomically(self.path(record.id), record.model_dump_json(indent=2) + "\n")
            self._sync()

    def note(self, record: Record, trouble: str) -> None:
        """Say in an open record why it could not be healed; one that was closed meanwhile stays closed."""
        if self.path(record.id).exists():
            self.write(record.model_copy(update={"trouble": trouble}))

    def close(self, identity: str) -> None:
        """Remove a record: its fault is healed. It may be gone already."""
        with self._writing():
            self.path(identity).unlink(missing_ok=True)
            self._sync()

    def read(self, path: Path) -> Record | Damaged | None:
        """One record; None when it has been closed."""
        try:
            text, owner = _read(path)
            record = Record.model_validate_json(text).model_copy(update={"owner": owner})
            record.revive()
        except FileNotFoundError:
            return None
        except OSError as error:
            return Damaged(path, f"can't be read: {error.strerror}")
        except ValidationError as error:
            first = error.errors()[0]
            return Damaged(path, f"{'.'.join(str(step) for step in first['loc'])}: {first['msg']}".removeprefix(": "))
        except ValueError as error:
            return Damaged(path, str(error))
        return record

    def all(self) -> list[Record | Damaged]:
        """What is open now, the oldest first, damaged ones at the end.

        Raises:
            NeedError: the folder can't be read.
        """
        try:
            paths = sorted(self.folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise NeedError(f"the undo log in {self.folder} can't be read: {error.strerror}") from None
        found = [self.read(path) for path in paths if path.suffix == ".json"]
        records = sorted((one for one in found if isinstance(one, Record)), key=lambda record: record.injected_at)
        return [*records, *(one for one in found if isinstance(one, Damaged))]

    def _sync(self) -> None:
        """Make what happened in the folder durable: a rename or removal alone needn't outlive a power cut."""
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise NeedError(
                f"the undo log can't be written in {self.folder} ({error.strerror}), and without it nothing is broken; "
                "set FLASHCROWD_STATE to a folder that can"
            ) from None


def _read(path: Path) -> tuple[bytes, int]:
    """A record's text, and whose file it is. Raises OSError, and ValueError if it is no file, or one without end."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
            raise ValueError("it is no file of a record's size")
        return file.read(LARGEST), found.st_uid


def _folders_of_reverters() -> Iterator[Path]:
    for process in Path("/proc").glob("[0-9]*"):
        words = command_line(int(process.name)).split(b"\0")
        if b"chaos.reverter" in words and b"--log" in words[:-1]:
            yield Path(os.fsdecode(words[words.index(b"--log") + 1]))


def _readable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)
