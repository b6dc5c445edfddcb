"""Shares: bad events of all, on two sides, by the gate's own test; events that came together count as fewer.

The test (Fisher's, monitors/gate/baseline.py) takes events as independent. Those of a run are not: a stall of a second
makes all of its orders late. So counts are divided by the design effect, which is measured from blocks of time, before
they are tested: J. N. K. Rao and A. J. Scott (1992), "A simple method for the analysis of clustered binary data",
Biometrics 48: 577-585.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitors.gate.baseline import chance_of

BLOCK = 5.0
"""Seconds of events that are taken as having come together; what ends within that hits one block or two."""

Block = tuple[float, float]
"""Bad and all events of some seconds."""


def total(blocks: Iterable[Block]) -> Block:
    """All of them together."""
    bad = all_ = 0.0
    for one_bad, one_all in blocks:
        bad, all_ = bad + one_bad, all_ + one_all
    return bad, all_


def design_effect(blocks: Sequence[Block]) -> float:
    """How many times more the bad share varies than if events were independent; at least 1, which it is, too, where
    there is only one block, or no bad event that could tell."""
    blocks = [block for block in blocks if block[1] > 0]
    bad, all_ = total(blocks)
    share = bad / all_ if all_ else 0.0
    if len(blocks) < 2 or not 0 < share < 1:
        return 1.0
    squares = sum((one_bad - share * one_all) ** 2 for one_bad, one_all in blocks)
    return max(1.0, len(blocks) / (len(blocks) - 1) * squares / (all_ * share * (1 - share)))


def effective(blocks: Sequence[Block]) -> Block:
    """As many independent events as would tell as much: bad and all."""
    bad, all_ = total(blocks)
    effect = design_effect(blocks)
    return bad / effect, all_ / effect


def chance_of_more(now: Sequence[Block], before: Sequence[Block]) -> float:
    """The chance (0 to 1) of so large a bad share now, if nothing had changed; 1 where a side has no events.

    The larger design effect holds for both sides: a side without a bad event can't tell how they would have come.
    """
    effect = max(design_effect(now), design_effect(before))
    (bad, total_now), (bad_before, total_before) = total(now), total(before)
    if not total_now or not total_before:
        return 1.0
    return chance_of((bad / effect, total_now / effect), (bad_before / effect, total_before / effect))
