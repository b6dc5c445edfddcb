"""Manifest: what a run was made of, written before its first packet."""

from __future__ import annotations

import os
import platform
import resource
import time
from importlib.metadata import version

from flashcrowd.rundir import FORMAT, RunDirectory
from flashcrowd.units import utc
from gamedays.evidence.fingerprints import of_plan, of_rules, of_target
from gamedays.planning.checks import Prepared

PARTS = ("locust", "gevent", "websockets", "prometheus-client")


def write(run: RunDirectory, prepared: Prepared, our_version: str) -> None:
    """Write `manifest.json`: plan, target, SLOs, their fingerprints, control, versions, limits.

    Secrets are still `${env.NAME}` there.
    """
    run.write_json(
        "manifest.json",
        {
            "format": FORMAT,
            "run": run.name,
            "created": utc(time.time()),
            "control": prepared.control,
            "seed": prepared.seed,
            "plan": prepared.plan.model_dump(mode="json", by_alias=True),
            "plan_file": prepared.file.name,
            "target": prepared.target.model_dump(mode="json", by_alias=True) if prepared.target else "embedded",
            "slos": [slo.model_dump(mode="json", by_alias=True) for slo in prepared.slos],
            "fingerprints": {
                "plan": of_plan(prepared.plan),
                "rules": of_rules(prepared.slos),
                "target": of_target(prepared.target),
            },
            "versions": {"flashcrowd": our_version, **{part: version(part) for part in PARTS}},
            "machine": {
                "cores": os.cpu_count(),
                "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
                "files_per_process": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
                "python": platform.python_version(),
                "kernel": f"{platform.system()} {platform.release()}",
            },
        },
    )
