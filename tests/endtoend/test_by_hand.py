"""What people do by hand beside a standing storefront: loads, faults, gates, runbooks; and what a kill leaves."""

from __future__ import annotations

import http.server
import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from command_line import ROOT, CommandLine, wait_until
from ruamel.yaml import YAML

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def standing(shared_command_line: CommandLine) -> Iterator[Path]:
    """The target file of a storefront that stays up for the whole module."""
    process = shared_command_line.start("up", "--out", shared_command_line.folder / "up")
    target = shared_command_line.folder / "up" / "target.yaml"
    wait_until(lambda: target.exists() or process.poll() is not None, "the storefront")
    assert process.poll() is None, process.communicate()
    yield target
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "Ctrl-C ends it" in out
    assert not target.exists()
    assert shared_command_line.processes() == []


def toxics(target: Path) -> list[dict]:
    spec = YAML(typ="safe").load(target.read_text())["spec"]
    link = spec["components"]["inventory"]["link"]
    answer = httpx.get(f"{link['toxiproxy']}/proxies/{link['proxy']}/toxics", trust_env=False)
    found: list[dict] = answer.json()
    return found


def prometheus(target: Path) -> str:
    url: str = YAML(typ="safe").load(target.read_text())["spec"]["prometheus"]["url"]
    return url


def test_every_block_of_the_target_is_answered(standing):
    spec = YAML(typ="safe").load(standing.read_text())["spec"]
    with httpx.Client(trust_env=False, headers={"Authorization": "Bearer u1"}) as client:
        master = client.get(spec["stream"]["playlist"].replace("${room}", "main"))
        assert master.text.startswith("#EXTM3U")
        assert client.post(spec["events"]["url"], json=[{"id": "e1", "kind": "click"}]).status_code == 202
        assert client.get(spec["draw"]["url"] + spec["draw"]["ledger"]["get"]).status_code == 200
        for name in ("shop", "live", "stream", "events"):
            assert client.get(spec["components"][name]["admin"].replace("/admin", "/healthz")).is_success
    for component in spec["components"].values():
        pattern = Path(component["process"]["pidfile"])
        (first, *_) = sorted(pattern.parent.glob(pattern.name))
        os.kill(int(first.read_text()), 0)


def test_a_load_is_judged_by_its_orders_and_then_passes_the_gate(standing, command_line):
    load = command_line.run(
        *("load", "run", "live-commerce", "--target", standing, "--viewers", "300", "--over", "3s"),
        *("--duration", "45s", "--out", command_line.runs),
    )
    assert load.returncode == 0, load.stdout + load.stderr
    assert "invariant/lost" in load.stdout
    checked = command_line.run(
        *("slo", "check", ROOT / "monitors" / "slos", "--prometheus", prometheus(standing), "--window", "40s"),
        *("--junit", command_line.folder / "slo.xml", "--json", command_line.folder / "slo.json"),
    )
    found = json.loads((command_line.folder / "slo.json").read_text())
    held = {row["slo"]: row["held"] for row in found["objectives"]}
    assert held["storefront-order-latency"] == held["storefront-order-availability"] == 1.0
    assert checked.returncode in (0, 3), checked.stdout  # so few orders may not be enough to decide
    assert "order-latency" in checked.stdout


def test_doctor_has_nothing_to_mend(standing, command_line):
    ended = command_line.run("doctor", standing, "--viewers", "300")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for part in ("a comment came back in", "nothing was ordered", "inventory: ", "scrapes every 1s"):
        assert part in " ".join(ended.stdout.split())
    assert "process.*" in ended.stdout


def test_a_gate_without_data_is_inconclusive(standing, command_line):
    other = command_line.folder / "other.yaml"
    slos = (ROOT / "monitors" / "slos" / "storefront.yaml").read_text()
    other.write_text(slos.replace("shop_order", "nobody_exports_this"))
    ended = command_line.run("slo", "check", other, "--prometheus", prometheus(standing), "--window", "40s")
    assert ended.returncode == 3, ended.stdout + ended.stderr
    assert "no data" in ended.stdout


def inject(command_line: CommandLine, target: Path, duration: str) -> tuple[str, ...]:
    fault = ("chaos", "inject", "network.latency", "--on", "inventory", "--for", duration)
    return (*fault, "--set", "delay=300ms", "--target", str(target))


