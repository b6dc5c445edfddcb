"""Toxic types: one file each, by Toxiproxy's names and attributes; those whose names begin with `http_` are ours."""

from __future__ import annotations

from chaos.proxy.toxic import Attributes
from chaos.proxy.toxics.http_delay import HttpDelay
from chaos.proxy.toxics.http_error import HttpError
from chaos.proxy.toxics.latency import Latency

TYPES: dict[str, type[Attributes]] = {"latency": Latency, "http_error": HttpError, "http_delay": HttpDelay}
"""By the API's name."""
