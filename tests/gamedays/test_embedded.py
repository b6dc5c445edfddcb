"""The embedded storefront's capacity: everybody finds a place, but not when a process of two or three is dead."""

import math

import pytest

from gamedays.embedded import live_room

DEVIATIONS = 4.5
"""Of the binomial law by which the kernel shares connections out: one game day in 150,000 would go beyond."""


@pytest.mark.parametrize("live", [2, 3, 8])
@pytest.mark.parametrize("viewers", [1, 10, 150, 300, 1500, 20_000, 300_000])
def test_everybody_finds_a_place_however_connections_are_shared_out(viewers: int, live: int) -> None:
    share = viewers / live
    assert live_room(viewers, live) >= min(viewers, share + DEVIATIONS * math.sqrt(share * (1 - 1 / live)))


@pytest.mark.parametrize(("viewers", "live"), [(150, 2), (300, 2), (300, 3), (1500, 2), (1500, 3), (300_000, 3)])
def test_the_viewers_of_a_dead_process_do_not_all_fit_into_the_others(viewers: int, live: int) -> None:
    assert live_room(viewers, live) * (live - 1) < 0.96 * viewers
