"""A whole game day on real parts: storefront, crowd, proxy, Prometheus, runbook, reports."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from command_line import PLANS, CommandLine, wait_until

from flashcrowd import seal
from flashcrowd.rundir import RunDirectory
from monitors import alertmanager_server

SEEDED = ("manifest.json", "load/config.json")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def events(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]


def when(run: Path, source: str, kind: str) -> float:
    return next(row["time"] for row in events(run) if (row["source"], row["kind"]) == (source, kind))


def findings(run: Path) -> dict[str, dict]:
    return {row["name"]: row for row in json.loads((run / "verdict.json").read_text())["findings"]}


def has_event(command_line: CommandLine, source: str, kind: str) -> bool:
    found = list(command_line.runs.glob("*/events.jsonl"))
    return bool(found) and f'"source": "{source}", "kind": "{kind}"' in found[0].read_text()


@pytest.fixture(scope="module")
def played(shared_command_line: CommandLine) -> tuple[CommandLine, subprocess.CompletedProcess[str]]:
    words = ("gameday", "run", PLANS / "short.yaml", "--with-controls", "--out", shared_command_line.runs)
    return shared_command_line, shared_command_line.run(*words, timeout=300)


def test_the_service_recovers_while_the_fault_is_still_on(played):
    command_line, ended = played
    assert ended.returncode == 0, ended.stdout + ended.stderr
    run = command_line.run_directory()
    injected, page = when(run, "fault", "injected"), when(run, "alert", "page")
    for slo in ("order-latency", "playback-stalls"):
        recovered = findings(run)[f"expect/{slo}/recovered"]["evidence"]["recovered_at"]
        assert injected < page < recovered < when(run, "fault", "healed")


def test_the_page_comes_by_alertmanager_where_there_is_one_and_names_the_runbook(played):
    run = played[0].run_directory()
    pages = {row["data"]["slo"]: row["data"] for row in events(run) if row["kind"] == "page"}
    assert sorted(pages) == ["order-latency", "playback-stalls"]
    page = pages["order-latency"]
    assert (page["alert"], page["runbook"]) == ("OrderLatencyBurn", "order-latency")
    assert page["labels"]["sloth_slo"] == "order-latency"
    assert page["told_by"] == ("prometheus" if alertmanager_server.locate() is None else "alertmanager")
    assert page["latency"] >= 0
    steps = {row["data"]["step"]: row["data"]["state"] for row in events(run) if row["kind"] == "step_end"}
    assert steps["inventory-slow"] == "matched"
    assert steps["reserve-blocks"] == steps["orders-in-time"] == "done"


def test_no_order_is_lost_duplicated_or_sold_beyond_the_stock(played):
    found = findings(played[0].run_directory())
    for name in ("oversold", "undersold", "lost", "duplicate", "rejected-but-stored", "activity"):
        assert found[f"invariant/{name}"]["outcome"] == "pass", found[f"invariant/{name}"]
    assert "60 of 60 lipstick-01 in wave 1, 60 of 60 lipstick-01 in wave 2" in found["invariant/oversold"]["message"]


def test_the_last_screen_tells_the_story(played):
    _, ended = played
    told = ended.stdout
    parts = ["150 viewers", "PASS", "network.latency on inventory", "OrderLatencyBurn", "reserve-blocks (done)"]
    parts += ["back within its objective, fault still on", "oversold 0 · lost 0 · duplicate 0", "report.html"]
    for part in parts:
        assert part in told, told
    assert max(map(len, told.splitlines())) <= 80 + len(str(played[0].runs))  # the path may be as long as it is


def test_it_says_when_production_would_have_noticed(played):
    command_line, ended = played
    if shutil.which("promtool") is None:
        pytest.skip("no promtool here")
    run = command_line.run_directory()
    detections = json.loads((run / "metrics" / "production.json").read_text())["detections"]
    one = next(row for row in detections if row["slo"] == "order-latency")
    assert one["live"]["pair"] == "20s/5s"
    assert one["production"]["pair"] == "1h/5m"
    assert one["alone"]["after"] < 120 < one["production"]["after"]
    assert "order-latency: live after" in ended.stdout
    assert "not in time" in ended.stdout
    assert "<h3>Detection, live and in production</h3>" in (run / "report.html").read_text()


def test_each_expectation_of_the_plan_is_a_finding_that_passes(played):
    run = played[0].run_directory()
    found = {name.removeprefix("expect/order-latency/"): row for name, row in findings(run).items()}
    wanted = ["detected", "runbook", "mitigated", "recovered", "held", "budget", "invariants"]
    wanted += ["others/order-availability", "others/chat-delivery"]
    wanted += ["detected-production"] if shutil.which("promtool") is not None else []
    for name in wanted:
        assert found[name]["outcome"] == "pass", found[name]
    assert found["mitigated"]["evidence"]["took"] < found["recovered"]["evidence"]["took"] + 1
    assert 0 < found["budget"]["evidence"]["spent"] < 0.005


def test_the_phases_are_recorded_and_told(played):
    run = played[0].run_directory()
    told = [row["data"]["phase"] for row in events(run) if row["kind"] == "phase"]
    assert told[0] == "baseline"
    assert told[-2:] == ["mitigation", "recovery"]
    assert findings(run)["run/phases"]["outcome"] == "pass"
    assert "Phases   baseline 16 s" in played[1].stdout


def test_each_diagnosis_step_is_tried_in_health_and_under_the_fault(played):
    run = played[0].run_directory()
    told = json.loads((run / "metrics" / "diagnosis.json").read_text())
    health, *under = [row["fault"] for row in told["conditions"]]
    assert health is None
    assert "network.latency on inventory" in under
    slow = next(row for row in told["looked"] if (row["name"], row["runbook"]) == ("inventory-slow", "order-latency"))
    causes = [(told["conditions"][row["condition"]]["fault"], row["held"], row["seconds"]) for row in slow["under"]]
    assert all(5 * held <= seconds for cause, held, seconds in causes if cause is None), causes
    assert sum(held for cause, held, _ in causes if cause == "network.latency on inventory") > 0
    injected, healed = when(run, "fault", "injected"), when(run, "fault", "healed")
    assert slow["held"]
    assert injected < slow["held"][0][0] < healed
    page = run / "order-latency.md"
    made = played[0].run("runbook", "generate", "order-latency", "--from", run, "--out", page)
    assert made.returncode == 0, made.stderr
    assert "`inventory-slow`: **yes** → network.latency on inventory" in page.read_text()


def test_the_seed_is_kept_and_the_control_has_the_same_viewers(played):
    run = played[0].run_directory()
    (control,) = (run / "controls").iterdir()
    told = [json.loads((one / name).read_text())["seed"] for one in (run, control) for name in SEEDED]
    assert len(told) == 4
    assert len(set(told)) == 1


def test_the_whole_run_is_sealed(played):
    run = RunDirectory.open(played[0].run_directory())
    assert seal.is_sealed(run)
    assert seal.damage(run) == []


def test_nothing_is_left_behind(played):
    command_line, _ = played
    assert command_line.processes() == []
    assert command_line.open_faults() == []
    assert list(command_line.run_directory().rglob("work-*")) == []


def test_the_reports_are_whole_and_offline(played):
    run = played[0].run_directory()
    page = (run / "report.html").read_text()
    for chart in ("viewers", "arrivals", "orders", "order-latency", "generator-lag", "generator-cpu", "budget"):
        assert f'data-chart="{chart}"' in page
    assert "p99 raw" in page
    plain = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search('src="(?!data:)', plain)
    linked = re.findall(r'href="(?!data:|#)([^"]*)', plain)
    assert all(link.startswith("controls/") and (run / link).is_file() for link in linked), linked
    assert "<script src" not in page
    suite = ElementTree.parse(run / "junit.xml").getroot()
    assert suite.get("failures") == suite.get("errors") == "0"
    assert int(suite.get("tests", 0)) == len(findings(run))
    assert "OrderLatencyBurn" in (run / "report.md").read_text()


def test_judging_and_reporting_can_be_repeated_from_the_directory(played):
    command_line, _ = played
    run = command_line.run_directory()
    before = (run / "verdict.json").read_text()
    again = command_line.run("gameday", "judge", run, "--json")
    assert again.returncode == 0
    assert json.loads(again.stdout)["outcome"] == "pass"
    assert (run / "verdict.json").read_text() == before
    (run / "report.html").unlink()
    written = command_line.run("gameday", "report", run)
    assert written.returncode == 0
    assert (run / "report.html").exists()


def test_without_its_runbook_the_same_plan_fails_and_names_what_was_missed(played):
    run = played[0].run_directory()
    (control,) = (run / "controls").iterdir()
    found = findings(control)
    assert json.loads((control / "verdict.json").read_text())["outcome"] == "fail"
    assert found["expect/order-latency/recovered"]["message"].startswith("no recovery within 18 s")
    assert found["expect/order-latency/detected"]["outcome"] == "pass"
    assert found["invariant/lost"]["outcome"] == "pass"
    assert not [row for row in events(control) if row["kind"] in ("step_start", "stood_down")]


def test_the_control_gives_the_runbook_its_credit(played):
    command_line, ended = played
    run = command_line.run_directory()
    for slo in ("order-latency", "playback-stalls"):
        assert findings(run)[f"control/no-runbook/{slo}"]["outcome"] == "pass"
    assert "The runbook gets the credit in 2 of 2." in ended.stdout
    told = json.loads(command_line.run("gameday", "triads", run, "--json").stdout)
    assert [(one["alert"], one["runbook"], one["diagnosed"], one["credit"]) for one in told] == [
        ("OrderLatencyBurn", "order-latency", "inventory-slow", True),
        ("PlaybackStallBurn", "playback-stalls", "origin-silent", True),
    ]
    for one in told:
        assert one["injected"] < one["paged"] < one["mitigated"] < one["recovered"] < one["healed"]


def test_once_the_fault_has_healed_the_mitigation_is_taken_back(played):
    run = played[0].run_directory()
    taken_back = [row["data"]["taken_back"] for row in events(run) if row["kind"] == "stood_down"]
    assert sorted(taken_back) == [["backup-origin"], ["reserve-blocks"]]
    assert when(run, "fault", "healed") <= when(run, "runbook", "stood_down") < when(run, "conductor", "ended")
    assert findings(run)["runbook/order-latency/taken-back"]["outcome"] == "pass"


def test_with_prometheus_stopped_in_the_middle_nothing_is_decided(command_line):
    process = command_line.start("gameday", "run", PLANS / "short.yaml", "--out", command_line.runs)
    wait_until(lambda: has_event(command_line, "fault", "bites"), "the fault")
    (prometheus,) = [found for found in command_line.processes() if found.name() == "prometheus"]
    prometheus.kill()
    out, err = process.communicate(timeout=120)
    assert process.returncode == 3, out + err
    assert "INCONCLUSIVE" in out
    assert "Prometheus is gone" in " ".join(out.split())
    assert when(command_line.run_directory(), "fault", "healed")
    assert command_line.processes() == []


def test_ctrl_c_heals_saves_and_reports(command_line):
    process = command_line.start("gameday", "run", PLANS / "short.yaml", "--out", command_line.runs)
    wait_until(lambda: has_event(command_line, "fault", "bites"), "the fault")
    process.send_signal(signal.SIGINT)
    wait_until(lambda: has_event(command_line, "fault", "healed"), "healing")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, out + err
    assert "interrupted at" in out
    assert re.search(r"saved +what there is: .*report.html \(interrupted at \d\d:\d\d of 00:42\)", err), err
    run = command_line.run_directory()
    assert (run / "report.html").exists()
    assert findings(run)["invariant/lost"]["outcome"] == "pass"
    assert command_line.processes() == []
    assert command_line.open_faults() == []


def test_a_killed_conductor_leaves_no_process_and_no_fault(command_line):
    process = command_line.start("gameday", "run", PLANS / "short.yaml", "--out", command_line.runs)
    wait_until(lambda: has_event(command_line, "fault", "bites"), "the fault")
    process.kill()
    process.communicate()
    wait_until(lambda: not command_line.processes(), "the end of every child", timeout=10)
    wait_until(lambda: not command_line.open_faults(), "healing", timeout=10)  # its time is up later
    run = command_line.run_directory()
    assert not [path for path in run.rglob("*") if path.name.startswith(("work-", ".")) or path.suffix == ".part"]
    judged = command_line.run("gameday", "judge", run)
    assert judged.returncode == 3
    assert "interrupted" in judged.stdout


def test_a_plan_with_three_mistakes_lists_all_three_with_their_lines(command_line):
    ended = command_line.run("gameday", "run", PLANS / "three-mistakes.yaml", "--out", command_line.runs)
    assert ended.returncode == 2
    lines = [line.rpartition("/")[2] for line in ended.stderr.strip().splitlines()]
    assert lines == [
        "three-mistakes.yaml:7: spec.load.viewers: 400000 is more than the target's max_viewers (300000)",
        "three-mistakes.yaml:10: spec.steps[0].fault.for: '60' has no unit; write 60s, 5m or 1h",
        "three-mistakes.yaml:11: spec.steps[0].expect.runbook: no runbook 'order-latancy'; "
        "did you mean 'order-latency'?",
        "3 faults in three-mistakes.yaml; nothing was started",
    ]
    assert not command_line.runs.exists()
