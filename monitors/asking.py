"""Asking: requests to one server that only read, so that each may be repeated, and is, until its deadline.

Asked again: no connection, a broken one, 5xx, and 429 after the time that it names. Not asked again: what stays wrong,
as a certificate that isn't trusted. A server in trouble isn't made worse: at most so many requests at once, and pauses
that double, each of a random length so that many clients don't come back together.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections import Counter
from collections.abc import Iterator, Mapping
from types import TracebackType
from urllib.parse import SplitResult, urlsplit

import httpx

from flashcrowd.errors import InputError, NeedError
from flashcrowd.masking import of_process
from monitors.access import PASSWORD, TOKEN, USER, Access

AT_ONCE = 8
"""Requests under way; more make nothing quicker (benchmarks/bench_gate.py), and Prometheus runs at most 20 queries."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
"""Seconds between tries; each pause is up to twice the one before."""
CONNECT = 5.0
"""Seconds for a connection: a packet that was dropped on the way isn't waited for until the deadline."""


class Asking:
    """One server. url: its address without credentials. repeats: why it had to be asked again, and how often.

    timeout: seconds that one request may take, its repeats included, its wait for its turn not.
    """

    def __init__(self, url: str, timeout: float, access: Access) -> None:
        parts = _parts(url)
        if parts.scheme == "http" and access.wants_tls:
            raise InputError(f"{_plain(parts)} has no TLS, so --ca, --cert and --insecure mean nothing; write https://")
        if "@" in parts.netloc and access.has_credentials:
            raise InputError(f"{_plain(parts)} has credentials in it, and the environment too; leave one out")
        self.url, self.access, self.repeats = _plain(parts), access, Counter[str]()
        self._timeout, self._few = timeout, asyncio.Semaphore(AT_ONCE)
        self._client = httpx.AsyncClient(
            base_url=url.rstrip("/") + "/",
            headers={**access.all_headers, **({"Accept-Encoding": "identity"} if is_loopback(parts) else {})},
            auth=access.auth,
            timeout=httpx.Timeout(timeout, connect=min(timeout, CONNECT)),
            verify=access.context() if parts.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            trust_env=not is_loopback(parts),  # a proxy of the environment can't reach what listens here
        )

    async def __aenter__(self) -> Asking:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def once(self, path: str) -> bool:
        """Whether a path is answered with a success; one try, never an error."""
        try:
            return (await self._client.get(path)).is_success
        except (httpx.HTTPError, ssl.SSLError):
            return False

    async def ask(self, path: str, form: Mapping[str, str] | None = None) -> httpx.Response:
        """The answer to a GET, or with a form to a POST; any but 5xx and 429.

        Raises:
            NeedError: none before the deadline, or the server's certificate isn't trusted, or ours isn't.
        """
        async with self._few:
            loop = asyncio.get_running_loop()
            until, why, tries = loop.time() + self._timeout, "it took too long", 0
            try:
                async with asyncio.timeout_at(until):
                    for pause in _pauses():
                        tries += 1
                        answer, why, wish = await self._try(path, form)
                        if answer is not None:
                            return answer
                        rest = max(pause, wish)
                        if loop.time() + rest >= until:
                            break
                        self.repeats[why] += 1
                        await asyncio.sleep(rest)
            except TimeoutError:
                pass
        times = f"asked {tries} times, " if tries > 1 else ""
        raise NeedError(
            f"prometheus at {self.url} did not answer within {self._timeout:g} s ({times}{why}); "
            "start it, or name another one"
        )

    async def _try(self, path: str, form: Mapping[str, str] | None) -> tuple[httpx.Response | None, str, float]:
        """The answer, or why there is none that counts, and how many seconds the server wants to be left alone."""
        try:
            answer = await self._client.request("POST" if form else "GET", path, data=form)
        except (httpx.HTTPError, ssl.SSLError) as error:  # httpx passes on what TLS says later than at its start
            if (fault := _tls_fault(error)) is not None:
                raise NeedError(self._distrust(fault)) from None
            return None, str(error).lower() or type(error).__name__, 0.0
        if answer.is_server_error or answer.status_code == 429:
            return None, f"its answer was {answer.status_code} {said(answer)}".rstrip(), _retry_after(answer)
        return answer, "", 0.0

    def _distrust(self, fault: ssl.SSLError) -> str:
        if isinstance(fault, ssl.SSLCertVerificationError):
            return (
                f"the certificate of {self.url} is not trusted: {fault.verify_message.lower().rstrip('.')}; "
                "name its authority with --ca FILE"
            )
        reason = (fault.reason or str(fault)).replace("_", " ").lower()
        return f"no TLS with {self.url}: {reason}; look at the port, and at --cert and --key if it wants yours"


def refused(asking: Asking, answer: httpx.Response) -> str:
    """What to do about a 401 or 403."""
    words = said(answer)
    told = f"{answer.status_code} {words}".rstrip()
    if "org id" in words.lower():
        return f"prometheus at {asking.url} wants a tenant ({told}); name it with --header 'X-Scope-OrgID: NAME'"
    if not asking.access.has_credentials:
        return (
            f"prometheus at {asking.url} lets nobody in without credentials ({told}); set {TOKEN}, "
            f"or {USER} and {PASSWORD}"
        )
    names = TOKEN if asking.access.token is not None else f"{USER} and {PASSWORD}"
    return f"prometheus at {asking.url} refuses the credentials of {names} ({told}); renew them"


def said(answer: httpx.Response) -> str:
    """What a server says went wrong, on one line without our secrets: the `error` of its JSON, or a short text."""
    try:
        text = str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        kind, text = answer.headers.get("content-type", "text/plain"), answer.text[:200]
        text = text if kind.startswith("text/plain") and not text.startswith("<") else ""
    return of_process().values(" ".join(text.split()))


def is_loopback(parts: SplitResult) -> bool:
    return parts.hostname in ("127.0.0.1", "::1", "localhost")


def _parts(url: str) -> SplitResult:
    """Raises InputError for what is no address of a server."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound or parts.query or parts.fragment:
        raise InputError(f"'{of_process()(url)}' is not the URL of a Prometheus; write http://HOST:9090")
    return parts


def _plain(parts: SplitResult) -> str:
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")


def _pauses() -> Iterator[float]:
    longest = FIRST_PAUSE
    while True:
        yield random.uniform(longest / 2, longest)
        longest = min(2 * longest, LONGEST_PAUSE)


def _retry_after(answer: httpx.Response) -> float:
    """Seconds (RFC 9110, 10.2.3); a date there is not heeded."""
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0


def _tls_fault(error: BaseException) -> ssl.SSLError | None:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None
