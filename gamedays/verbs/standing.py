"""Standing storefront: the embedded target kept up until Ctrl-C, for loads, faults and runbooks by hand."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path

from ruamel.yaml import YAML

import monitors.server
from flashcrowd.errors import NeedError
from flashcrowd.process import Supervisor
from flashcrowd.rundir import write_atomically
from flashcrowd.sweeper import swept
from flashcrowd.target import Target
from gamedays import embedded
from monitors import slo_files

SLOS = "storefront"


async def up(
    out: Path, tell: Callable[[str], None], live: int = embedded.LIVE_PROCESSES, bug: str | None = None
) -> None:
    """Start it, write `out/target.yaml`, tell the addresses, and wait for cancellation, which ends everything.

    Raises:
        InputError: there is no such bug to plant.
        NeedError: a part didn't start, or one of them died.
    """
    monitors.server.locate()
    logs = out / "logs"
    try:
        logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NeedError(f"{out} can't be made: {error.strerror}; choose another folder with --out") from None
    with swept("work-", out) as work:
        async with Supervisor(logs) as supervisor:
            rules = embedded.write_rules(work, slo_files.load([SLOS]).slos)
            target = await embedded.start(supervisor, work, rules, live, bug)
            file = out / "target.yaml"
            write_atomically(file, _yaml(target))
            try:
                tell(_addresses(target, file))
                await _until_one_dies(supervisor)
            finally:
                file.unlink(missing_ok=True)


async def _until_one_dies(supervisor: Supervisor) -> None:
    while True:
        for child in supervisor.children:
            if not child.alive and child.name == "prometheus":
                raise NeedError(f"{child.name} ended with {child.returncode}; its log is {child.log}")
        await asyncio.sleep(0.5)


def _addresses(target: Target, file: Path) -> str:
    spec = target.spec
    assert spec.live is not None
    assert spec.shop is not None
    assert spec.stream is not None
    assert spec.events is not None
    assert spec.prometheus is not None
    link = spec.components["inventory"].link
    assert link is not None
    return "\n".join(
        [
            f"  chat         {spec.live.url}",
            f"  shop         {spec.shop.url}",
            f"  picture      {spec.stream.playlist}",
            f"  behaviour    {spec.events.url}",
            f"  fault proxy  {link.toxiproxy}   (link {link.proxy})",
            f"  prometheus   {spec.prometheus.url}",
            *([f"  alertmanager {spec.alertmanager.url}"] if spec.alertmanager is not None else []),
            f"  target file  {file}",
            "",
            f"  flashcrowd load run live-commerce --target {file} --viewers 200 --duration 30s",
            f"  flashcrowd chaos inject network.latency --on inventory --for 30s --set delay=800ms --target {file}",
            "",
            "Ctrl-C ends it",
        ]
    )


def _yaml(target: Target) -> str:
    text = io.StringIO()
    YAML().dump(target.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True), text)
    return "apiVersion: flashcrowd/v1\nkind: Target\n" + text.getvalue()
