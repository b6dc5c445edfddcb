"""The flood: a few senders who drown a room in comments. Started as `python -m storefront.flood start`.

It finds the chat through a live process' admin address (`--admin`, or FLASHCROWD_ADMIN), connects, and goes on in the
background until it is killed, or its time is over. `seen` tells, by ending with 0, whether that process is flooded.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

TICK = 0.1  # seconds between two bursts of a sender
LOOK = 0.5  # seconds
TEXT = "first first first"


def main() -> None:
    given = _arguments()
    if given.what == "seen":
        rate = _rate(given.admin)
        print(f"{rate:.0f} frames a second")  # noqa: T201 (what `seen` is for)
        sys.exit(0 if rate >= given.rate / 10 else 1)
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        sys.exit(0 if os.read(reading, 1) else 1)
    asyncio.run(_flood(given, writing))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="storefront.flood", description=__doc__)
    parser.add_argument("what", choices=("start", "seen"))
    parser.add_argument("--admin", default=os.environ.get("FLASHCROWD_ADMIN"), help="of a live process")
    parser.add_argument("--room", default="main")
    parser.add_argument("--senders", type=int, default=20)
    parser.add_argument("--rate", type=float, default=1500.0, help="comments a second, of all of them")
    parser.add_argument("--for", type=float, default=120.0, dest="lasts", help="seconds, at most")
    given = parser.parse_args()
    if not given.admin:
        parser.error("--admin is missing, and FLASHCROWD_ADMIN isn't set")
    return given


def _chat(admin: str) -> str:
    """The address of the chat."""
    parts = urlsplit(admin)
    with closing(HTTPConnection(parts.netloc, timeout=5)) as process:
        process.request("GET", f"{parts.path.rstrip('/')}/chat")
        return str(json.load(process.getresponse())["url"])


def _rate(admin: str) -> float:
    """Frames a second that one process gets from viewers: over one connection, it is the same one that answers."""
    with closing(HTTPConnection(urlsplit(admin).netloc, timeout=5)) as process:
        before = _received(process)
        time.sleep(LOOK)
        return (_received(process) - before) / LOOK


def _received(process: HTTPConnection) -> float:
    process.request("GET", "/metrics")
    lines = process.getresponse().read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("live_messages_received_total"))


async def _flood(given: argparse.Namespace, ready: int) -> None:
    address = _chat(given.admin)
    try:
        async with asyncio.timeout(given.lasts), asyncio.TaskGroup() as group:
            senders = await asyncio.gather(*(_sender(f"{address}/rooms/{given.room}", n) for n in range(given.senders)))
            _detach(ready)
            for sender in senders:
                group.create_task(_send(sender, given.rate / given.senders))
                group.create_task(_drain(sender))
    except TimeoutError:
        pass  # its time is over


def _detach(ready: int) -> None:
    """Tell who started us that we have begun, and hold nothing of theirs open."""
    os.write(ready, b"+")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


async def _sender(address: str, number: int) -> ClientConnection:
    headers = {"Authorization": f"Bearer flood-{number}"}
    while True:
        try:
            sender = await connect(address, additional_headers=headers, compression=None, proxy=None)
        except InvalidStatus:
            await asyncio.sleep(TICK)  # that process is full; the next attempt may reach another one
            continue
        await sender.send('{"type":"join"}')
        return sender


async def _send(sender: ClientConnection, rate: float) -> None:
    """So many comments a second, whatever is said to it."""
    comment = json.dumps({"type": "chat", "text": TEXT})
    due = time.monotonic()
    while True:
        try:
            for _ in range(max(1, round(rate * TICK))):
                await sender.send(comment)
        except ConnectionClosed:
            return
        due = max(due + TICK, time.monotonic())
        await asyncio.sleep(due - time.monotonic())


async def _drain(sender: ClientConnection) -> None:
    try:
        async for _ in sender:
            pass
    except ConnectionClosed:
        return


if __name__ == "__main__":
    main()
