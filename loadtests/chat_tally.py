"""Chat tally: what became of comments that must not be delivered, and whether comments kept their order."""

from __future__ import annotations

from typing import Any

from loadtests.forbidden import comment_in, recognise
from loadtests.markers import Marker

EXAMPLES = 10
"""Violations that are kept whole."""

MOST = 1_000
"""Forbidden comments whose delivery is told apart, so that workers who saw the same one count it once; more than that
are reported as so many at least."""

Example = dict[str, Any]


class ChatTally:
    """What one process, or all of them together, has seen. Orders are checked once per process and room."""

    def __init__(self) -> None:
        self.forbidden_said = self.order_checked = self.order_broken = 0
        self._delivered = set[str]()
        self._forbidden: dict[str, Example] = {}
        self._broken: list[Example] = []

    @property
    def forbidden_delivered(self) -> int:
        """Forbidden comments that reached a viewer with the phrase recognisable."""
        return len(self._delivered)

    def forbidden(self, marker: Marker, phrase: str, text: str) -> None:
        """A forbidden comment has been delivered; may be told again."""
        name = marker.text.decode()
        if len(self._delivered) < MOST:
            self._delivered.add(name)
        if len(self._forbidden) < EXAMPLES:
            self._forbidden[name] = {"comment": name, "phrase": phrase, "text": text[:200], "sent": marker.sent}

    def inspect(self, frame: bytes, marker: Marker) -> None:
        """A comment that must not be delivered as it was said, has come in a frame: see what is left of it."""
        text = comment_in(frame, marker.text)
        if (phrase := recognise(text)) is not None:
            self.forbidden(marker, phrase, text)

    def out_of_order(self, room: str, marker: Marker, after: int) -> None:
        """A comment arrived after a later one of its sender, which had that number."""
        self.order_broken += 1
        if len(self._broken) < EXAMPLES:
            _, number = marker.origin
            comment = {"comment": marker.text.decode(), "room": room, "number": number, "after": after}
            self._broken.append({**comment, "sent": marker.sent})

    def as_dict(self) -> dict[str, Any]:
        """The tally as JSON values, for the way from a worker to the master."""
        return {
            "said": self.forbidden_said,
            "delivered": list(self._delivered),
            "forbidden": self._forbidden,
            "checked": self.order_checked,
            "broken": self.order_broken,
            "examples": self._broken,
        }

    def merge(self, report: dict[str, Any]) -> None:
        """Add another process's tally."""
        self.forbidden_said += report["said"]
        self.order_checked += report["checked"]
        self.order_broken += report["broken"]
        self._delivered.update(report["delivered"])
        self._forbidden = dict(list({**report["forbidden"], **self._forbidden}.items())[:EXAMPLES])
        self._broken = [*self._broken, *report["examples"]][:EXAMPLES]

    def summary(self) -> dict[str, Any]:
        """The counts, and the first violations of each kind."""
        return {
            "forbidden_said": self.forbidden_said,
            "forbidden_delivered": self.forbidden_delivered,
            "forbidden_examples": list(self._forbidden.values()),
            "order_checked": self.order_checked,
            "out_of_order": self.order_broken,
            "order_examples": self._broken,
        }
