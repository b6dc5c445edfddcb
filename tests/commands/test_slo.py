from __future__ import annotations

import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest

from flashcrowd.process import free_port
from monitors.lint import run as lint_run
from monitors.prometheus import Prometheus


def test_without_an_answer_of_prometheus_nothing_is_judged(flashcrowd, tmp_path):
    url = f"http://127.0.0.1:{free_port()}"
    ended = flashcrowd(
        "slo", "check", "storefront", "--prometheus", url, "--window", "5m", "--junit", "x.xml", "--timeout", "300ms"
    )
    assert (ended.code, ended.out) == (4, "")
    assert f"prometheus at {url} did not answer within 0.3 s" in ended.err
    assert len(ended.err.splitlines()) == 1
    assert not (tmp_path / "x.xml").exists()


@pytest.mark.parametrize("policy", ["google-30d", "rehearsal"])
def test_the_rules_of_the_built_in_slos_are_rules_of_prometheus(flashcrowd, tmp_path, policy):
    if (promtool := shutil.which("promtool")) is None:
        pytest.skip("promtool is not installed")
    ended = flashcrowd("slo", "rules", "storefront", "--windows", policy, "--runbooks", "https://example.org/runbooks")
    assert ended.code == 0
    file = Path(tmp_path / "rules.yaml")
    file.write_text(ended.out)
    checked = subprocess.run([promtool, "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "runbook_url: https://example.org/runbooks/order-latency" in ended.out


WRONG = """\
version: prometheus/v1
service: shop
slos:
  - name: orders
    objective: 99
    sli:
      events:
        error_query: sum(irate(orders_total{outcome="error"}[{{.window}}]))
        total_query: sum(rate(orders_total[{{.window}}]))
    alerting: {name: OrderBurn}
"""


def test_lint_prints_warnings_and_ends_well(flashcrowd, tmp_path):
    (tmp_path / "slo.yaml").write_text(WRONG)
    ended = flashcrowd("slo", "lint", "slo.yaml")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("slo.yaml:8: slos[0].sli.events.error_query: irate looks at the last two samples")
    assert flashcrowd("slo", "lint", "storefront").out == ""


def test_lint_refuses_a_query_that_isnt_promql(flashcrowd, tmp_path):
    (tmp_path / "slo.yaml").write_text(WRONG.replace("sum(irate", "sum((irate"))
    ended = flashcrowd("slo", "lint", "slo.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("slo.yaml:8: slos[0].sli.events.error_query: is not PromQL: ")


def test_lint_beside_a_prometheus_that_doesnt_answer_needs_it(flashcrowd, monkeypatch):
    monkeypatch.setattr(lint_run, "Prometheus", partial(Prometheus, timeout=0.3))
    ended = flashcrowd("slo", "lint", "storefront", "--prometheus", f"http://127.0.0.1:{free_port()}")
    assert (ended.code, ended.out) == (4, "")
    assert "did not answer within 0.3 s" in ended.err


def test_convert_prints_the_file_and_what_is_lost_beside_it(flashcrowd, tmp_path):
    ended = flashcrowd("slo", "convert", "storefront", "--to", "openslo")
    assert ended.code == 0
    assert ended.out.startswith("apiVersion: openslo/v1\nkind: Service\n")
    assert "storefront.yaml:17: slos[0].alerting: OpenSLO has one window a condition" in ended.err
    (tmp_path / "open.yaml").write_text(ended.out)
    back = flashcrowd("slo", "convert", "open.yaml", "--to", "sloth")
    assert (back.code, back.err) == (0, "")
    assert back.out == flashcrowd("slo", "convert", "storefront", "--to", "sloth").out
    refused = flashcrowd("slo", "convert", "storefront", "--to", "pyrra")
    assert (refused.code, refused.err) == (2, "--to: 'pyrra' isn't written; write sloth or openslo\n")
