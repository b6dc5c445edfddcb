from __future__ import annotations

from flashcrowd.process import free_port

PLAN = """\
apiVersion: flashcrowd/v1
kind: GameDay
metadata: {name: friday}
spec:
  target: target.yaml
  slos: [storefront]
  load: {scenario: live-commerce, viewers: 5, over: 1s, hold: 1h}
"""
TARGET = """\
apiVersion: flashcrowd/v1
kind: Target
metadata: {name: staging}
spec:
  environment: staging
  allow_hosts: [127.0.0.1]
  max_viewers: 10
  live:
    url: ws://127.0.0.1:7001/rooms/${room}
    say: '{"text":"${text}"}'
    events: {sale.opened: {type: sale_opened}}
  shop: {url: "http://127.0.0.1:7002", order: {request: {path: /orders}}, ledger: {get: /ledger}}
  prometheus: {url: "http://127.0.0.1:9090"}
"""


def test_a_plan_is_shown_and_nothing_is_started(flashcrowd, tmp_path):
    ended = flashcrowd("gameday", "plan", "flash-sale-rehearsal")
    assert ended.code == 0
    assert ended.out.startswith("flash-sale-rehearsal · embedded · 2 min\n")
    assert list(tmp_path.iterdir()) == []


def test_the_scenarios_are_listed_with_their_purpose(flashcrowd):
    ended = flashcrowd("load", "list")
    assert ended.code == 0
    assert "\nlive-commerce   A live sale" in ended.out


def test_a_target_that_does_not_answer_ends_with_4(flashcrowd, tmp_path):
    (tmp_path / "plan.yaml").write_text(PLAN)
    port = free_port()
    (tmp_path / "target.yaml").write_text(TARGET.replace("9090", str(port)))
    ended = flashcrowd("gameday", "run", "plan.yaml")
    assert (ended.code, ended.out) == (4, "")
    assert f"prometheus at http://127.0.0.1:{port} did not answer" in ended.err


def test_production_wants_its_name_typed_again(flashcrowd, tmp_path):
    (tmp_path / "plan.yaml").write_text(PLAN)
    (tmp_path / "target.yaml").write_text(TARGET.replace("environment: staging", "environment: production"))
    ended = flashcrowd("gameday", "run", "plan.yaml", "--allow-production", "other")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "staging is production; to go on, add --allow-production staging\n"
    assert not (tmp_path / "runs").exists()
