"""Client: HTTP to addresses that the guard allows, and to no others; no redirect is followed, no proxy used."""

from __future__ import annotations

import asyncio

import httpx

from flashcrowd.guard import Guard


def guarded_client(guard: Guard, what: str, timeout: float) -> httpx.AsyncClient:
    """A client whose every request goes to an address that the guard has looked up and allowed.

    what: names the caller in the guard's words. timeout: seconds of each stage of a request.

    Requests raise GuardError where the guard forbids them, before anything is sent.
    """
    transport = _GuardedTransport(guard, what)
    return httpx.AsyncClient(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False)


class _GuardedTransport(httpx.AsyncBaseTransport):
    """Connects to what was checked: between a check and a second look-up, a name could come to mean another host."""

    def __init__(self, guard: Guard, what: str) -> None:
        self._guard, self._what = guard, what
        self._inner = dict[str, httpx.AsyncHTTPTransport]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host, inner = request.url.host, self._for(request.url.scheme)
        *earlier, last = await asyncio.to_thread(self._guard.look_up, host, self._what)
        for address in earlier:
            try:
                return await inner.handle_async_request(_to(address, request, host))
            except httpx.ConnectError:
                continue  # nothing was sent; a name may stand for ::1 and 127.0.0.1, and a server listen on one
        return await inner.handle_async_request(_to(last, request, host))

    async def aclose(self) -> None:
        for inner in self._inner.values():
            await inner.aclose()

    def _for(self, scheme: str) -> httpx.AsyncHTTPTransport:
        """Certificates are loaded for https alone: that takes 20 ms."""
        if scheme not in self._inner:
            self._inner[scheme] = httpx.AsyncHTTPTransport(verify=scheme == "https")
        return self._inner[scheme]


def _to(address: str, request: httpx.Request, host: str) -> httpx.Request:
    """The same request to an address; its Host header, and the name that a certificate must have, stay as they were."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address.partition("%")[0]),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )
