"""What a mitigation that was cut off has left, whoever has to do with it since."""

from __future__ import annotations

import json

import pytest

from runbooks.audit import Audit
from runbooks.server import left


@pytest.fixture
async def cut(runbook, executor, audit, lines) -> Audit:
    """The audit of a run, as a crash in the middle of its mitigation leaves it."""
    await executor(runbook()).run()
    audit.close()
    rows = lines()
    begun = next(number for number, row in enumerate(rows) if (row["kind"], row.get("step")) == ("start", "reserve"))
    audit.path.write_text("".join(json.dumps(row) + "\n" for row in rows[: begun + 1]))
    return audit


async def test_while_somebody_goes_on_with_it_it_is_not_settled(cut) -> None:
    assert left.is_unfinished(cut.path)
    assert "reserve was under way; in place, or may be: reserve. Go on with" in left.note(cut.path, "slow")
    with Audit(cut.path, run=cut.run):
        assert left.is_unfinished(cut.path)
        assert left.note(cut.path, "slow").endswith("reserve was under way, and somebody is going on with it now")


async def test_what_had_ended_is_told_with_what_is_in_place(runbook, executor, audit, tmp_path) -> None:
    assert left.note(audit.path, "slow").endswith("nothing of it is in place")
    await executor(runbook()).run()
    assert not left.is_unfinished(audit.path)
    assert left.note(audit.path, "slow").endswith("had ended (recovered); in place: reserve")
