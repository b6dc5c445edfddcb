"""Progress: one plain sentence for each event that a person watching a run wants to know of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flashcrowd.rundir import Event
from gamedays.plan import EMBEDDED


def sentence(event: Event) -> tuple[str, str] | None:
    """(label, text) of an event, on one line; None when it isn't worth one."""
    tell = SENTENCES.get(f"{event.source}/{event.kind}")
    if tell is None:
        return None
    label, text = tell(event.data)
    return label, plain(text)


def plain(text: str) -> str:
    """Text on one line, without what moves a terminal's cursor or colours it: platforms answer with anything."""
    return "".join(one if one.isprintable() else "?" for one in " ".join(text.split()))


def name(data: dict[str, Any]) -> str:
    """The fault of a fault's event, as `network.latency on inventory`."""
    return f"{data['fault']} on {data['on']}"


def _step(data: dict[str, Any]) -> tuple[str, str]:
    state = str(data["state"]).replace("_", " ")
    return "runbook", f"{data['section']} · {data['step']}: {state}" + (
        f", {data['message']}" if data["message"] else ""
    )


def _page(data: dict[str, Any]) -> tuple[str, str]:
    took = f", {data['latency']:.1f} s after the breach" if "latency" in data else ""
    return "page", f"{data['alert']} → {'runbook ' + data['runbook'] if data['runbook'] else 'no runbook'}{took}"


def _instead(data: dict[str, Any]) -> str:
    return f" instead of {data['instead_of']}: this is the control" if data.get("instead_of") else ""


def taken_back(data: dict[str, Any]) -> str:
    """What became of a runbook's mitigations once their cause was gone."""
    said = [f"{', '.join(data['taken_back'])} taken back"] if data["taken_back"] else []
    said += [f"nothing to take back of {', '.join(data['kept'])}"] if data["kept"] else []
    return "; ".join(said)


def _source(data: dict[str, Any]) -> tuple[str, str]:
    why = f": {data['reason']}" if "reason" in data else ""
    return "pages", f"are read from {str(data['told_by']).capitalize()}{why}"


def _healing(broken: list[str]) -> str:
    return f"healing {', '.join(broken)}" if broken else "nothing is broken, ending the load"


SENTENCES: dict[str, Callable[[dict[str, Any]], tuple[str, str]]] = {
    "conductor/starting": lambda d: (
        "starting",
        "the embedded storefront, and what watches it" if d["target"] == EMBEDDED else f"with the target {d['target']}",
    ),
    "conductor/started": lambda d: ("load", "the first viewers arrive"),
    "conductor/aborted": lambda d: ("aborted", d["reason"]),
    "conductor/stopping": lambda d: ("stopping", _healing(d["broken"])),
    "conductor/interrupted": lambda d: ("stopped", "interrupted; what there is is judged and saved"),
    "conductor/ended": lambda d: ("load", "ended; collecting ledger, metrics and history"),
    "conductor/faults_unmarked": lambda d: ("warning", f"dashboards won't mark the faults: {d['reason']}"),
    "conductor/not_collected": lambda d: ("warning", f"no {d['what']}: {d['reason']}"),
    "sale/scheduled": lambda d: ("sale", f"wave {d['wave']}: {d['stock']:,} {d['sku']} announced"),
    "sale/opened": lambda d: ("sale", f"wave {d['wave']} opens"),
    "draw/scheduled": lambda d: ("draw", f"{len(d['prizes']):,} prizes announced"),
    "draw/opened": lambda d: ("draw", f"opens for {d['closes_at'] - d['opens_at']:.0f} s"),
    "ledger/read": lambda d: (
        "ledger",
        f"{d['orders']:,} orders, {'at rest' if d['settled'] else 'and still changing'}",
    ),
    "fault/injected": lambda d: ("fault", f"{d['message']}"),
    "fault/bites": lambda d: ("fault", f"{name(d)} bites: {d['message']}"),
    "fault/did_not_bite": lambda d: ("fault", f"{name(d)} does not bite: {d['message']}"),
    "fault/healed": lambda d: ("healed", f"{name(d)}, checked: {d['message']}"),
    "fault/rearmed": lambda d: ("fault", f"{name(d)}: {d['message']}"),
    "fault/heal_failed": lambda d: ("NOT HEALED", f"{name(d)}: {d['message']}"),
    "alert/source": _source,
    "alert/source_lost": lambda _: ("warning", "Alertmanager is gone; pages are read from Prometheus from now on"),
    "alert/page": _page,
    "alert/silenced": lambda d: ("silenced", f"{d['alert']} calls nobody: {d['reason']}"),
    "runbook/started": lambda d: ("runbook", f"{d['runbook']} begins{_instead(d)}"),
    "runbook/step_end": _step,
    "runbook/ended": lambda d: ("runbook", f"{d['runbook']}: {str(d['outcome']).replace('_', ' ')}"),
    "runbook/failed": lambda d: ("runbook", f"{d['runbook']} can't be followed: {d['message']}"),
    "runbook/stood_down": lambda d: ("all clear", f"{d['runbook']}: {taken_back(d)}"),
    "runbook/stand_down_failed": lambda d: (
        "LEFT",
        f"{d['runbook']}: {', '.join(d['left'])} is still in place: {d['message']}; by hand: {d['by_hand']}",
    ),
    "runbook/withheld": lambda d: ("runbook", f"{d['runbook']} withheld: this is the control without it"),
}
