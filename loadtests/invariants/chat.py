"""Chat: no forbidden phrase reaches anybody, and whoever listens hears each sender in order.

The load counts both as it goes (`chat` in summary.json): a comment is never written down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flashcrowd.verdict import Finding, Outcome
from loadtests.invariants.invariant import vacuous

MINIMUM_SAID = 10
"""Forbidden phrases below which most evasions were never tried."""

MINIMUM_CHECKED = 100
"""Deliveries below which their order says little."""


def judge_chat(chat: Mapping[str, Any], aside: bool = False) -> Iterator[Finding]:
    """Both findings; none where the scenario says nothing forbidden, or numbers nothing.

    aside: the run was about something else, and people chatted meanwhile. Then what saw too little is left out, as if
    it had no part in the run; else it is inconclusive.
    """
    findings = list[Finding]()
    if said := chat.get("forbidden_said", 0):
        findings.append(_forbidden(said, chat.get("forbidden_delivered", 0), chat.get("forbidden_examples", [])))
    if checked := chat.get("order_checked", 0):
        findings.append(_order(checked, chat.get("out_of_order", 0), chat.get("order_examples", [])))
    yield from (one for one in findings if not (aside and one.outcome is Outcome.INCONCLUSIVE))


def _forbidden(said: int, delivered: int, examples: list[Any]) -> Finding:
    evidence = {"said": said, "count": delivered, "examples": examples}
    if delivered:
        message = f"{delivered} deliveries carried a forbidden phrase, of {said} that were said"
        return Finding("invariant/forbidden-phrase", Outcome.FAIL, message, evidence)
    if said < MINIMUM_SAID:
        return vacuous(
            "forbidden-phrase", f"{said} forbidden phrases were said; {MINIMUM_SAID} are needed to try the evasions"
        )
    held = f"none of {said} forbidden phrases got through"
    return Finding("invariant/forbidden-phrase", Outcome.PASS, held, evidence)


def _order(checked: int, wrong: int, examples: list[Any]) -> Finding:
    evidence = {"checked": checked, "count": wrong, "examples": examples}
    if wrong:
        message = f"{wrong} of {checked} deliveries came before an earlier one of the same sender"
        return Finding("invariant/chat-order", Outcome.FAIL, message, evidence)
    if checked < MINIMUM_CHECKED:
        return vacuous("chat-order", f"{checked} deliveries were compared; {MINIMUM_CHECKED} are needed")
    return Finding("invariant/chat-order", Outcome.PASS, f"{checked} deliveries came in their senders' order", evidence)
