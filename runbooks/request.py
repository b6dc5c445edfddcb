"""Request: the action of http steps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping

import httpx

from flashcrowd.client import guarded_client
from flashcrowd.errors import GuardError
from flashcrowd.guard import Guard
from flashcrowd.template import fill, names
from flashcrowd.units import format_duration
from runbooks.actions import CAPTURED, ActionError, RefusedError
from runbooks.expectation import Comparison
from runbooks.model import HttpStep


def describe_request(step: HttpStep, variables: Mapping[str, str]) -> str:
    """The request as it will be sent: method and URL, headers, body."""
    lines = [f"{step.method} {fill(step.url, variables)}"]
    lines += [f"{name}: {fill(value, variables)}" for name, value in step.headers]
    return "\n".join([*lines, *([_body(step, variables)] if step.body else [])])


Mark = Callable[[], Mapping[str, str]]
"""The headers by which a target knows what is the rehearsal's; made anew for each request, as each has its trace."""


async def send(step: HttpStep, variables: Mapping[str, str], guard: Guard, mark: Mark = dict) -> str:
    """Send a step's request to an address that the guard allows; no redirect is followed, no proxy used.

    mark: what the request carries besides the headers of the step, which outweigh it.

    Raises:
        RefusedError: the guard forbids it, nobody listens there, or the answer is a 4xx.
        ActionError: any other answer that isn't expected, or none within the timeout.
    """
    async with guarded_client(guard, step.name, step.timeout) as client:
        try:
            request = client.build_request(
                step.method,
                fill(step.url, variables),
                headers=_headers(step, variables, mark()),
                content=_body(step, variables),
            )
            async with asyncio.timeout(step.timeout):
                response = await client.send(request, stream=True)
                text = await _text(response)
                await response.aclose()
        except GuardError as error:
            raise RefusedError(str(error)) from None
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise RefusedError(f"{request.url.netloc.decode()} can't be reached: {error}") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError) as error:
            raise RefusedError(f"the request is malformed: {error}") from None
        except (httpx.TimeoutException, TimeoutError):
            raise ActionError(f"no answer within {format_duration(step.timeout)}") from None
        except httpx.HTTPError as error:
            raise ActionError(f"the connection broke: {error}") from None
    _check_status(response.status_code, step.expect, text)
    return f"{response.status_code} {text}".strip()


def _headers(step: HttpStep, variables: Mapping[str, str], mark: Mapping[str, str]) -> list[tuple[str, str]]:
    given = [(name, fill(value, variables)) for name, value in step.headers]
    own = {name.lower() for name, _ in given}
    given += [(name, value) for name, value in mark.items() if name.lower() not in own]
    if "accept-encoding" not in {name.lower() for name, _ in given}:
        given.append(("Accept-Encoding", "identity"))
    if _is_json(step) and "content-type" not in {name.lower() for name, _ in given}:
        given.append(("Content-Type", "application/json"))
    return given


def _body(step: HttpStep, variables: Mapping[str, str]) -> str:
    if _is_json(step):
        return fill(step.body, {name: json.dumps(variables[name])[1:-1] for name in names(step.body)})
    return fill(step.body, variables)


def _is_json(step: HttpStep) -> bool:
    return step.body.startswith(("{", "["))


async def _text(response: httpx.Response) -> str:
    data = b""
    async for chunk in response.aiter_raw():  # what is small when it is packed may be huge
        data += chunk
        if len(data) >= CAPTURED:
            break
    return data[:CAPTURED].decode("utf-8", errors="replace")


def _check_status(status: int, expect: Comparison | None, text: str) -> None:
    if expect.holds(status) if expect is not None else 200 <= status < 300:
        return
    kind = RefusedError if 400 <= status < 500 else ActionError
    raise kind(f"answered {status}, expected {expect or '2xx'}", f"{status} {text}".strip())
