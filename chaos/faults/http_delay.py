"""`http.delay`: some requests through a link get through later.

    {kind: http.delay, on: inventory, delay: 800ms, jitter: 100ms, share: 30 %, path: "/orders*", for: 60s}

Needs: a `link` on the component that speaks HTTP/1.1, through flashcrowd's own proxy.

Bites: when requests of our own, for the link's probe, take longer by half of the delay where `path` fits the probe;
else when the proxy has delayed one of the platform's own within five seconds.

Heals: the toxic, which carries the fault's own name, is removed; requests that it held go on at once.

Holds: the proxy forgets the toxic a second after the fault's time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from chaos.kinds.asking import Answer, median
from chaos.kinds.request_fault import RequestFault, RequestInjection
from chaos.kinds.toxic_fault import PATIENCE, ToxicInjection
from flashcrowd.units import Duration, format_duration


class DelayInjection(RequestInjection):
    """An http_delay toxic."""

    struck: ClassVar[str] = "delayed"

    @property
    def patience(self) -> float:
        return (self._delay_ms + float(self.attributes["jitter"])) / 1000 + PATIENCE

    def shows(self, answer: Answer, before: Answer) -> bool:
        return answer.first is not None and 1000 * (answer.first - (before.first or 0.0)) >= self._delay_ms / 2

    def figures(self, answers: Sequence[Answer], before: Answer) -> tuple[str, dict[str, float | bool | None]]:
        now = median(answers).first
        if now is None:
            return f"{self.question} isn't answered", {"p50_ms": None}
        return f"p50 {1000 * now:.0f} ms", {"p50_ms": round(1000 * now, 1)}

    @property
    def _delay_ms(self) -> float:
        return float(self.attributes["delay"])


class HttpDelay(RequestFault):
    """Requests that wait for `delay` ± `jitter` (seconds); what comes behind one on its connection waits, too."""

    kind: Literal["http.delay"] = "http.delay"
    delay: Annotated[Duration, Field(ge=0.001)]
    jitter: Annotated[Duration, Field(ge=0)] = 0.0

    injection: ClassVar[type[ToxicInjection]] = DelayInjection

    @model_validator(mode="after")
    def _jitter_fits(self) -> HttpDelay:
        if self.jitter > self.delay:
            raise ValueError(f"jitter {format_duration(self.jitter)} is more than delay {format_duration(self.delay)}")
        return self

    def does(self) -> tuple[str, Mapping[str, int | float | str]]:
        return "http_delay", {"delay": round(self.delay * 1000), "jitter": round(self.jitter * 1000)}

    def what(self) -> str:
        return f"{self.delay * 1000:.0f} ms{f' ± {self.jitter * 1000:.0f} ms' if self.jitter else ''}"
