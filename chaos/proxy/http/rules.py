"""Rules: which requests a toxic strikes, and what it does to one.

A toxic type of this kind is one of two: it holds requests back (Holds), or answers them itself (Answers).
"""

from __future__ import annotations

import random
from abc import abstractmethod
from collections import Counter
from fnmatch import fnmatchcase
from typing import ClassVar

from httptools import HttpParserInvalidURLError, parse_url
from pydantic import Field, PrivateAttr

from chaos.proxy.http.messages import Message
from chaos.proxy.toxic import Attributes, Receiver, Stage


class RequestAttributes(Attributes):
    """Strikes a `share` of the requests with this method (any, if none is given) whose path fits the pattern.

    path: a glob over the whole path as it was sent, without its query: `/orders` is this one path, `/orders/*`
    whatever is below it, `*` any. The toxic's `stream` makes no difference: a request and its answer go both ways.
    """

    did: ClassVar[str]
    """What is done to a request, as a word for the count of those to which it was."""

    share: float = Field(1.0, ge=0, le=1)
    path: str = Field("*", min_length=1)
    method: str | None = Field(None, pattern="^[A-Z-]+$")
    _count: Counter[str] = PrivateAttr(default_factory=Counter)

    @property
    def seen(self) -> dict[str, int]:
        """requests: all that came; matched: those of this method and path; not_http: connections it can't work on."""
        return {what: self._count[what] for what in ("requests", "matched", self.did, "not_http")}

    def strikes(self, request: Message) -> bool:
        """Whether this request is one of the share; to be asked once for each."""
        self.count("requests")
        if self.method not in (None, request.method) or not fnmatchcase(path_of(request.target), self.path):
            return False
        self.count("matched")
        return random.random() < self.share

    def count(self, what: str) -> None:
        """Count one more for `seen`."""
        self._count[what] += 1

    def stage(self, following: Receiver) -> Stage:
        """Lets all through: it isn't on the bytes of one direction that it works."""
        return Stage(following)


class Holds(RequestAttributes):
    """Requests go on later."""

    did: ClassVar[str] = "delayed"

    @abstractmethod
    def seconds(self) -> float:
        """For how long to hold one request, counted from its coming."""


class Answers(RequestAttributes):
    """Requests don't go on, they are answered here."""

    did: ClassVar[str] = "answered"

    @abstractmethod
    def answer(self, request: Message) -> bytes:
        """The whole answer; it ends the connection if the request wants that."""


def path_of(target: bytes) -> str:
    """The path of a request's target, whole URLs included; empty where there is none, as CONNECT has."""
    if not target.startswith((b"/", b"*")):
        try:
            target = parse_url(target).path or b"/"
        except HttpParserInvalidURLError:
            return ""
    return target.partition(b"?")[0].decode("latin-1")
