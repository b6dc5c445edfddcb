"""The example of a foreign platform: nginx with nchan, a plain shop, and the target file as it lies there."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from flashcrowd.process import Supervisor, accepts, free_port
from flashcrowd.verdict import Outcome
from gamedays import doctor
from gamedays.verbs import load_run
from loadtests.history import OrderOutcome, read_history

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "nginx-nchan"
MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")


@dataclass(frozen=True)
class Foreign:
    """The example's files, at free ports."""

    folder: Path
    chat: int
    shop: int

    @property
    def target(self) -> Path:
        return self.folder / "target.yaml"


def require_nchan() -> str:
    """nginx; where `make setup` installs it, it has to be there."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is not None and MODULE.exists():
        return nginx
    if os.geteuid() == 0 and shutil.which("apt-get"):
        pytest.fail("nginx with nchan is missing; 'make setup' installs it: apt install libnginx-mod-nchan")
    pytest.skip("nginx with nchan is not installed: apt install libnginx-mod-nchan")


@pytest.fixture
async def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Foreign]:
    nginx = require_nchan()
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    one = Foreign(tmp_path / "example", free_port(), free_port())
    shutil.copytree(EXAMPLE, one.folder)
    for file in one.folder.iterdir():
        file.write_text(file.read_text().replace("7081", str(one.chat)).replace("7082", str(one.shop)))
    (one.folder / "run").mkdir()
    async with Supervisor(tmp_path) as supervisor:
        conf = ["-c", str(one.folder / "nginx.conf"), "-e", "stderr"]
        chat = supervisor.spawn("nginx", [nginx, "-p", str(one.folder / "run"), *conf])
        shop = supervisor.spawn("shop", [sys.executable, str(one.folder / "shop.py")])
        await chat.ready(lambda: accepts("127.0.0.1", one.chat))
        await shop.ready(lambda: accepts("127.0.0.1", one.shop))
        yield one


def buyers(runs: Path) -> set[str]:
    """Who has ordered so far, in the load that is under way."""
    return {record.user for folder in runs.glob("*/load") for record in read_history(folder)}


async def open_sale(foreign: Foreign, stock: int) -> None:
    sale = {"sku": "lipstick-01", "stock": stock, "opens_at": time.time(), "room": "main", "sale_id": "s"}
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.post(f"http://127.0.0.1:{foreign.shop}/sales", json=sale)).status_code == 201


async def test_the_target_file_works_as_it_is(foreign, tmp_path):
    """A crowd chats and buys; the sale sells out, every order is in the foreign ledger, every comment arrives."""
    seen = await doctor.examine(foreign.target, viewers=200)
    assert seen.to_mend == []
    spec = load_run.spec(str(foreign.folder / "sale.py"), 20, "ramp", "8s", "1s", "1", None, None)
    load = asyncio.create_task(load_run.play(spec, foreign.target, None, tmp_path / "runs", lambda line: None))
    async with asyncio.timeout(30):
        while len(buyers(tmp_path / "runs")) < 15:  # by then nearly all are in the room, and hear the opening
            await asyncio.sleep(0.05)
    await open_sale(foreign, stock=5)
    ended = await load
    rows = {finding.name: finding for finding in ended.verdict.findings}
    assert ended.result is not None
    assert ended.result.failures == 0
    assert ended.result.deliveries["on_time"] > 50
    assert ended.result.deliveries["lost"] == 0
    records = list(read_history(ended.run.path / "load"))
    sale = [record for record in records if record.sku == "lipstick-01"]
    assert sum(record.outcome is OrderOutcome.ACCEPTED for record in sale) == 5
    assert {record.outcome for record in records} == {OrderOutcome.ACCEPTED, OrderOutcome.REJECTED}
    invariants = [finding for name, finding in rows.items() if name.startswith("invariant/")]
    assert invariants
    assert not [finding for finding in invariants if finding.outcome is Outcome.FAIL]
