"""Action: one thing that a `command` fault does or looks at: a program, an HTTP request, or a pause.

An action is written as a list of words, as `{run: [...]}` with what is expected of it, as `{http: {...}}`, or as
`{pause: 2s}`. Several of them are a list of these.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from chaos.acting.environment import filled, for_shell, missing
from chaos.acting.program import found, run
from chaos.clients.plain_http import ask
from flashcrowd import masking
from flashcrowd.addresses import HttpUrl, UrlPath
from flashcrowd.dial import pinned, place_of
from flashcrowd.documents import Model
from flashcrowd.errors import InputError, NeedError
from flashcrowd.units import Duration, format_duration

if TYPE_CHECKING:
    from flashcrowd.guard import Guard

LONGEST = 60.0
"""Seconds that one action may take."""

Statuses = Literal["any", "2xx"] | Annotated[list[int], Field(min_length=1)]


@dataclass(frozen=True)
class Setting:
    """For whom something is done: the fault's identity and component, the folder, and the longest time in seconds.

    admin: the component's own address for such requests, if it has one.
    """

    identity: str
    on: str
    folder: str
    timeout: float
    admin: str | None = None

    def environment(self, step: str) -> dict[str, str]:
        return {
            **({"FLASHCROWD_ADMIN": self.admin} if self.admin is not None else {}),
            "FLASHCROWD_FAULT_ID": self.identity,
            "FLASHCROWD_COMPONENT": self.on,
            "FLASHCROWD_FAULT_STEP": step,
        }


class _Expecting(Model):
    """matches: a regular expression that is found in its output or body. timeout: its own, in seconds."""

    matches: str | None = None
    timeout: Annotated[Duration, Field(gt=0, le=LONGEST)] | None = None

    @field_validator("matches")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"'{pattern}' is not a regular expression: {error}") from None
        return pattern

    def judge(self, what: str, status: int, expected: Statuses, text: str, said: str) -> str:
        """What to say of an end that was expected. Raises NeedError for one that wasn't."""
        words = masking.of_process()(f"{what}{f': {said}' if said else ''}")
        if not (expected == "any" or (200 <= status < 300 if expected == "2xx" else status in expected)):
            raise NeedError(words)
        if self.matches is not None and not re.search(self.matches, text):
            raise NeedError(f"{words}; nothing in it matches {self.matches}")
        return words


class Run(_Expecting):
    """A program, without a shell. status: the exit statuses that are expected."""

    run: Annotated[list[str], Field(min_length=1)]
    status: Statuses = [0]

    def obstacle(self) -> str | None:
        """Why it can't be run here; None when it can."""
        if (unset := missing(self.run)) is not None:
            return unset
        program = filled(self.run[0])
        if found(program) is None:
            return f"there is no program {program} on PATH; install it, or write its path"
        return None

    async def pinned(self, guard: Guard, place: str, admin: str | None = None) -> Run:
        return self

    async def perform(self, setting: Setting, step: str) -> str:
        ended = await run(filled(self.run), setting.folder, setting.environment(step), self.timeout or setting.timeout)
        return self.judge(f"{self} ended with {ended.status}", ended.status, self.status, ended.stdout, ended.said)

    def by_hand(self, setting: Setting, step: str) -> str:
        variables = [f"{name}={shlex.quote(value)}" for name, value in setting.environment(step).items()]
        words = " ".join(["env", *variables, *map(for_shell, self.run)])
        return f"(cd {shlex.quote(setting.folder)} && {words})"

    def __str__(self) -> str:
        return shlex.join(self.run)


class Request(Model):
    """What is sent: `json` or `text`, if anything, to a `url`, or to a `path` below the component's `admin` address.

    `${env.NAME}` in any of it is a variable of the environment.
    """

    method: Annotated[str, Field(pattern="^[A-Z]+$")] = "POST"
    url: HttpUrl | None = None
    path: UrlPath | None = None
    headers: dict[str, str] = {}
    body: Annotated[Any, Field(alias="json")] = None
    text: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Request:
        if (self.url is None) == (self.path is None):
            raise ValueError("wants either url, or the path of a request to the component's own admin address")
        return self

    @property
    def place(self) -> str:
        """Where it goes, as far as is known."""
        return self.url or self.path or ""

    def curl(self) -> str:
        """The command that sends the same."""
        words = ["curl", "-sS", "-X", self.method]
        sent = {**({"Content-Type": "application/json"} if self.body is not None else {}), **self.headers}
        for name, value in sent.items():
            words += ["-H", for_shell(f"{name}: {value}")]
        if (body := self.sent) is not None:
            words += ["--data-raw", for_shell(body)]
        return " ".join([*words, for_shell(self.place)])

    @property
    def sent(self) -> str | None:
        """The body as text."""
        return json.dumps(self.body) if self.body is not None else self.text


