"""The flood drowns a room until slow mode holds it back, and ends when it is killed."""

import os
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from .conftest import ROOT, Client, Storefront, eventually, standing


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storefront]:
    with standing(tmp_path_factory.mktemp("flood"), "live-1") as made:
        yield made


@pytest.fixture
def storefront(shared: Storefront) -> Storefront:
    return shared


def flood(storefront: Storefront, *words: str) -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, "FLASHCROWD_ADMIN": f"{storefront.url('live-1')}/admin"}
    command = [sys.executable, "-m", "storefront.flood", *words]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, timeout=30, check=False)


async def test_a_flood_is_seen_and_slow_mode_holds_it_back(visitor: Client) -> None:
    storefront = visitor.storefront
    assert flood(storefront, "seen", "--rate", "100").returncode == 1
    assert flood(storefront, "start", "--rate", "100", "--senders", "2", "--for", "60").returncode == 0
    try:
        assert flood(storefront, "seen", "--rate", "100").returncode == 0
        assert (await visitor.call("POST", "/admin/slow-mode", {"seconds": 60}, storefront.url("live-1")))[0] == 200

        async def slowed() -> bool:
            return await visitor.metric("live-1", "live_slowed_total") > 0

        await eventually(slowed)
    finally:
        for process in floods(storefront):
            process.kill()

    async def over() -> bool:
        return flood(storefront, "seen", "--rate", "100").returncode == 1

    await eventually(over)


def floods(storefront: Storefront) -> list[psutil.Process]:
    port = str(storefront.ports["live-1"])
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "storefront.flood" in words and "start" in words and port in process.environ().get("FLASHCROWD_ADMIN", ""):
            found.append(process)
    return found
