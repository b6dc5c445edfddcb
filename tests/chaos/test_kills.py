"""However and whenever an injector ends, its fault does: a kind of each sort by the hardest end, and every other end.

benchmarks/bench_kills.py does the same with every kind, hundreds of times.
"""

from __future__ import annotations

import random

import pytest
from killing import WAYS, Range
from stands import every_stand

from chaos.faults import KINDS

STANDS = every_stand()
SORTS = (
    "network.latency",
    "process.kill",
    "process.pause",
    "resource.memory",
    "resource.cgroup",
    "network.drop",
    "dns.fail",
    "clock.skew",
)
"""What a proxy holds, a signal, a process of ours, a group, the kernel, a resolver, a file."""
ENDS = [(kind, "KILL") for kind in SORTS] + [("network.latency", way) for way in WAYS[1:]]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "way"), ENDS)
async def test_no_end_of_an_injector_leaves_its_fault(kind, way, tmp_path):
    if (reason := KINDS[kind].capability()) is not None:
        pytest.skip(f"{kind}: {reason}")
    async with Range.at(kind, STANDS[kind], tmp_path) as range_:
        shot = await range_.shoot(way, random.uniform(0.1, 0.8))
    assert shot.left == ()
    assert shot.healed_after is not None
    assert shot.healed_after <= shot.limit
