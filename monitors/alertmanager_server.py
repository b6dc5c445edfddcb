"""Alertmanager server: a real Alertmanager as a child of ours, on a free port of loopback."""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from flashcrowd.process import Supervisor, free_port
from monitors.alertmanager import Alertmanager

HOST = "127.0.0.1"
PROGRAMS = ("prometheus-alertmanager", "alertmanager")
"""Debian's name, and everybody else's."""

ON_CALL, NOBODY = "on-call", "nobody"


def locate() -> Path | None:
    """The Alertmanager on PATH, if there is one: without it, pages are read from Prometheus."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    return Path(found) if found is not None else None


async def start(
    supervisor: Supervisor, directory: Path, program: Path, webhooks: Sequence[str] = (), token_file: Path | None = None
) -> str:
    """Start it and wait until it takes alerts; its URL. The supervisor ends it.

    directory: made where it doesn't exist; has the configuration, and silences. webhooks: URLs that are told of pages.
    token_file: the bearer token for those.

    Raises:
        NeedError: it isn't ready; shows the end of its log.
    """
    config = _write(directory, configuration(webhooks, token_file))
    address = f"{HOST}:{free_port(HOST)}"
    url = f"http://{address}"
    child = supervisor.spawn(
        "alertmanager",
        [
            str(program),
            f"--config.file={config}",
            f"--storage.path={directory / 'data'}",
            f"--web.listen-address={address}",
            f"--web.external-url={url}",
            "--cluster.listen-address=",  # else it would listen to its like, on all interfaces
            "--log.level=warn",
        ],
    )
    async with Alertmanager(url) as alertmanager:
        await child.ready(alertmanager.ready)
    return url


def configuration(webhooks: Sequence[str] = (), token_file: Path | None = None) -> str:
    """The YAML of an `alertmanager.yml`: pages go to on-call at once, one notification an SLO; tickets to nobody."""
    token = {"http_config": {"authorization": {"credentials_file": str(token_file)}}} if token_file is not None else {}
    calls: dict[str, Any] = {"webhook_configs": [{"url": url, **token} for url in webhooks]} if webhooks else {}
    text = io.StringIO()
    YAML().dump(
        {
            "route": {
                "receiver": NOBODY,
                "group_by": ["sloth_service", "sloth_slo"],
                "group_wait": "0s",
                "group_interval": "1s",
                "routes": [{"matchers": ['sloth_severity="page"'], "receiver": ON_CALL}],
            },
            "receivers": [{"name": NOBODY}, {"name": ON_CALL, **calls}],
        },
        text,
    )
    return text.getvalue()


def _write(directory: Path, text: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "alertmanager.yml"
    config.write_text(text, encoding="utf-8")
    return config
