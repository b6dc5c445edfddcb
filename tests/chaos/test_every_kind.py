"""What every kind of fault must do, each on something real."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from stands import every_stand

from chaos.fault import Fault
from chaos.faults import KINDS, parse_fault
from chaos.injector import Injector
from flashcrowd.guard import Guard
from flashcrowd.target import Component

STANDS = every_stand()


def test_every_kind_has_something_to_be_tried_on():
    assert sorted(STANDS) == list(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_what_it_does_needs_and_how_it_ends(kind):
    docstring = sys.modules[KINDS[kind].__module__].__doc__ or ""
    assert docstring.startswith(f"`{kind}`: ")
    assert f"    {{kind: {kind}, on: " in docstring
    for label in ("Needs: ", "Bites: ", "Heals: ", "Holds: "):
        assert f"\n\n{label}" in docstring


def usable(kind: str) -> type[Fault]:
    if (reason := KINDS[kind].capability()) is not None:
        pytest.skip(f"{kind}: {reason}")
    return KINDS[kind]


@pytest.mark.parametrize("kind", STANDS)
async def test_it_bites_and_is_healed_before_during_and_after(kind, tmp_path, children, log, until):
    usable(kind)
    told: list[tuple[str, dict[str, Any]]] = []
    async with STANDS[kind](tmp_path, children) as stand:
        fault = parse_fault({"kind": kind, "on": "it", "for": "60s", **stand.fault})
        component = Component.model_validate(stand.component)
        never = await fault.prepare("0123456789ab", component, Guard(["127.0.0.1"]))
        await never.heal()
        assert (probe := await never.healed()).ok, probe.message
        assert not await stand.present()
        guard = Guard(["127.0.0.1"])
        async with Injector({"it": component}, guard, log, lambda kind, data: told.append((kind, data))) as it:
            active = await it.inject(fault)
            assert active.bite.ok, active.bite.message
            assert stand.passes or await stand.present()
            (record,) = log.all()
            _, injection = record.revive()
            assert injection.by_hand()
            await injection.heal()
            await until(lambda: _absent(stand))
            await injection.heal()
            assert (probe := await active.heal()).ok, probe.message
        assert not await stand.present()
    assert [kind for kind, _ in told] == ["armed", "injected", "bites", "healed"]
    assert log.all() == []


async def _absent(stand) -> bool:
    return not await stand.present()
