"""Toolkit's python: an activity with a python provider, run by Chaos Toolkit's own library in a process of its own.

    python -m chaos.acting.toolkit_python '{"activity": {...}, "configuration": {...}, "secrets": {...}}'

Its exit status is 0 when the activity did not fail, and its result is within its tolerance if it has one.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any


def main(text: str) -> int:
    """Run it; the exit status."""
    given = json.loads(text)
    activity: dict[str, Any] = given["activity"]
    configuration = _of("configuration").load_configuration(given["configuration"])
    secrets = _of("secret").load_secrets(given["secrets"], configuration)
    try:
        result = _of("activity").run_activity(activity, configuration, secrets)
    except _of("exceptions").ChaosException as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(result)  # noqa: T201
    if "tolerance" not in activity:
        return 0
    within = _of("hypothesis").within_tolerance(activity["tolerance"], result, configuration, secrets)
    return 0 if within else 1


def _of(module: str) -> Any:
    """A module of the library, which is there with flashcrowd[chaostoolkit] alone."""
    return importlib.import_module(f"chaoslib.{module}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
