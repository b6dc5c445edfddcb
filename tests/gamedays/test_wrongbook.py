from __future__ import annotations

import pytest

from flashcrowd.errors import InputError
from gamedays.planning import wrongbook
from gamedays.planning.checks import prepare
from runbooks import catalogue
from runbooks.model import Heading, HttpStep

STEPS = """
    - at: {at}s
      fault: {{kind: network.latency, on: inventory, delay: 800ms, for: 20s}}
      expect: {{slo: order-latency, runbook: {runbook}}}"""
PLAN = """apiVersion: flashcrowd/v1
kind: GameDay
metadata: {name: books}
spec:
  target: embedded
  slos: [storefront]
  load: {scenario: live-commerce, viewers: 200, over: 10s, hold: 400s}
  steps:"""


def plan_of(tmp_path, *books: str) -> str:
    file = tmp_path / "plan.yaml"
    file.write_text(PLAN + "".join(STEPS.format(at=30 * n, runbook=book) for n, book in enumerate(books, 1)))
    return str(file)


def test_the_next_one_of_the_plan_is_followed_and_after_the_last_the_first(tmp_path):
    prepared = prepare(plan_of(tmp_path, "order-latency", "playback-stalls", "chat-delivery"), "wrong-runbook")
    of_plan = wrongbook.named(prepared.plan, prepared.slos)
    assert of_plan[:3] == ["order-latency", "playback-stalls", "chat-delivery"]
    followed = [wrongbook.instead_of(name, of_plan[:3]).name for name in of_plan[:3]]
    assert followed == ["playback-stalls", "chat-delivery", "order-latency"]


def test_where_the_plan_names_no_other_the_library_does():
    assert wrongbook.instead_of("order-latency", ["order-latency"]).name == "behaviour-freshness"


def test_one_that_does_the_same_is_not_a_wrong_one(tmp_path):
    same = tmp_path / "same.md"
    same.write_text(catalogue.find("order-latency").file.read_text())
    assert wrongbook.instead_of(str(same), [str(same), "order-latency", "chat-delivery"]).name == "chat-delivery"


def test_a_plan_whose_runbook_has_no_counterpart_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "builtin_names", lambda: ["order-latency"])
    monkeypatch.setattr(wrongbook, "named", lambda plan, slos: ["order-latency"])
    plan = plan_of(tmp_path, "order-latency")
    with pytest.raises(InputError, match="no other runbook does something else than order-latency"):
        prepare(plan, "wrong-runbook")


@pytest.mark.parametrize("name", catalogue.builtin_names())
def test_every_mitigation_is_carried_out_and_nothing_keeps_it_from_that(name):
    page = catalogue.find(name)
    forced = wrongbook.forced(page)
    assert forced.steps(Heading.DIAGNOSIS) == forced.steps(Heading.VERIFICATION) == ()
    assert [step.name for step in forced.steps(Heading.MITIGATION)] == [
        step.name for step in page.steps(Heading.MITIGATION) if step.acts
    ]
    assert forced.steps(Heading.ROLLBACK) == page.steps(Heading.ROLLBACK)
    for step in forced.steps(Heading.MITIGATION):
        assert step.when is None
        assert not isinstance(step, HttpStep) or step.expect.holds(409)
