"""Links: one direction of a proxied connection, a chain of stages from the socket it reads to the one it writes.

What a slow receiver can't take stops the sender: a link holds about as much in each stage as that stage's limit, and
as much again in the receiver's write buffer when a toxic lets go of all that it held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from chaos.proxy.toxic import Ending, Receiver, Stage, Toxic

WRITE_LIMIT = 256 * 2**10
"""Bytes in a socket's write buffer above which its sender is stopped."""


class Source(Protocol):
    """Where a link's bytes come from."""

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Target(Protocol):
    """Where a link's bytes go."""

    def write(self, data: bytes) -> None: ...

    def write_eof(self) -> None: ...

    def get_write_buffer_size(self) -> int: ...

    def is_closing(self) -> bool: ...


class Exit:
    """The last receiver of a link's chain: its target."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def feed(self, data: bytes) -> None:
        self._link.deliver(data)

    def finish(self, ending: Ending = Ending.HALF) -> None:
        self._link.end(ending)


class Link:
    """What `source` receives goes through a stage for each toxic to `target`.

    on_end: called once, when an end has come through behind the last byte, the source's or one that a toxic made.
    ended: whether it has.
    on_room: called whenever there may be room again for what others than the source want to send.
    """

    def __init__(
        self, source: Source, target: Target, toxics: Iterable[Toxic], on_end: Callable[[Ending], None]
    ) -> None:
        self._source, self._target, self._on_end = source, target, on_end
        self.on_room: Callable[[], None] | None = None
        self._stages: dict[str, Stage] = {}
        self._head: Stage | None = None
        self._tail: Stage | None = None
        self._chain: list[Stage] = []
        self._finished = self._stopped = self.ended = False
        self._exit = Exit(self)
        self._first: Receiver = self._exit
        for toxic in toxics:
            self.add(toxic)

    def enclose(self, head: Stage | None = None, tail: Stage | None = None) -> None:
        """Put a stage before all toxics, or behind them, for good."""
        self._head, self._tail = head or self._head, tail or self._tail
        self._join()

    def feed(self, data: bytes) -> None:
        self._first.feed(data)
        if any(stage.held > stage.limit for stage in self._chain):
            self.stop_source()

    def finish(self, ending: Ending = Ending.HALF) -> None:
        """The source has sent its last byte; it counts once, however often it is told."""
        if not self._finished:
            self._finished = True
            self._first.finish(ending)

    def add(self, toxic: Toxic) -> None:
        """Put a toxic at the end of the chain; bytes on their way go through it."""
        self._stages[toxic.name] = toxic.stage(self._exit)
        self._join()

    def update(self, toxic: Toxic) -> None:
        """Put a fresh stage in the place of the toxic's old one; what that one held goes on at once."""
        old, fresh = self._stages[toxic.name], toxic.stage(self._exit)
        old.release()
        fresh.inherit(old)
        self._stages[toxic.name] = fresh
        self._join()
        self.balance()

    def remove(self, name: str) -> None:
        """Take a toxic out; what it held goes on at once."""
        self._stages[name].leave()
        del self._stages[name]
        self._join()
        self.balance()

    def deliver(self, data: bytes) -> None:
        """Write bytes that have passed all stages."""
        if not (self.ended or self._target.is_closing()):
            self._target.write(data)
            self.balance()

    def end(self, ending: Ending) -> None:
        """Pass an end on: it has come through all stages."""
        if not self.ended:
            self.ended = True
            if ending is Ending.HALF and not self._target.is_closing():
                self._target.write_eof()
            self._on_end(ending)

    def void(self) -> None:
        """Nobody is left to read: forget what is held. The target is closing, so nothing is written any more."""
        self._finished = self.ended = True
        for stage in self._chain:
            stage.release()

    def stop_source(self) -> None:
        """Read no more until there is room again."""
        if not (self._stopped or self._finished):
            self._stopped = True
            self._source.pause_reading()

    def balance(self) -> None:
        """Read on, if the source was stopped and there is room again."""
        if self._stopped and not self._finished and self.has_room():
            self._stopped = False
            self._source.resume_reading()
        if self.on_room is not None:
            self.on_room()

    def has_room(self) -> bool:
        """Whether the target takes what it is sent, and little is held on the way."""
        return self._target.get_write_buffer_size() <= WRITE_LIMIT and all(
            stage.held <= stage.limit // 2 for stage in self._chain
        )

    def _join(self) -> None:
        stages = (self._head, *self._stages.values(), self._tail)
        self._chain = [stage for stage in stages if stage is not None]
        following: Receiver = self._exit
        for stage in reversed(self._chain):
            stage.following = following
            following = stage
        self._first = following
