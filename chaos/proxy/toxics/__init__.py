"""Toxic types: one file each, by Toxiproxy's names and attributes; those whose names begin with `http_` are ours."""

from __future__ import annotations

from chaos.proxy.toxic import Attributes
from chaos.proxy.toxics.bandwidth import Bandwidth
from chaos.proxy.toxics.http_delay import HttpDelay
from chaos.proxy.toxics.http_error import HttpError
from chaos.proxy.toxics.latency import Latency
from chaos.proxy.toxics.limit_data import LimitData
from chaos.proxy.toxics.reset_peer import ResetPeer
from chaos.proxy.toxics.slicer import Slicer
from chaos.proxy.toxics.slow_close import SlowClose
from chaos.proxy.toxics.timeout import Timeout

TYPES: dict[str, type[Attributes]] = {
    "bandwidth": Bandwidth,
    "http_delay": HttpDelay,
    "http_error": HttpError,
    "latency": Latency,
    "limit_data": LimitData,
    "reset_peer": ResetPeer,
    "slicer": Slicer,
    "slow_close": SlowClose,
    "timeout": Timeout,
}
"""By the API's name."""
