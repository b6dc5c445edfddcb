"""`runbook lint` as it is typed: what it prints, and what it ends with."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flashcrowd.fingerprint import fingerprint
from gamedays.evidence.fingerprints import of_plan, of_rules, of_target
from gamedays.plan import BUILTIN
from gamedays.planning import checks
from runbooks.fingerprints import of_runbook
from runbooks.parser import read_runbook

CLEAN = """\
---
alerts: [OrderBurn]
slo: orders
owner: shop
severity: page{rehearsed}
---
# Orders fail

## Meaning

Orders fail.

## Impact

Nobody buys.

## First five minutes

Say that you have it.

## Diagnosis

Nothing tells.

## Mitigation

```sh {{"step": "restart", "undo": "stop", "timeout": "1m"}}
{script}
```

## Verification

```promql {{"step": "fine", "expect": "< 1", "timeout": "30s"}}
x
```

## Rollback

```sh {{"step": "stop", "timeout": "1m"}}
true
```

## Escalation

Everybody.
"""
SLOS = """\
version: prometheus/v1
service: shop
slos:
  - name: orders
    objective: 99
    sli:
      events:
        error_query: sum(rate(orders_total{outcome="error"}[{{.window}}]))
        total_query: sum(rate(orders_total[{{.window}}]))
    alerting: {name: OrderBurn, annotations: {runbook: orders}}
"""
RULES = """\
groups:
  - name: shop
    rules:
      - record: x
        expr: y
      - alert: OrderBurn
        expr: x > 1
        annotations: {runbook: orders}
      - alert: CartBurn
        expr: x > 2
        annotations:
          runbook: carts
      - alert: StockLow
        expr: x > 3
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pages, SLOs and rules in this folder; the page was never rehearsed, and is fine otherwise."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "orders.md").write_text(CLEAN.format(script="true", rehearsed=""))
    (tmp_path / "slos.yaml").write_text(SLOS)
    (tmp_path / "rules.yml").write_text(RULES)
    (tmp_path / "operator.yml").write_text(
        "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec:\n"
        + "".join(f"  {line}\n" for line in RULES.splitlines())
    )
    return tmp_path


NEVER = "pages/orders.md: warning: was never rehearsed: nobody knows whether it helps; play it in a game day"


def test_warnings_end_with_0_and_with_2_when_they_are_to_count(flashcrowd: Any, folder: Path) -> None:
    ended = flashcrowd("runbook", "lint", "pages", "--slo", "slos.yaml")
    assert (ended.code, ended.out) == (0, f"{NEVER} [not-rehearsed]\n1 runbook: 0 errors, 1 warning\n")
    assert ended.err == "not looked at: what Prometheus has (--prometheus URL); links to the web (--links HOST)\n"
    assert flashcrowd("runbook", "lint", "pages", "--strict").code == 2
    ended = flashcrowd("runbook", "lint", "pages", "--strict", "--ignore", "not-rehearsed")
    assert (ended.code, ended.out) == (0, "1 runbook: clean\n")


def test_errors_end_with_2_and_every_problem_has_its_place(flashcrowd: Any, folder: Path) -> None:
    (folder / "pages" / "carts.md").write_text(
        CLEAN.format(script="no-such-program", rehearsed="").replace("## Imp", "## Eff")
    )
    ended = flashcrowd("runbook", "lint", "pages")
    assert ended.code == 2
    assert ended.out.splitlines() == [
        "pages/carts.md: the heading '## Impact' is missing [format]",
        "pages/carts.md: warning: was never rehearsed: nobody knows whether it helps; play it in a game day "
        "[not-rehearsed]",
        "pages/carts.md:28: warning: restart: 'no-such-program' is not on PATH here [command]",
        f"{NEVER} [not-rehearsed]",
        "2 runbooks: 1 error, 3 warnings",
    ]


@pytest.mark.parametrize("rules", ["rules.yml", "operator.yml"])
def test_rules_of_prometheus_are_held_against_pages(flashcrowd: Any, folder: Path, rules: str) -> None:
    ended = flashcrowd("runbook", "lint", "pages", "--rules", rules, "--ignore", "not-rehearsed")
    lines = (folder / rules).read_text().split("\n")
    carts, stock = (number for number, line in enumerate(lines, 1) if "CartBurn" in line or "StockLow" in line)
    path = "spec.groups" if rules == "operator.yml" else "groups"
    assert ended.out.splitlines() == [
        f"{rules}:{carts}: {path}[0].rules[2].alert: CartBurn: no runbook 'carts' [unknown-runbook]",
        f"{rules}:{stock}: warning: {path}[0].rules[3].alert: StockLow has no runbook; "
        "who is paged by it starts from nothing [no-runbook]",
        "1 runbook: 1 error, 1 warning",
    ]
    assert ended.code == 2


