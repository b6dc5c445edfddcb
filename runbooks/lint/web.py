"""Web: whether pages of the web that runbooks link to are there, on those hosts alone that were asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import httpx

from flashcrowd.client import guarded_client
from flashcrowd.errors import GuardError
from flashcrowd.guard import Guard
from runbooks.lint.finding import Finding, finding
from runbooks.lint.links import Link

AT_ONCE = 4
_SECONDS = 10.0
_GONE = (404, 410)
_NOT_HEADS = (405, 501)
"""How a server says that it answers GET alone."""

Answer = tuple[str, str]
"""A rule, and what is wrong."""


async def findings(links: Sequence[Link], hosts: Sequence[str]) -> list[Finding]:
    """The links to these hosts that don't lead to a page. Each address is asked for once; no redirect is followed,
    no fragment looked for, and a page that wants a password is there.

    hosts: names, addresses or networks, as a target's `allow_hosts`.
    """
    guard, few = Guard(hosts, file="--links"), asyncio.Semaphore(AT_ONCE)
    urls = dict.fromkeys(_address(link.href) for link in links if link.is_web)

    async def one(url: str) -> Answer | None:
        async with few:
            return await _ask(url, guard)

    answers = dict(zip(urls, await asyncio.gather(*map(one, urls)), strict=True))
    return [found for link in links if link.is_web and (found := _told(link, answers)) is not None]


def _told(link: Link, answers: Mapping[str, Answer | None]) -> Finding | None:
    answer = answers[_address(link.href)]
    return None if answer is None else finding(answer[0], link.file, link.line, f"{_address(link.href)} {answer[1]}")


def _address(href: str) -> str:
    """Without its fragment, which no server sees."""
    return f"{'https:' if href.startswith('//') else ''}{href}".partition("#")[0]


async def _ask(url: str, guard: Guard) -> Answer | None:
    try:
        if urlsplit(url).hostname is None:
            return "web", "names no host"
        async with guarded_client(guard, "--links", _SECONDS) as client, asyncio.timeout(_SECONDS):
            status = await _status(client, "HEAD", url)
            if status in (*_GONE, *_NOT_HEADS):  # some answer HEAD with what they don't mean
                status = await _status(client, "GET", url)
    except GuardError:
        return None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError) as error:
        return "web", f"is no address: {error}"
    except (httpx.TimeoutException, TimeoutError):
        return "web-unanswered", f"gave no answer within {_SECONDS:g} s"
    except httpx.HTTPError as error:
        return "web-unanswered", f"can't be reached: {str(error) or type(error).__name__}"
    if status in _GONE:
        return "web", f"is gone: it answers {status}"
    return ("web-unanswered", f"answers {status}") if status >= 500 else None


async def _status(client: httpx.AsyncClient, method: str, url: str) -> int:
    """The status alone: nothing of the body is read."""
    async with client.stream(method, url) as response:
        return response.status_code
