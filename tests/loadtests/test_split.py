from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from flashcrowd.target import Identities
from loadtests.identities import IdentityPool
from loadtests.split import SPARE, loopback_sources, too_many, workers_for

viewers = st.integers(1, 500_000)


@settings(deadline=None)
@given(viewers, st.integers(1, 64), st.integers(4_000, 1_000_000), st.sampled_from([1, 2]))
def test_the_crowd_fits_into_its_processes_and_into_one_fewer(viewers, cores, files, sockets):
    workers = workers_for(viewers, cores, files, sockets)
    assert math.ceil(viewers / workers) * sockets <= files - SPARE
    if workers > 1:
        assert math.ceil(viewers / (workers - 1)) * sockets <= files - SPARE


def test_a_small_crowd_is_one_process_and_a_large_one_uses_all_cores():
    assert workers_for(2_000, 8, 20_000) == 1
    assert workers_for(18_000, 2, 20_000) == 2
    assert workers_for(300_000, 2, 20_000) == 17


@settings(deadline=None)
@given(st.integers(0, 500), st.integers(0, 500), st.integers(1, 60_000))
def test_workers_share_no_source_address(one, other, viewers):
    first, second = (set(loopback_sources(worker, viewers, 28_232)) for worker in (one, other))
    assert len(first) * 14_116 >= viewers
    assert one == other or not first & second


def test_too_few_source_addresses_are_told_with_how_many_are_needed():
    assert too_many(28_232, [], 28_232) is None
    assert too_many(50_000, ["10.0.0.1", "10.0.0.2"], 28_232) is None
    assert "need 4 source addresses" in (too_many(100_000, ["10.0.0.1"], 28_232) or "")


@settings(deadline=None)
@given(st.integers(2, 6), st.integers(1, 40))
def test_the_identities_of_a_lost_worker_go_to_the_others_each_once(workers, rows):
    source = Identities(generate=rows * workers)
    pools = [IdentityPool(source, worker, workers) for worker in range(workers)]
    *heirs, _ = pools
    for number, heir in enumerate(heirs):
        heir.inherit(workers - 1 + number * workers, workers * len(heirs))
    taken = [user for heir in heirs for user in _all(heir)]
    assert len(taken) == len(set(taken)) == rows * workers


def _all(pool):
    users = []
    while True:
        try:
            users.append(pool.take().user)
        except Exception:
            return users
