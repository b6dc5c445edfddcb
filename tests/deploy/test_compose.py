"""What `deploy/` starts, held to its schema and to what it mounts; Docker isn't needed, and starts nothing here."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = DEPLOY / "compose.yaml"


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text())


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read(COMPOSE)["services"]
    return found


def mounts(service: str) -> dict[str, str]:
    """Where each file or folder of ours is seen in the container, by its path below `deploy/`."""
    bound = [it.split(":") for it in services()[service]["volumes"] if it.startswith("./")]
    return {host.removeprefix("./"): inside for host, inside, _ in bound}


def test_the_provisioned_files_are_up_to_date():
    made = runpy.run_path(str(DEPLOY / "provision.py"))["made"]()
    for name, content in made.items():
        assert (DEPLOY / name).read_text() == content, f"deploy/{name} is out of date: make provision"
    there = {it.relative_to(DEPLOY) for it in (DEPLOY / "grafana").rglob("*") if it.is_file()}
    assert there == {name for name in made if name.parts[0] == "grafana"}


def test_the_compose_file_keeps_to_the_specification():
    """By the JSON schema of https://github.com/compose-spec/compose-spec, as check-jsonschema brings it."""
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_images_are_pinned_and_mounts_are_there_and_read_only():
    for name, service in services().items():
        assert re.fullmatch(r"[\w.-]+/[\w.-]+:v?\d+\.\d+\.\d+", service["image"]), name
        for volume in service["volumes"]:
            if volume.startswith("./"):
                host, _, mode = volume.split(":")
                assert (DEPLOY / host).exists(), volume
                assert mode == "ro", volume
            else:
                assert volume.partition(":")[0] in read(COMPOSE)["volumes"]


def test_nothing_listens_beyond_loopback():
    by_flag = {name: " ".join(services()[name]["command"]) for name in ("prometheus", "alertmanager")}
    for name, port in (("prometheus", 9090), ("alertmanager", 9093)):
        assert f"--web.listen-address=127.0.0.1:{port}" in by_flag[name]
    assert re.search(r"--cluster\.listen-address=$", by_flag["alertmanager"])
    assert services()["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"


def test_prometheus_and_alertmanager_take_their_files():
    for program, words in (
        ("promtool", ["check", "config", DEPLOY / "prometheus" / "prometheus.yml"]),
        ("amtool", ["check-config", DEPLOY / "alertmanager" / "alertmanager.yml"]),
    ):
        if (found := shutil.which(program)) is None:
            pytest.skip(f"{program} is not installed")
        ended = subprocess.run([found, *words], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "FAILED" not in ended.stdout


def test_each_finds_the_others_where_they_are():
    config = read(DEPLOY / "prometheus" / "prometheus.yml")
    assert config["alerting"]["alertmanagers"][0]["static_configs"] == [{"targets": ["127.0.0.1:9093"]}]
    mounted = mounts("grafana")
    (source,) = read(DEPLOY / "grafana/provisioning/datasources/flashcrowd.yaml")["datasources"]
    assert source["url"] == "http://127.0.0.1:9090"
    assert source["jsonData"]["timeInterval"] == config["global"]["scrape_interval"]
    (provider,) = read(DEPLOY / "grafana/provisioning/dashboards/flashcrowd.yaml")["providers"]
    assert provider["options"]["path"] == mounted["grafana/dashboards"]
    for kind in ("datasources", "dashboards"):
        assert mounted[f"grafana/provisioning/{kind}"] == f"/etc/grafana/provisioning/{kind}"
    assert mounts("prometheus")["prometheus/rules.yml"] == f"/etc/prometheus/{config['rule_files'][0]}"


def test_what_the_target_page_says_is_what_is_scraped():
    text = (DEPLOY.parent / "docs" / "targets.md").read_text()
    jobs = {job["job_name"]: job for job in read(DEPLOY / "prometheus" / "prometheus.yml")["scrape_configs"]}
    for job, field in (("flashcrowd", "scrapes_load_at"), ("flashcrowd-faults", "scrapes_faults_at")):
        (address,) = jobs[job]["static_configs"][0]["targets"]
        assert f"{field}: {address}" in text
