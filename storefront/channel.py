"""A service's channel to the bus: publish on topics, hear topics."""

import asyncio
import os
from collections.abc import Callable

import zmq

Listener = Callable[[str, bytes], None]
HIGH_WATER = 100_000


class Channel:
    """Calls `listener(topic, body)` on the event loop for each message whose topic starts with one of `topics`."""

    def __init__(self, incoming: str, outgoing: str, topics: tuple[str, ...], listener: Listener) -> None:
        self._listener = listener
        self._hello = f"hello/{os.getpid()}"
        self._heard = asyncio.Event()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._pub = self._connected(zmq.PUB, incoming)
        self._sub = self._connected(zmq.SUB, outgoing)
        for topic in (*topics, self._hello):
            self._sub.setsockopt(zmq.SUBSCRIBE, topic.encode())
        asyncio.get_running_loop().add_reader(self._sub.fileno(), self._drain)

    def publish(self, topic: str, body: bytes) -> None:
        """Never waits: with the bus away, messages are dropped, as viewers expect of chat."""
        self._pub.send_multipart([topic.encode(), body])

    async def settled(self) -> None:
        """Wait until our own message has come back: connections and subscriptions take effect only after a while."""
        while not self._heard.is_set():
            self.publish(self._hello, b"")
            await asyncio.sleep(0.02)
            self._drain()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._sub.fileno())
        self._context.destroy(linger=0)

    def _connected(self, kind: int, address: str) -> "zmq.Socket[bytes]":
        socket = self._context.socket(kind)
        socket.set_hwm(HIGH_WATER)
        socket.connect(address)
        return socket

    def _drain(self) -> None:
        # ZeroMQ's descriptor tells of a change only once, so everything there is must be taken.
        while True:
            try:
                topic, body = self._sub.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            self._hear(topic.decode(), body)

    def _hear(self, topic: str, body: bytes) -> None:
        if topic == self._hello:
            self._heard.set()
        elif not topic.startswith("hello/"):  # subscriptions are prefixes: hello/12 hears hello/123 too
            self._listener(topic, body)
