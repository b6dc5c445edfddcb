"""The TCP fault proxy: its own process, steered through Toxiproxy's HTTP API.

    python -m chaos.proxy --listen 127.0.0.1:8474 --proxy inventory=127.0.0.1:7103=127.0.0.1:7003

Clients of `inventory` connect to port 7103; its toxics are added and removed under /proxies/inventory/toxics.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import resource
import socket
import sys

import uvicorn
import uvloop

from chaos.proxy.api import api
from chaos.proxy.relay import ApiError, Relay, Relays, reason, split_address
from flashcrowd.errors import ExitCode


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    options = _options().parse_args(arguments)
    _raise_file_limit()
    try:
        uvloop.run(serve(options.listen, options.proxy))
    except ApiError as error:
        logging.getLogger("chaos.proxy").error("%s; choose another address", error)
        return ExitCode.NEED
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    return ExitCode.PASS


async def serve(listen: tuple[str, int], relays: list[Relay]) -> None:
    """The API on `listen` (host, port), these proxies started first, until the process is asked to end.

    Raises:
        ApiError: an address can't be listened on, or two proxies have one name.
    """
    served = Relays()
    for relay in relays:
        await served.add(relay)
    config = uvicorn.Config(
        api(served), log_config=None, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    with _bound(listen) as place:
        await uvicorn.Server(config).serve([place])


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chaos.proxy", description="TCP fault proxy with Toxiproxy's API")
    parser.add_argument("--listen", type=_address, default=("127.0.0.1", 8474), metavar="HOST:PORT", help="the API")
    parser.add_argument("--proxy", type=_relay, action="append", default=[], metavar="NAME=LISTEN=UPSTREAM")
    return parser


def _address(text: str) -> tuple[str, int]:
    try:
        return split_address(text)
    except ApiError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _relay(text: str) -> Relay:
    parts = text.split("=")
    if len(parts) != 3 or not all(parts):
        raise argparse.ArgumentTypeError(
            f"'{text}' is not NAME=LISTEN=UPSTREAM, as inventory=127.0.0.1:7103=127.0.0.1:7003"
        )
    try:
        return Relay(*parts)
    except ApiError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _bound(address: tuple[str, int]) -> socket.socket:
    try:
        return socket.create_server(address, family=socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    except OSError as error:
        raise ApiError(f"listen tcp {address[0]}:{address[1]}: {reason(error)}", 500) from None


def _raise_file_limit() -> None:
    """Every connection is two files, and the usual soft limit is 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())
