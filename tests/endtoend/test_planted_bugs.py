"""The proof that each invariant can fail, and that it fails for nothing else: a storefront with one bug at a time, and
the correct one, with its inventory killed in the middle of the rush, too.

Each run has a storefront of its own. They are played two at a time, as each of them waits more than it works.
FLASHCROWD_REPEAT=10 plays the correct one ten times.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from command_line import CommandLine, wait_until
from standing import STOCK, killed_and_started_again, storefront

from loadtests.invariants import NAMES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

Found = dict[str, dict[str, Any]]

REPEAT = range(int(os.environ.get("FLASHCROWD_REPEAT", "1")))
CAUGHT = {
    "oversell": "oversold",
    "lost-order": "lost",
    "duplicate-on-retry": "duplicate",
    "limit-ignored": "limit",
    "forbidden-phrase": "forbidden-phrase",
    "winner-twice": "draw-once",
}
SETTINGS = {"oversell": {"BOTS": "1"}}
"""Check-then-act goes wrong when many come at once, and by chance alone when they come one after the other."""


def play(command_line: CommandLine, bug: str | None, kill: bool) -> Found:
    """What the invariants say of one load."""
    try:
        with storefront(command_line, *(("--bug", bug) if bug else ())) as shop:
            load = shop.load()
            if not kill:
                return shop.invariants(load)
            wait_until(lambda: shop.sold() > STOCK // 10, "the rush")
            with killed_and_started_again(shop.inventory()):
                return shop.invariants(load)
    finally:
        command_line.clean_up()


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Found]]:
    """What came of a play, by its name. All those that the chosen tests need begin at once, two at a time."""
    plays: dict[str, Callable[[CommandLine], Found]] = {bug: partial(play, bug=bug, kill=False) for bug in CAUGHT}
    plays |= {f"correct {n}": partial(play, bug=None, kill=False) for n in REPEAT}
    plays |= {f"killed {n}": partial(play, bug=None, kill=True) for n in REPEAT}
    wanted = {item.callspec.params["name"] for item in request.session.items if item.module is request.module}
    with ThreadPoolExecutor(2) as pool:
        found: dict[str, Future[Found]] = {
            name: pool.submit(one, CommandLine(tmp_path_factory.mktemp("play"), settings=SETTINGS.get(name, {})))
            for name, one in plays.items()
            if name in wanted
        }
        yield lambda name: found[name].result()
        pool.shutdown(cancel_futures=True)


def outcomes(found: Found) -> dict[str, set[str]]:
    return {kind: {name for name, row in found.items() if row["outcome"] == kind} for kind in ("fail", "inconclusive")}


@pytest.mark.parametrize("name", CAUGHT)
def test_every_planted_bug_is_caught_by_its_invariant_and_only_by_it(played: Callable[..., Found], name: str):
    found = played(name)
    assert set(found) == set(NAMES)
    assert outcomes(found) == {"fail": {CAUGHT[name]}, "inconclusive": set()}, found
    evidence = found[CAUGHT[name]]["evidence"]
    examples = evidence.get("orders") or evidence.get("entries") or evidence["examples"]
    assert 0 < len(examples) <= 10
    for order in evidence.get("orders", []):
        assert order["key"]
        assert order["user"]
        assert order["traceparent"].startswith("00-")
        assert order["start"] <= order["end"]


@pytest.mark.parametrize("name", [f"correct {n}" for n in REPEAT])
def test_the_correct_storefront_passes_all(played: Callable[..., Found], name: str):
    found = played(name)
    assert set(found) == set(NAMES)
    assert {row["outcome"] for row in found.values()} == {"pass"}, found


@pytest.mark.parametrize("name", [f"killed {n}" for n in REPEAT])
def test_the_correct_storefront_passes_all_with_its_inventory_killed_in_the_rush(
    played: Callable[..., Found], name: str
):
    found = played(name)
    assert set(found) == set(NAMES)
    assert {row["outcome"] for row in found.values()} == {"pass"}, found
    assert found["duplicate"]["evidence"]["retried"] > 0
