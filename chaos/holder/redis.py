"""Redis: a server kept paused, a moment at a time; with the holder's end the pause is over.

A server that pauses all commands lets no CLIENT UNPAUSE through either (measured with Redis 7.0.15), so that a long
pause could not be taken back. A short one needn't be: it is renewed as long as the holder is there.

all      The next pauses are queued behind the one that is on. When that lapses, the first of them waits no longer, and
         as it has waited longest, nobody's command comes between. A connection that closes takes its queue along.
writes   Such a pause holds up no CLIENT PAUSE, so it is renewed long before it lapses.
"""

from __future__ import annotations

import argparse
import os
import socket
import time
from collections.abc import Callable

from chaos.clients.resp import encode, login, refusal, tls_context

LEASE = {"all": 0.05, "writes": 1.0}
"""Seconds of one pause. That of `all` is shorter than the 0.1 s in which the server looks for pauses that have lapsed
(`hz 10`), as the fault outlives its holder by what is left of it."""

QUEUED = 20
"""Pauses of `all` that wait in the server: so it needs no holder that gets the processor at each instant."""

RENEW = 0.25
"""Seconds between two pauses of `writes`."""

CONNECT = 5.0
"""Seconds for the connection."""

MODES = {"all": "ALL", "writes": "WRITE"}
"""What CLIENT PAUSE calls them."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--commands", choices=LEASE, required=True, help="which wait")
    parser.add_argument("--tls-name", metavar="NAME", help="that the certificate must have; without it, no TLS")
    parser.add_argument("--user", metavar="NAME", help="of the server's access control list")
    parser.add_argument("--password-env", metavar="NAME", help="the variable of the environment that has the password")


def hold(options: argparse.Namespace, ready: Callable[[], None]) -> None:
    """Until killed, or the server closes the connection. Raises OSError with what it says when it refuses."""
    with _connected(options) as connection, connection.makefile("rb") as answers:
        hello = login(options.user, os.environ[options.password_env] if options.password_env else None)
        pause = encode("CLIENT", "PAUSE", str(round(LEASE[options.commands] * 1000)), MODES[options.commands])
        connection.sendall(hello + pause * (QUEUED if options.commands == "all" else 1))
        if hello:
            _check(answers.readline())
        _check(answers.readline())
        ready()
        while True:
            if options.commands == "writes":
                time.sleep(RENEW)
            connection.sendall(pause)
            if not _check(answers.readline()):
                return


def _check(line: bytes) -> bytes:
    if (said := refusal(line)) is not None:
        raise OSError(said)
    return line


def _connected(options: argparse.Namespace) -> socket.socket:
    connection = socket.create_connection((options.host, options.port), CONNECT)
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    tls = tls_context(options.tls_name)
    return tls.wrap_socket(connection, server_hostname=options.tls_name) if tls else connection
