"""Provision: regenerates what compose.yaml mounts: rules, dashboards and the files that lead Grafana to them.

    python deploy/provision.py        (or: make provision)

A test holds the files here to what this writes.
"""

from __future__ import annotations

from pathlib import Path

from monitors import rules, slo_files, windows
from monitors.dashboards import provisioning
from monitors.dashboards.provisioning import Provisioned

HERE = Path(__file__).parent
SLOS = ("storefront", "stream", "behaviour", "viewers")
POLICY = "rehearsal"
"""A rehearsal of minutes, on a Prometheus that scrapes every second; production has windows of hours (google-30d)."""


def made() -> dict[Path, str]:
    """The content of every file, by its path below this folder."""
    slos, policy = slo_files.load(SLOS).slos, windows.find(POLICY)
    boards = provisioning.dashboards(slos, policy)
    grafana = provisioning.files(boards, Provisioned(scrape_interval="1s"))
    return {
        Path("prometheus/rules.yml"): rules.rule_file(slos, policy),
        **{Path("grafana") / name: content for name, content in grafana.items()},
    }


def main() -> None:
    """Write them all."""
    for name, content in made().items():
        path = HERE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
