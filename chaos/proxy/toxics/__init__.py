"""Toxic types: one file each, by Toxiproxy's names and attributes."""

from __future__ import annotations

from chaos.proxy.toxic import Attributes
from chaos.proxy.toxics.latency import Latency

TYPES: dict[str, type[Attributes]] = {"latency": Latency}
"""By the API's name."""
