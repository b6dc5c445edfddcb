"""Labels: an alert's, within bounds: whoever can raise an alert chooses them, and mustn't stop a mitigation so."""

from __future__ import annotations

from collections.abc import Mapping

MOST = 64
"""Labels that are kept. Prometheus' own alerts have fewer than ten."""

LONGEST = 8_192
"""Characters of a value that are kept."""

LONGEST_NAME = 128

TOTAL = 262_144
"""Bytes of all names and values together; Linux starts no process whose environment takes more than about 2 MiB."""


def within_bounds(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels that are kept, `alertname` and then the shortest first: one that is a megabyte costs no other one."""
    kept: dict[str, str] = {}
    room = TOTAL
    for name in sorted(labels, key=lambda name: (name != "alertname", len(labels[name]), name)):
        value = labels[name][:LONGEST]
        room -= len(f"{name}{value}".encode(errors="replace"))
        if len(kept) < MOST and room >= 0 and len(name) <= LONGEST_NAME:
            kept[name] = value
    return kept
