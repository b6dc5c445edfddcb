"""Whether controls that were played apart give a runbook its credit."""

from __future__ import annotations

import pytest
from made_evidence import LATENCY, rehearsed, run, shown

from runbooks.evidence import credited

PASS, DOUBT = shown("no-runbook", "pass"), shown("wrong-runbook", "inconclusive")


@pytest.mark.parametrize(
    ("controls", "mitigations", "credit"),
    [
        ([PASS], ("reserve-blocks",), True),
        ([PASS, DOUBT], ("reserve-blocks",), None),
        ([DOUBT, PASS], ("reserve-blocks",), None),
        ([DOUBT, PASS, shown("wrong-runbook", "pass")], ("reserve-blocks",), True),
        ([shown("no-fault", "pass")], ("reserve-blocks",), None),
        ([PASS], (), None),
    ],
    ids=["it helped", "another control can't tell", "in any order", "until it can", "not asked", "nothing was done"],
)
def test_a_control_that_can_not_tell_leaves_a_doubt(controls, mitigations, credit) -> None:
    row = rehearsed(LATENCY, credit=None, why="", mitigations=mitigations)
    apart = [run(n, LATENCY, control=one.control, controls=(one,)) for n, one in enumerate(controls, 2)]
    played = run(1, LATENCY, rehearsed=(row,))
    assert credited(row, played, [played, *apart])[0] is credit
