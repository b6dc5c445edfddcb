"""Toxiproxy: the client of its HTTP API, for our own proxy and a user's real one alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from flashcrowd.documents import did_you_mean
from flashcrowd.errors import NeedError

TIMEOUT = 5.0


class NothingThereError(NeedError):
    """Nothing listens where the API was: the connection was refused."""


@dataclass(frozen=True)
class Listener:
    """Where a proxy's clients connect."""

    host: str
    port: int


class Toxiproxy:
    """The API at a base URL. Every call raises NothingThereError when it refuses, NeedError when it answers badly."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    async def listener(self, proxy: str) -> Listener:
        """Where a proxy listens; one that listens on every address is met where its API is.

        Raises:
            NeedError: there is no such proxy; says which there are.
        """
        found = (await self._ask("GET", "/proxies")).json()
        if proxy not in found:
            raise NeedError(f"no proxy '{proxy}' at {self._url}{did_you_mean(proxy, found)}")
        host, _, port = str(found[proxy]["listen"]).rpartition(":")
        host = host.strip("[]")
        return Listener(urlsplit(self._url).hostname or host if host in ("", "::", "0.0.0.0") else host, int(port))

    async def add(
        self,
        proxy: str,
        toxic: str,
        kind: str,
        stream: str,
        toxicity: float,
        attributes: Mapping[str, Any],
        ttl: float | None = None,
    ) -> None:
        """Add a toxic of a kind (Toxiproxy's `type`) to a proxy's connections, to a share of them (toxicity).

        ttl: seconds after which our own proxy forgets it by itself; a Toxiproxy takes no notice of that.
        """
        body = {"name": toxic, "type": kind, "stream": stream, "toxicity": toxicity, "attributes": dict(attributes)}
        answer = await self._ask(
            "POST", f"/proxies/{quote(proxy, '')}/toxics", {**body, **({"ttl": ttl} if ttl else {})}
        )
        if answer.status_code != 200:
            raise self._refused(answer)

    async def has(self, proxy: str, toxic: str) -> bool:
        """Whether the toxic is there; a proxy that isn't there has none."""
        return (await self._ask("GET", self._toxic(proxy, toxic))).status_code == 200

    async def remove(self, proxy: str, toxic: str) -> None:
        """Remove a toxic, if it is there."""
        answer = await self._ask("DELETE", self._toxic(proxy, toxic))
        if answer.status_code not in (204, 404):
            raise self._refused(answer)

    def by_hand(self, proxy: str, toxic: str) -> str:
        """The command that removes a toxic."""
        return f"curl -X DELETE '{self._url}{self._toxic(proxy, toxic)}'"

    def _toxic(self, proxy: str, toxic: str) -> str:
        return f"/proxies/{quote(proxy, '')}/toxics/{quote(toxic, '')}"

    async def _ask(self, verb: str, path: str, body: object = None) -> httpx.Response:
        verify = self._url.startswith("https")  # loading certificates takes 20 ms, and the reverter is in a hurry
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT, trust_env=False, verify=verify) as client:
                answer = await client.request(verb, self._url + path, json=body)
        except httpx.HTTPError as error:
            if _is_refusal(error):
                raise NothingThereError(f"nothing listens at {self._url}; start the proxy") from None
            raise NeedError(f"no answer from {self._url}: {str(error) or type(error).__name__}") from None
        if answer.status_code >= 500:
            raise self._refused(answer)
        return answer

    def _refused(self, answer: httpx.Response) -> NeedError:
        return NeedError(f"{answer.request.method} {answer.request.url} was answered with {answer.text.strip()}")


def _is_refusal(error: BaseException | None) -> bool:
    """Whether every address that was tried refused the connection."""
    if error is None or isinstance(error, ConnectionRefusedError):
        return error is not None
    if isinstance(error, BaseExceptionGroup):
        return all(_is_refusal(one) for one in error.exceptions)
    return _is_refusal(error.__cause__ or error.__context__)
