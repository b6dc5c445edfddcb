"""`http_delay`: some requests reach the upstream later. No type of Toxiproxy's."""

from __future__ import annotations

import random

from pydantic import Field

from chaos.proxy.http.rules import Holds


class HttpDelay(Holds):
    """A `share` of the requests goes on `delay` ± `jitter` milliseconds after its head was there.

    What comes behind it on the same connection waits behind it.
    """

    delay: int = Field(0, ge=0)
    jitter: int = Field(0, ge=0)

    def seconds(self) -> float:
        return max(0.0, self.delay + random.uniform(-self.jitter, self.jitter)) / 1000
