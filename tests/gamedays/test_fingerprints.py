"""What a rehearsal was against: the same at every start, another as soon as plan, rules or target are."""

from __future__ import annotations

from pathlib import Path

import pytest

from flashcrowd.rundir import RunDirectory
from gamedays import embedded, gameday
from gamedays.evidence.fingerprints import of_plan, of_rules, of_target
from monitors.slo_files import load


@pytest.fixture(scope="module")
def plan():
    return gameday.prepare("flash-sale-rehearsal").plan


@pytest.fixture(scope="module")
def slos():
    return load(["storefront"], Path()).slos


def changed(model, **fields):
    """A plan, its load or its first fault being another."""
    return model.model_copy(update={"spec": model.spec.model_copy(update=fields)})


def test_a_run_says_which_plan_rules_and_target_it_was_of(rehearsed):
    one, other = rehearsed().read_json("manifest.json"), rehearsed(control="no-runbook").read_json("manifest.json")
    assert set(one["fingerprints"]) == {"plan", "rules", "target"}
    assert one["fingerprints"] == other["fingerprints"]
    assert (
        one["fingerprints"]
        != rehearsed(expect="{slo: order-latency, runbook: order-latency}").read_json("manifest.json")["fingerprints"]
    )


def test_a_plan_is_what_is_played_and_not_what_it_is_called(plan):
    same = changed(plan, controls=[], slos=["other"], target="other.yaml")
    same = same.model_copy(update={"metadata": plan.metadata.model_copy(update={"name": "other"})})
    assert of_plan(same) == of_plan(plan)
    assert of_plan(changed(plan, steps=[])) != of_plan(plan)
    assert of_plan(changed(plan, load=plan.spec.load.model_copy(update={"viewers": 7}))) != of_plan(plan)


def test_rules_are_objectives_queries_and_alerts_in_any_order(slos):
    first, *rest = slos
    assert of_rules([*rest, first]) == of_rules(slos)
    assert of_rules([first.model_copy(update={"description": "Other words."}), *rest]) == of_rules(slos)
    assert of_rules([first.model_copy(update={"objective": 99.9}), *rest]) != of_rules(slos)
    other = first.alerting.model_copy(update={"annotations": {"runbook": "another"}})
    assert of_rules([first.model_copy(update={"alerting": other}), *rest]) != of_rules(slos)


def test_the_embedded_target_is_the_same_at_every_start(tmp_path):
    starts = [
        embedded.describe(embedded.Addresses(live, tmp_path / str(live)), f"http://127.0.0.1:{live}") for live in (2, 3)
    ]
    assert {of_target(target) for target in [None, *starts]} == {of_target(None)}


def test_a_target_with_another_component_or_host_is_another():
    target = embedded.describe(embedded.Addresses(), "http://127.0.0.1:1")
    parts = dict(target.spec.components)
    del parts["origin"]
    assert of_target(changed(target, components=parts)) != of_target(target)
    moved = target.spec.shop.model_copy(update={"url": "http://127.0.0.2:7002"})
    assert of_target(changed(target, shop=moved)) != of_target(target)


def test_it_is_there_before_anything_is_played(rehearsed):
    run = RunDirectory.open(rehearsed(injected=False, paged=None).path)
    assert len(run.read_json("manifest.json")["fingerprints"]["target"]) == 12
