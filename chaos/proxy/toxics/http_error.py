"""`http_error`: some requests don't reach the upstream, they are answered with an error. No type of Toxiproxy's."""

from __future__ import annotations

import json
from email.utils import formatdate
from http import HTTPStatus

from pydantic import Field

from chaos.proxy.http.messages import Message
from chaos.proxy.http.rules import Answers

NAME = "flashcrowd-proxy"
"""By what an answer of ours is told from the upstream's: its `Server` header."""


class HttpError(Answers):
    """A `share` of the requests is answered with `status` and `body`; the connection stays usable.

    retry_after: seconds, for the header of that name. A body that is JSON is labelled so.
    """

    status: int = Field(503, ge=400, le=599)
    body: str = ""
    retry_after: int | None = Field(None, ge=0)

    def answer(self, request: Message) -> bytes:
        body = self.body.encode()
        lines = [
            f"HTTP/1.1 {self.status} {_phrase(self.status)}",
            f"Date: {formatdate(usegmt=True)}",
            f"Server: {NAME}",
        ]
        if self.retry_after is not None:
            lines.append(f"Retry-After: {self.retry_after}")
        if body:
            lines.append(f"Content-Type: {'application/json' if _is_json(self.body) else 'text/plain; charset=utf-8'}")
        lines.append(f"Content-Length: {len(body)}")
        if not request.keep_alive:
            lines.append("Connection: close")
        elif request.old:
            lines.append("Connection: keep-alive")
        head = "".join(f"{line}\r\n" for line in (*lines, "")).encode()
        return head if request.method == "HEAD" else head + body


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
