"""The resolver's process.

    python -m chaos.resolver --listen 127.0.0.1:5353 --api 127.0.0.1:8475 \\
        --zone inventory.internal=127.0.0.1 --upstream 192.0.2.53:53

Names of a zone are answered with its addresses (commas between several), all others by the upstream resolver.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys

import uvicorn

from chaos.proxy.relay import ApiError, reason, split_address
from chaos.resolver.answering import Resolver
from chaos.resolver.api import api
from chaos.resolver.server import serving
from flashcrowd.errors import ExitCode


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    options = _options().parse_args(arguments)
    resolver = Resolver(dict(options.zone), options.upstream)
    try:
        asyncio.run(serve(resolver, options.listen, options.api))
    except OSError as error:
        logging.getLogger("chaos.resolver").error("listen: %s; choose another address", reason(error))
        return ExitCode.NEED
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    return ExitCode.PASS


async def serve(resolver: Resolver, listen: tuple[str, int], at: tuple[str, int]) -> None:
    """Answer queries at `listen` and requests at `at` (host, port) until asked to end. Raises OSError."""
    config = uvicorn.Config(
        api(resolver, f"{listen[0]}:{listen[1]}"),
        host=at[0],
        port=at[1],
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    async with serving(resolver, *listen):
        await uvicorn.Server(config).serve()


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chaos.resolver", description="a resolver that can be made to fail")
    parser.add_argument("--listen", type=_address, default=("127.0.0.1", 5353), metavar="HOST:PORT", help="DNS")
    parser.add_argument("--api", type=_address, default=("127.0.0.1", 8475), metavar="HOST:PORT", help="the API")
    parser.add_argument("--zone", type=_zone, action="append", default=[], metavar="NAME=ADDRESS[,ADDRESS]")
    parser.add_argument("--upstream", type=_address, metavar="HOST:PORT", help="who knows all other names")
    return parser


def _address(text: str) -> tuple[str, int]:
    try:
        return split_address(text)
    except ApiError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _zone(text: str) -> tuple[str, list[str]]:
    name, _, addresses = text.partition("=")
    if not (name and addresses):
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=ADDRESS, as inventory.internal=127.0.0.1")
    return name.lower().rstrip("."), addresses.split(",")


if __name__ == "__main__":
    sys.exit(main())
