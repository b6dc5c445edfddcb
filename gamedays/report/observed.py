"""Observed: what viewers saw of the picture, and how fresh their behaviour data was, as lines of 80 columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flashcrowd.units import about


def picture(stream: Mapping[str, Any]) -> list[str]:
    """What the players saw; nothing where nobody watched."""
    if not stream:
        return []
    lines = [f"picture       players: {stream['players']:,}; {stream['starts_late']:,} had no picture after 2 s"]
    if stream["stall_ratio"] is None:
        return [*lines, "              no data: none of them ever saw anything", ""]
    share, watched = f"{stream['stall_ratio']:.2%}", about(stream["watched_seconds"])
    lines += [
        f"              started after {_quantiles(stream['startup'])}",
        f"              {share} of {watched} in stalls ({stream['stalls']:,} of them)",
        f"              {_delay(stream)}",
        f"              quality changed {stream['switches']:,} times",
    ]
    return [*lines, ""]


def behaviour(events: Mapping[str, Any]) -> list[str]:
    """What became of behaviour events; nothing where there were none."""
    if not events:
        return []
    lines = [f"behaviour     {events['sent']:,} events, {events['sent'] - events['accepted']:,} of them not taken"]
    if not events["probed"]:
        return [*lines, "              freshness: no data; the target file says no spec.events.visible", ""]
    lines.append(f"              {events['probed']:,} asked for: {_found(events)}")
    if times := events["freshness"]:
        lines.append(f"              visible after {_quantiles(times)}")
    return [*lines, ""]


def _delay(stream: Mapping[str, Any]) -> str:
    if not stream["delay"]:
        return "delay: no data, as the playlist has no EXT-X-PROGRAM-DATE-TIME"
    return f"behind live {_quantiles(stream['delay'])}"


def _found(events: Mapping[str, Any]) -> str:
    found = [f"{events[name]:,} {name}" for name in ("fresh", "late", "shed", "unknown") if events[name]]
    return ", ".join(found) + (f", {events['lost']:,} never visible" if events["lost"] else "")


def _quantiles(times: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {about(times[name])}" for name in ("p50", "p99", "max"))
