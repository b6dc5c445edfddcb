"""Probing: a component's own `probe` URL, asked to see what a fault does to it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime


@dataclass(frozen=True)
class Answer:
    """What came back. date: of its Date header, in unix seconds; None where it has none."""

    milliseconds: float
    status: int
    date: float | None


async def ask(url: str, timeout: float) -> Answer:
    """GET a URL over a connection of its own.

    Raises:
        OSError: it wasn't answered within the timeout (seconds); says why.
    """
    import httpx  # noqa: PLC0415 (a reverter that only has to heal needs none)

    start = time.monotonic()
    verify = url.startswith("https")
    try:
        async with httpx.AsyncClient(timeout=timeout, trust_env=False, verify=verify) as client:
            answer = await client.get(url, headers={"User-Agent": "flashcrowd"})
    except httpx.TimeoutException:
        raise OSError(f"no answer from {url} within {timeout:g} s") from None
    except httpx.HTTPError as error:
        raise OSError(f"no answer from {url}: {str(error) or type(error).__name__}") from None
    return Answer(round((time.monotonic() - start) * 1000, 1), answer.status_code, _date(answer.headers.get("date")))


async def milliseconds(url: str | None, timeout: float) -> float | None:
    """How long the answer takes; None where nothing is asked, or nobody answers in time."""
    if url is None:
        return None
    try:
        return (await ask(url, timeout)).milliseconds
    except OSError:
        return None


def _date(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text is not None else None
    except ValueError:
        return None
