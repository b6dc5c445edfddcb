from __future__ import annotations

import random
from statistics import median

import pytest

from loadtests.dwell import dwelling


def test_half_of_the_viewers_stay_longer_than_the_median_and_some_for_very_long():
    random.seed(4)
    stays = [dwelling(median=100.0, sigma=1.5)(None) for _ in range(20_000)]
    assert median(stays) == pytest.approx(100.0, rel=0.05)
    assert sum(stay > 100.0 * 2.718281828**1.5 for stay in stays) / len(stays) == pytest.approx(0.159, abs=0.01)
