"""Orders seen: how long orders took and how many had no answer while no fault was in place, by block of time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from flashcrowd.errors import InputError
from gamedays.comparison.quantiles import Sample
from gamedays.comparison.shares import BLOCK, Block
from gamedays.story.story import Story
from loadtests.crowd.histogram import LatencyHistogram
from loadtests.history import OrderOutcome, read_history


@dataclass
class _Seconds:
    times: LatencyHistogram = field(default_factory=LatencyHistogram)
    unanswered: int = 0


@dataclass(frozen=True)
class OrdersSeen:
    """times: from the wish to the answer. unanswered: orders of which the viewer never knew, of all."""

    times: Sample
    unanswered: tuple[Block, ...]


def orders_seen(story: Story) -> OrdersSeen | None:
    """From the viewers' history; None when there is none, or it can't be read."""
    blocks = defaultdict[tuple[int, int], _Seconds](_Seconds)
    windows = list(enumerate(story.outside))
    try:
        for order in read_history(story.run.path / "load"):
            number = next((n for n, (start, end) in windows if start <= order.start < end), None)
            if number is not None:
                block = blocks[number, int((order.start - windows[number][1][0]) // BLOCK)]
                block.times.record(order.end - order.start)
                block.unanswered += order.outcome is OrderOutcome.UNKNOWN
    except InputError:
        return None
    if not blocks:
        return None
    in_order = [blocks[place] for place in sorted(blocks)]
    times = Sample(tuple(dict(block.times.buckets()) for block in in_order))
    return OrdersSeen(times, tuple((block.unanswered, block.times.count) for block in in_order))