class Http(_Expecting):
    """An HTTP request. status: the answers that are expected."""

    http: Request
    status: Statuses = "2xx"

    def obstacle(self) -> str | None:
        """Why it can't be sent; None when it can."""
        return missing(self.http.model_dump())

    async def pinned(self, guard: Guard, place: str, admin: str | None = None) -> Http:
        """The same to the address that the guard has checked, for the name that it was written with.

        admin: the component's own address, for a path.

        Raises:
            GuardError: it may not be touched.
        """
        written = self.http.url or f"{(admin or '').rstrip('/')}{self.http.path}"
        guard.check_url(written, place)
        url = await pinned(guard, written, place)
        if url == self.http.url:
            return self
        host, port = place_of(written)
        headers = {**({"Host": f"{host}:{port}"} if url != written else {}), **self.http.headers}
        update = {"url": url, "path": None, "headers": headers}
        return self.model_copy(update={"http": self.http.model_copy(update=update)})

    async def perform(self, setting: Setting, step: str) -> str:
        sent = self.http
        body = filled(sent.body) if sent.body is not None else filled(sent.text or "").encode() or None
        try:
            answer = await ask(
                sent.method, filled(sent.place), self.timeout or setting.timeout, body, filled(sent.headers)
            )
        except OSError as error:
            raise NeedError(masking.of_process()(str(error))) from None
        text = answer.body.decode(errors="replace")
        return self.judge(f"{self} answered {answer.status}", answer.status, self.status, text, text.strip()[-300:])

    def by_hand(self, setting: Setting, step: str) -> str:
        return self.http.curl()

    def __str__(self) -> str:
        return f"{self.http.method} {self.http.place}"


class Pause(Model):
    """Nothing, for so many seconds."""

    pause: Duration

    def obstacle(self) -> str | None:
        return None

    async def pinned(self, guard: Guard, place: str, admin: str | None = None) -> Pause:
        return self

    async def perform(self, setting: Setting, step: str) -> str:
        await asyncio.sleep(self.pause)
        return str(self)

    def by_hand(self, setting: Setting, step: str) -> str:
        return f"sleep {self.pause:g}"

    def __str__(self) -> str:
        return f"a pause of {format_duration(self.pause)}"


Action = Run | Http | Pause


def _actions(given: object) -> object:
    """One action or several, each short or long, as a list of the long ones."""
    if isinstance(given, Sequence) and given and all(isinstance(word, str) for word in given):
        return [{"run": given}]
    rows = given if isinstance(given, list | tuple) else [given]
    return [{"run": row} if isinstance(row, list | tuple) else row for row in rows]


def _by_its_field(row: object) -> object:
    """One action by the field that says what it is, so that what is wrong in it is told with its place."""
    if isinstance(row, Model):
        return row
    for name, model in (("run", Run), ("http", Http), ("pause", Pause)):
        if isinstance(row, dict) and name in row:
            return model.model_validate(row)
    raise ValueError("wants a list of words, {run: [...]}, {http: {...}} or {pause: 2s}")


Actions = Annotated[
    list[Annotated[Action, BeforeValidator(_by_its_field)]], Field(min_length=1), BeforeValidator(_actions)
]
"""A pydantic field of one action or several."""


def pauses(actions: Sequence[Action]) -> float:
    """Seconds of all their pauses."""
    return sum(one.pause for one in actions if isinstance(one, Pause))


def obstacles(actions: Sequence[Action]) -> Iterator[str]:
    """Why some of them can't be done here."""
    return (reason for one in actions if (reason := one.obstacle()) is not None)


async def perform(actions: Sequence[Action], setting: Setting, step: str) -> str:
    """Do all of them, in turn; what the last one said. Raises NeedError at the first that isn't as expected."""
    said = ""
    for one in actions:
        said = await one.perform(setting, step)
    return said


async def past_errors(actions: Sequence[Action], setting: Setting, step: str) -> None:
    """Do all of them, whatever becomes of those before. Raises NeedError with every failure."""
    failures = []
    for one in actions:
        try:
            await one.perform(setting, step)
        except (NeedError, InputError) as error:
            failures.append(str(error))
    if failures:
        raise NeedError("; ".join(failures))
