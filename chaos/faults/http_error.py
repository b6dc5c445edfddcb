"""`http.error`: some requests through a link are answered with an error, and don't get through.

    {kind: http.error, on: inventory, status: 503, share: 30 %, path: /orders, for: 60s}

Needs: a `link` on the component that speaks HTTP/1.1, through flashcrowd's own proxy.

Bites: when requests of our own, for the link's probe, are answered with the status where `path` fits the probe; else
when the proxy has answered one of the platform's own within five seconds.

Heals: the toxic, which carries the fault's own name, is removed.

Holds: the proxy forgets the toxic a second after the fault's time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaos.kinds.asking import Answer
from chaos.kinds.request_fault import RequestFault, RequestInjection
from chaos.kinds.toxic_fault import ToxicInjection


class ErrorInjection(RequestInjection):
    """An http_error toxic."""

    struck: ClassVar[str] = "answered"

    def shows(self, answer: Answer, before: Answer) -> bool:
        return answer.status != before.status and answer.status == int(self.attributes["status"])

    def figures(self, answers: Sequence[Answer], before: Answer) -> tuple[str, dict[str, float | bool | None]]:
        status = answers[0].status
        text = f"answered with {status}" if status else f"{self.question} isn't answered"
        return text, {"status": status, "before": before.status}


class HttpError(RequestFault):
    """A `status` and `body` instead of what the component would have said. retry_after: seconds, as a header."""

    kind: Literal["http.error"] = "http.error"
    status: Annotated[int, Field(ge=400, le=599)] = 503
    body: str = ""
    retry_after: Annotated[int | None, Field(ge=0)] = None

    injection: ClassVar[type[ToxicInjection]] = ErrorInjection

    def does(self) -> tuple[str, Mapping[str, int | float | str]]:
        again = {} if self.retry_after is None else {"retry_after": self.retry_after}
        return "http_error", {"status": self.status, "body": self.body, **again}

    def what(self) -> str:
        return str(self.status)
