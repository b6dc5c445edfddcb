"""The bus: a ZeroMQ proxy from all publishers to all subscribers. Started as `python -m storefront.bus`."""

from dataclasses import dataclass

import zmq

from storefront.beginning import log, prepare
from storefront.settings import read, tcp_address, variable

HIGH_WATER = 100_000  # messages queued for one subscriber before the bus drops its further ones


@dataclass(frozen=True)
class BusSettings:
    incoming: str = variable("STOREFRONT_BUS_IN", tcp_address)
    outgoing: str = variable("STOREFRONT_BUS_OUT", tcp_address)


def main() -> None:
    settings = read(BusSettings)
    prepare()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        publishers = _bound(context, zmq.XSUB, settings.incoming)
        subscribers = _bound(context, zmq.XPUB, settings.outgoing)
        log.info("bus ready from %s to %s", settings.incoming, settings.outgoing)
        zmq.proxy(publishers, subscribers)
    finally:
        context.destroy(linger=0)


def _bound(context: "zmq.Context[zmq.Socket[bytes]]", kind: int, address: str) -> "zmq.Socket[bytes]":
    socket = context.socket(kind)
    socket.set_hwm(HIGH_WATER)
    socket.bind(address)
    return socket


if __name__ == "__main__":
    main()
