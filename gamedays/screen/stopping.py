"""Stopping: what a terminal is told from the moment at which a run is being ended early. Pure: events in, text out.

    stopping: healing network.latency on inventory ... healed, checked (0.2 s)
    load: ended; collecting ledger, metrics and history
    saved what there is: runs/.../report.html (interrupted at 01:03 of 02:10)

While the first line is open, all else waits for its end.
"""

from __future__ import annotations

from collections.abc import Mapping

from flashcrowd.rundir import Event
from gamedays.progress import name, plain, sentence
from gamedays.screen.state import Stage

UNBROKEN: Mapping[Stage, str] = {
    "starting": "ending what was started",
    "playing": "ending the load",
    "stopping": "ending the load",
    "judging": "saving what there is",
}

TOLD = {
    "conductor/aborted",
    "conductor/ended",
    "conductor/not_collected",
    "fault/healed",
    "fault/heal_failed",
    "runbook/stand_down_failed",
}
"""What else is said, of all that has a sentence: the rest is in the run directory."""


class Stopping:
    """broken: the faults in place, by id, as `network.latency on inventory`. at: unix seconds. stage: of the run then.

    begins: the first text.
    """

    def __init__(self, broken: Mapping[str, str], at: float, stage: Stage) -> None:
        self._left, self._since = dict(broken), at
        self._failed = self._waiting = ""
        self._asked = False
        healing = f"stopping: healing {', '.join(broken.values())} ..."
        self.begins = healing if broken else f"stopping: {UNBROKEN[stage]}\n"

    def event(self, event: Event) -> str:
        """What to write now, as it is; nothing for most events."""
        if event.source == "fault" and event.data.get("id") in self._left:
            return self._healing(event)
        if f"{event.source}/{event.kind}" not in TOLD or (told := sentence(event)) is None:
            return ""
        line = f"{told[0]}: {told[1]}\n"
        if not self._left:
            return line
        self._waiting += line
        return ""

    def again(self) -> str:
        """The answer to one more Ctrl-C."""
        if not self._left:
            return "still saving; it takes a few seconds\n"
        already, self._asked = self._asked, True
        return "" if already else " still healing, it takes a few seconds ..."

    def _healing(self, event: Event) -> str:
        """The line ends with the last of the faults, whatever became of them."""
        if event.kind == "heal_failed":
            self._failed += f"NOT HEALED: {name(event.data)}: {plain(event.data['message'])}\n"
        elif event.kind != "healed":
            return ""
        del self._left[event.data["id"]]
        if self._left:
            return ""
        took = f"({max(0.0, event.time - self._since):.1f} s)"
        end = f" NOT HEALED\n{self._failed}" if self._failed else f" healed, checked {took}\n"
        return end + self._waiting
