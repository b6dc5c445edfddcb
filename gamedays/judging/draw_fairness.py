"""Draw fairness: over the draws of many runs, which alone have too few winners to say whether chance was fair."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from flashcrowd.rundir import RunDirectory
from flashcrowd.verdict import Finding
from loadtests.entries import read_entries
from loadtests.fairness import judge_fairness


def judge(paths: Sequence[Path]) -> Finding:
    """Whether winning depended on the time of the entry. Raises InputError when one of them is no run directory."""
    folders = [RunDirectory.open(path).path / "load" for path in paths]
    return judge_fairness(chain.from_iterable(map(read_entries, folders)))
