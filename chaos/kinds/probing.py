"""Probing: a component's own `probe` URL, asked to see what a fault does to it."""

from __future__ import annotations

import time

from chaos.clients import plain_http


async def milliseconds(url: str | None, timeout: float) -> float | None:
    """How long the answer takes; None where nothing is asked, or nobody answers in time (seconds)."""
    if url is None:
        return None
    start = time.monotonic()
    try:
        await plain_http.ask("GET", url, timeout)
    except OSError:
        return None
    return round((time.monotonic() - start) * 1000, 1)
