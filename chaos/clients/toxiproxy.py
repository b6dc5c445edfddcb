"""Toxiproxy: the client of its HTTP API, for our own proxy and a user's real one alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from chaos.clients.plain_http import Answer, RefusedError, ask
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
        found = self._read(await self._ask("GET", "/proxies"))
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
        path = f"/proxies/{quote(proxy, '')}/toxics"
        answer = await self._ask("POST", path, {**body, **({"ttl": ttl} if ttl else {})})
        if answer.status != 200:
            raise self._refused("POST", path, answer)

    async def has(self, proxy: str, toxic: str) -> bool:
        """Whether the toxic is there; a proxy that isn't there has none."""
        return (await self._ask("GET", self._toxic(proxy, toxic))).status == 200

    async def seen(self, proxy: str, toxic: str) -> dict[str, int]:
        """What our own proxy has counted of a toxic that strikes requests; nothing where it isn't there."""
        answer = await self._ask("GET", self._toxic(proxy, toxic))
        return dict(self._read(answer).get("seen", {})) if answer.status == 200 else {}

    async def remove(self, proxy: str, toxic: str) -> None:
        """Remove a toxic, if it is there."""
        path = self._toxic(proxy, toxic)
        answer = await self._ask("DELETE", path)
        if answer.status not in (204, 404):
            raise self._refused("DELETE", path, answer)

    async def enabled(self, proxy: str) -> bool | None:
        """Whether the proxy takes connections; None when there is no such proxy."""
        answer = await self._ask("GET", f"/proxies/{quote(proxy, '')}")
        return bool(self._read(answer)["enabled"]) if answer.status == 200 else None

    async def enable(self, proxy: str, enabled: bool, ttl: float | None = None) -> None:
        """Have the proxy take connections, or close it; nothing to do when there is none of this name.

        ttl: seconds after which our own proxy, closed now, opens by itself.
        """
        body = {"enabled": enabled, **({"ttl": ttl} if ttl else {})}
        path = f"/proxies/{quote(proxy, '')}"
        answer = await self._ask("POST", path, body)
        if answer.status not in (200, 404):
            raise self._refused("POST", path, answer)

    def enabling_by_hand(self, proxy: str) -> str:
        """The command that enables a proxy."""
        return f"""curl -X POST -d '{{"enabled": true}}' '{self._url}/proxies/{quote(proxy, "")}'"""

    def by_hand(self, proxy: str, toxic: str) -> str:
        """The command that removes a toxic."""
        return f"curl -X DELETE '{self._url}{self._toxic(proxy, toxic)}'"

    def _toxic(self, proxy: str, toxic: str) -> str:
        return f"/proxies/{quote(proxy, '')}/toxics/{quote(toxic, '')}"

    async def _ask(self, verb: str, path: str, body: object = None) -> Answer:
        try:
            answer = await ask(verb, self._url + path, TIMEOUT, body)
        except RefusedError:
            raise NothingThereError(f"nothing listens at {self._url}; start the proxy") from None
        except OSError as error:
            raise NeedError(str(error)) from None
        if answer.status >= 500:
            raise self._refused(verb, path, answer)
        return answer

    def _read(self, answer: Answer) -> dict[str, Any]:
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise NeedError(f"what answers at {self._url} is not Toxiproxy's API; see what listens there")
        return found

    def _refused(self, verb: str, path: str, answer: Answer) -> NeedError:
        text = answer.body.decode(errors="replace").strip()
        return NeedError(f"{verb} {self._url}{path} was answered with {answer.status} {text}")