def test_an_slo_file_or_a_rule_file_that_is_wrong_hides_nothing_else(flashcrowd: Any, folder: Path) -> None:
    (folder / "slos.yaml").write_text(SLOS.replace("objective: 99", "objective: 101"))
    (folder / "rules.yml").write_text("groups: 3\n")
    ended = flashcrowd("runbook", "lint", "pages", "--slo", "slos.yaml", "--rules", "rules.yml")
    assert ended.code == 2
    for part in ("slos.yaml:5: slos[0].objective: 101 is not", "rules.yml:1: is no rule file", NEVER):
        assert part in ended.out


def test_json_has_the_same(flashcrowd: Any, folder: Path) -> None:
    document = json.loads(flashcrowd("runbook", "lint", "pages", "--rules", "rules.yml", "--json").out)
    assert (document["pages"], document["errors"], document["warnings"]) == (1, 1, 2)
    assert {(row["rule"], row["severity"], row["line"]) for row in document["findings"]} == {
        ("not-rehearsed", "warning", None),
        ("unknown-runbook", "error", 9),
        ("no-runbook", "warning", 13),
    }
    assert document["not_looked_at"] == ["what Prometheus has (--prometheus URL)", "links to the web (--links HOST)"]


def test_wrong_words_are_told_with_what_is_near(flashcrowd: Any, folder: Path) -> None:
    for words, says in (
        (("pages", "--ignore", "lnik"), "did you mean 'link'?"),
        (("order-latancy",), "did you mean 'order-latency'?"),
        (("pages", "--slo", "storefornt"), "did you mean 'storefront'?"),
    ):
        ended = flashcrowd("runbook", "lint", *words)
        assert (ended.code, says in ended.err) == (2, True), ended.err


def test_the_prometheus_of_a_target_has_to_be_allowed_by_it(flashcrowd: Any, folder: Path) -> None:
    target = "apiVersion: flashcrowd/v1\nkind: Target\nmetadata: {name: staging}\nspec:\n"
    target += "  environment: staging\n  allow_hosts: [127.0.0.1]\n  max_viewers: 5\n"
    (folder / "target.yaml").write_text(target)
    ended = flashcrowd("runbook", "lint", "pages", "--target", "target.yaml")
    assert (ended.code, "names no Prometheus; add --prometheus URL" in ended.err) == (2, True)
    ended = flashcrowd("runbook", "lint", "pages", "--target", "target.yaml", "--prometheus", "http://192.0.2.1:9090")
    assert (ended.code, "is not in allow_hosts of staging" in ended.err) == (2, True)


def test_evidence_is_held_against_the_plan_as_it_is_now(flashcrowd: Any, folder: Path) -> None:
    page = folder / "pages" / "orders.md"
    plan = folder / "friday.yaml"
    plan.write_text((BUILTIN / "flash-sale-rehearsal.yaml").read_text().replace("flash-sale-rehearsal", "friday", 1))
    prepared = checks.prepare(str(plan))
    against = {
        "plan": of_plan(prepared.plan),
        "rules": of_rules(prepared.slos),
        "target": of_target(prepared.target),
        "runbook": of_runbook(read_runbook(page)),
    }

    def lint(name: str, **changes: str) -> list[str]:
        evidence = {"at": (datetime.now(UTC) - timedelta(days=3)).isoformat(), "plan": name, "fault": "x"}
        rehearsed = {**evidence, "recovered": "16s", "against": {**against, **changes}}
        page.write_text(CLEAN.format(script="true", rehearsed=f"\nrehearsed: {json.dumps(rehearsed)}"))
        ended = flashcrowd("runbook", "lint", "pages", "--plan", "friday.yaml")
        return [line for line in ended.out.splitlines() if line.startswith("pages/orders.md:6: warning: rehearsed: ")]

    assert lint("friday") == []
    other = fingerprint("other")
    for part, says in (("plan", "its plan has changed"), ("rules", "the SLOs"), ("runbook", "the steps of this page")):
        (found,) = lint("friday", **{part: other})
        assert says in found
    (found,) = lint("saturday")
    assert "no plan 'saturday' is at hand to compare it with; give it with --plan FILE" in found


def test_all_built_in_pages_are_clean_but_for_evidence(flashcrowd: Any) -> None:
    ended = flashcrowd("runbook", "lint", "--json")
    findings = json.loads(ended.out)["findings"]
    found = [row for row in findings if row["rule"] not in EVIDENCE | UNANSWERED]
    assert (ended.code, found) == (0, [])


EVIDENCE = {"not-rehearsed", "rehearsal-old", "rehearsal-other"}
UNANSWERED = {"no-runbook"}
"""PlaybackStartBurn has none."""
