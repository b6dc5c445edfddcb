"""State: what a run's events say of it so far. A value: each event makes a new one, and any thread may read it.

starting ── started ──► playing ── ended ──► judging
                           │  stopping
                           └──────────► stopping ── ended ──► judging
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from flashcrowd.rundir import Event
from gamedays.progress import sentence

Stage = Literal["starting", "playing", "stopping", "judging"]
Phase = Literal["starting", "baseline", "fault", "mitigation", "recovery", "stopping", "judging"]

KEPT = 200
"""Lines of what happened, as many as the tallest screen has."""


@dataclass(frozen=True)
class Broken:
    """A fault that is in place. since: unix seconds. step: its number in the plan. bites: what the look showed."""

    name: str
    since: float
    step: int | None = None
    bites: str = ""


@dataclass(frozen=True)
class Paged:
    """A page. at: unix seconds."""

    alert: str
    at: float
    runbook: str | None


@dataclass(frozen=True)
class Followed:
    """A runbook and the step that it is at since then; how it ended, once it has."""

    name: str
    since: float
    section: str = ""
    step: str = ""
    outcome: str = ""

    @property
    def text(self) -> str:
        if self.outcome:
            return f"{self.name}: {self.outcome}"
        return f"{self.name}: {self.section} · {self.step}" if self.step else f"{self.name} begins"


@dataclass(frozen=True)
class Told:
    """A line of what happened. at: unix seconds. kind: the source of its event."""

    at: float
    kind: str
    label: str
    text: str


@dataclass(frozen=True)
class State:
    """began, start, ended: of the run, of its load, and of that its end; unix seconds, None as long as it isn't so.

    paged: since anything was broken last; pages: all. followed: runbooks by name, the latest of them last.
    """

    stage: Stage = "starting"
    began: float | None = None
    start: float | None = None
    ended: float | None = None
    broken: Mapping[str, Broken] = field(default_factory=dict)
    was_broken: bool = False
    paged: tuple[Paged, ...] = ()
    pages: int = 0
    followed: Mapping[str, Followed] = field(default_factory=dict)
    told: tuple[Told, ...] = ()

    @property
    def phase(self) -> Phase:
        if self.stage != "playing":
            return self.stage
        if not self.broken:
            return "recovery" if self.was_broken else "baseline"
        if any(not runbook.outcome for runbook in self.followed.values()):
            return "mitigation"
        return "recovery" if any(book.outcome == "recovered" for book in self.followed.values()) else "fault"

    def after(self, event: Event) -> State:
        """The state once this has happened too. Never raises, whatever the event holds."""
        change = CHANGES.get(f"{event.source}/{event.kind}")
        state = replace(self, began=event.time) if self.began is None else self
        try:
            state = change(state, event) if change is not None else state
            told = sentence(event)
        except (KeyError, TypeError, ValueError):  # a display is no reason to end a game day
            return state
        if told is None:
            return state
        return replace(state, told=(*state.told, Told(event.time, event.source, *told))[-KEPT:])


def _injected(state: State, event: Event) -> State:
    """The first of several faults opens a new incident: what was said of the one before it goes."""
    data = event.data
    fault = Broken(f"{data['fault']} on {data['on']}", event.time, data.get("step"))
    fresh = state if state.broken else replace(state, paged=(), followed={})
    return replace(fresh, broken={**fresh.broken, data["id"]: fault}, was_broken=True)


def _looked(state: State, event: Event) -> State:
    fault = state.broken.get(event.data["id"])
    if fault is None:
        return state
    bites = "bites" if event.kind == "bites" else "does not bite"
    return replace(state, broken={**state.broken, event.data["id"]: replace(fault, bites=bites)})


def _healed(state: State, event: Event) -> State:
    return replace(state, broken={key: fault for key, fault in state.broken.items() if key != event.data["id"]})


def _not_healed(state: State, event: Event) -> State:
    fault = state.broken.get(event.data["id"]) or Broken(f"{event.data['fault']} on {event.data['on']}", event.time)
    return replace(state, broken={**state.broken, event.data["id"]: replace(fault, bites="NOT HEALED")})


def _paged(state: State, event: Event) -> State:
    page = Paged(event.data["alert"], event.time, event.data["runbook"])
    return replace(state, paged=(*state.paged, page), pages=state.pages + 1)


def _follow(state: State, book: Followed) -> State:
    others = {name: other for name, other in state.followed.items() if name != book.name}
    return replace(state, followed={**others, book.name: book})


def _step(state: State, event: Event) -> State:
    data = event.data
    before = state.followed.get(data["runbook"])
    if before is not None and before.outcome:  # it is taken back: how it ended stays
        return state
    return _follow(state, Followed(data["runbook"], event.time, data["section"], data["step"]))


def _outcome(text: Callable[[Event], str]) -> Callable[[State, Event], State]:
    def ended(state: State, event: Event) -> State:
        before = state.followed.get(event.data["runbook"]) or Followed(event.data["runbook"], event.time)
        return _follow(state, replace(before, since=event.time, outcome=text(event)))

    return ended


CHANGES: Mapping[str, Callable[[State, Event], State]] = {
    "conductor/started": lambda state, event: replace(state, stage="playing", start=event.time),
    "conductor/stopping": lambda state, event: replace(state, stage="stopping"),
    "conductor/ended": lambda state, event: replace(state, stage="judging", ended=event.time),
    "fault/injected": _injected,
    "fault/bites": _looked,
    "fault/did_not_bite": _looked,
    "fault/healed": _healed,
    "fault/heal_failed": _not_healed,
    "alert/page": _paged,
    "runbook/started": lambda state, event: _follow(state, Followed(event.data["runbook"], event.time)),
    "runbook/step_start": _step,
    "runbook/ended": _outcome(lambda event: str(event.data["outcome"]).replace("_", " ")),
    "runbook/failed": _outcome(lambda event: "can't be followed"),
    "runbook/withheld": _outcome(lambda event: "withheld: this is the control without it"),
    "runbook/stood_down": _outcome(lambda event: "taken back" if event.data["taken_back"] else "over"),
    "runbook/stand_down_failed": _outcome(lambda event: "NOT TAKEN BACK"),
}