def test_a_fault_by_hand_bites_and_is_healed_when_its_time_is_up(standing, command_line):
    ended = command_line.run(*inject(command_line, standing, "2s"))
    assert ended.returncode == 0, ended.stderr
    assert "it bites" in ended.stderr
    assert "healed, checked" in ended.stderr
    assert toxics(standing) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_an_injector_ended_by_a_signal_leaves_a_healed_link(standing, command_line, number):
    process = command_line.start(*inject(command_line, standing, "60s"))
    wait_until(lambda: toxics(standing), "the fault")
    assert "network.latency on inventory" in command_line.run("chaos", "status").stdout
    process.send_signal(number)
    process.communicate(timeout=30)
    wait_until(lambda: not toxics(standing), "healing", timeout=20)
    wait_until(lambda: not command_line.open_faults(), "the undo log", timeout=20)
    wait_until(lambda: not command_line.processes(), "the end of the reverter", timeout=20)
    assert "nothing is broken" in command_line.run("chaos", "status").stdout


@pytest.mark.parametrize("component", ["inventory", "live"])
def test_a_killed_process_of_the_storefront_is_started_again(standing, command_line, component):
    spec = YAML(typ="safe").load(standing.read_text())["spec"]["components"][component]
    words = ("chaos", "inject", "process.kill", "--on", component, "--for", "4s", "--target", standing)
    ended = command_line.run(*words)
    assert ended.returncode == 0, ended.stderr
    assert "runs again as" in ended.stderr
    assert httpx.get(spec["probe"], trust_env=False).is_success


def test_a_killed_conductor_leaves_the_standing_target_healed(standing, command_line):
    plan = command_line.folder / "plan.yaml"
    plan.write_text(
        f"""apiVersion: flashcrowd/v1
kind: GameDay
metadata: {{name: killed}}
spec:
  target: {standing}
  slos: [storefront]
  load: {{scenario: live-commerce, viewers: 20, over: 1s, hold: 60s}}
  steps:
    - at: 2s
      fault: {{kind: network.latency, on: inventory, delay: 800ms, for: 50s}}
"""
    )
    process = command_line.start("gameday", "run", plan, "--out", command_line.runs)
    wait_until(lambda: toxics(standing) or process.poll() is not None, "the fault")
    assert process.poll() is None, process.communicate()
    process.kill()
    process.communicate()
    wait_until(lambda: not toxics(standing), "healing", timeout=20)
    wait_until(lambda: not command_line.processes(), "the end of every child", timeout=20)


def test_a_runbook_is_dry_run_by_default_and_finds_no_cause_in_health(standing, command_line):
    ended = command_line.run("runbook", "run", "order-latency", "--target", standing)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "inventory-slow" in ended.stdout
    admin = YAML(typ="safe").load(standing.read_text())["spec"]["components"]["shop"]["admin"]
    assert httpx.get(f"{admin}/reservation", trust_env=False).json()["mode"] == "singly"


class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        pass


def test_a_plain_locust_file_runs_against_any_http_server(command_line):
    file = command_line.folder / "plain.py"
    file.write_text(
        """from locust import HttpUser, constant, task


class Visitor(HttpUser):
    wait_time = constant(0.1)

    @task
    def hello(self):
        self.client.get("/hello")
"""
    )
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hello)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        ended = command_line.run(
            *("load", "run", file, "--host", f"http://127.0.0.1:{server.server_port}", "--viewers", "5"),
            *("--duration", "4s", "--out", command_line.runs),
        )
    finally:
        server.shutdown()
        server.server_close()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "/hello" in ended.stdout
    assert " 0 failed" in ended.stdout


def test_a_plain_locust_file_is_kept_from_other_hosts(command_line):
    file = command_line.folder / "plain.py"
    file.write_text("from locust import HttpUser\n\n\nclass Visitor(HttpUser):\n    pass\n")
    ended = command_line.run("load", "run", file, "--host", "http://192.0.2.1", "--out", command_line.runs)
    assert ended.returncode == 2
    assert "192.0.2.1 is elsewhere, and a load without a target may touch this machine alone" in ended.stderr
