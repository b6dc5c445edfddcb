from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from flashcrowd.process import free_port


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
