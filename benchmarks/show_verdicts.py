"""What the gate says of synthetic histories whose truth is known; the table of docs/verdicts.md."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import histories  # noqa: E402 - it lies beside the tests that hold it

sys.stdout.write(histories.table(asyncio.run(histories.rows())))
