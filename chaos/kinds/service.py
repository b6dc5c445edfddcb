"""Service: how a component answers at its own probe, for faults that are seen by what they do to it."""

from __future__ import annotations

from urllib.parse import urlsplit

from chaos.kinds.asking import Question
from flashcrowd.components import Component
from flashcrowd.dial import pinned, place_of
from flashcrowd.guard import Guard


async def question_of(component: Component, on: str, guard: Guard) -> Question | None:
    """The request that its probe is; None where it has none that is asked in plain HTTP.

    Raises:
        GuardError: the probe's host isn't allowed.
    """
    if component.probe is None:
        return None
    url = await pinned(guard, component.probe, place := f"components.{on}.probe")
    guard.check_url(url, place)
    parts = urlsplit(url)
    if parts.scheme != "http":
        return None
    host, port = place_of(url)
    query = f"?{parts.query}" if parts.query else ""
    return Question(host=host, port=port, path=f"{parts.path or '/'}{query}")


async def answered_in(question: Question | None, timeout: float) -> float | None:
    """Milliseconds of its median answer; None without a question, or when it isn't answered within so many seconds."""
    if question is None:
        return None
    answer = await question.typical(timeout)
    return None if answer is None or answer.first is None else round(1000 * answer.first, 1)
