"""Chat: a message to a chat's incoming webhook (Slack's form, which many others read): {"text": ...}.

Only that URL is ever asked: no redirect, no proxy. It is a secret, as whoever has it can post.
"""

from __future__ import annotations

import asyncio

import httpx

from flashcrowd import masking
from flashcrowd.errors import InputError
from flashcrowd.masking import bounded
from flashcrowd.masking import of_process as mask
from flashcrowd.secret import read_env
from runbooks.page import printable
from runbooks.server.incident import Incident

TIMEOUT = 5.0
LONGEST = 2_000
MOST_WAITING = 50


class Chat:
    """A chat. What can't be posted is noted in the incident, and nothing waits for it."""

    def __init__(self, url: str) -> None:
        if not url.startswith(("https://", "http://")):
            raise InputError("the chat's webhook is no http:// or https:// URL")
        masking.learn([url])
        self._url, self._tasks = url, set[asyncio.Task[None]]()

    @classmethod
    def of_env(cls, name: str) -> Chat:
        """The chat whose URL is in this variable of the environment. Raises InputError when it has none."""
        return cls(read_env(name))

    def tell(self, incident: Incident) -> None:
        """Post how far an incident is."""
        if len(self._tasks) >= MOST_WAITING:
            incident.record("chat", "failed", why="too many messages are waiting")
            return
        task = asyncio.get_running_loop().create_task(self._post(incident, text(incident)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for what is being posted, a timeout at most."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=TIMEOUT)
        for task in self._tasks:
            task.cancel()

    async def _post(self, incident: Incident, message: str) -> None:
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client:
                answer = await client.post(self._url, json={"text": message})
            answer.raise_for_status()
            incident.record("chat", "posted")
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            incident.record("chat", "failed", why=bounded(mask()(str(error) or type(error).__name__), 500))


def text(incident: Incident) -> str:
    """The message: what fires, how far we are, where the evidence is. Nothing in it mentions people or links."""
    state = "closed" if not incident.is_open else incident.state.value.replace("_", " ")
    words = f"{incident.alert.name} · runbook {incident.runbook} · {state}\n{incident.note}\n{incident.run.path}"
    shown = printable(mask()(words)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return bounded(shown, LONGEST)
