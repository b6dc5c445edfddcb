"""Provisioning: the files by which a Grafana has the data source and the dashboards from its start on.

https://grafana.com/docs/grafana/latest/administration/provisioning/
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML

from flashcrowd.errors import InputError, NeedError
from flashcrowd.rundir import write_atomically
from monitors.dashboards.crowd import crowd
from monitors.dashboards.faults import faults
from monitors.dashboards.frame import text
from monitors.dashboards.overview import overview
from monitors.slo import Slo
from monitors.windows import WindowPolicy

DASHBOARDS = "/var/lib/grafana/dashboards/flashcrowd"
"""Where Grafana looks for the dashboards, in its container or on its machine."""


@dataclass(frozen=True)
class Provisioned:
    """Where things are. prometheus: its URL as Grafana reaches it. scrape_interval: its own, as `15s`; a rate can't be
    taken over less than a few of these. folder: where Grafana finds the dashboards' files."""

    prometheus: str = "http://127.0.0.1:9090"
    scrape_interval: str = "1s"
    folder: str = DASHBOARDS


def dashboards(slos: Sequence[Slo], policy: WindowPolicy, runbooks: str | None = None) -> dict[str, str]:
    """The JSON of each dashboard, by the name of its file.

    Raises:
        InputError: there is no SLO to show.
    """
    if not slos:
        raise InputError("no SLO in these files, so nothing to draw; a composite alone has no series of its own")
    made = {
        "slo-overview.json": overview(slos, policy, runbooks),
        "crowd.json": crowd(),
        "faults.json": faults(slos, policy),
    }
    return {name: text(board) for name, board in made.items()}


def files(boards: Mapping[str, str], where: Provisioned) -> dict[PurePosixPath, str]:
    """Every file below a folder for Grafana: `dashboards/` to be mounted at `where.folder`, `provisioning/`."""
    provisioning = PurePosixPath("provisioning")
    return {
        **{PurePosixPath("dashboards") / name: content for name, content in boards.items()},
        provisioning / "datasources" / "flashcrowd.yaml": _yaml(_data_source(where)),
        provisioning / "dashboards" / "flashcrowd.yaml": _yaml(_provider(where)),
    }


def write(made: Mapping[PurePosixPath, str], out: Path) -> list[Path]:
    """Write the files below `out`; their paths. Raises NeedError where one can't be written."""
    written = []
    for name, content in made.items():
        path = out / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)
        except OSError as error:
            raise NeedError(f"{path} can't be written: {error.strerror}; choose another folder with --out") from None
        written.append(path)
    return written


def _data_source(where: Provisioned) -> dict[str, Any]:
    source = {
        "name": "flashcrowd",
        "uid": "flashcrowd",
        "type": "prometheus",
        "access": "proxy",
        "url": where.prometheus,
        "isDefault": True,
        "editable": False,
        "jsonData": {"timeInterval": where.scrape_interval, "httpMethod": "POST"},
    }
    return {"apiVersion": 1, "datasources": [source]}


def _provider(where: Provisioned) -> dict[str, Any]:
    provider = {
        "name": "flashcrowd",
        "type": "file",
        "folder": "flashcrowd",
        "allowUiUpdates": False,
        "updateIntervalSeconds": 30,
        "options": {"path": where.folder},
    }
    return {"apiVersion": 1, "providers": [provider]}


def _yaml(document: dict[str, Any]) -> str:
    stream = io.StringIO()
    YAML().dump(document, stream)
    return stream.getvalue()
