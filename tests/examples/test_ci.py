"""The recipes for CI: each is checked as a file, and what it would run is run, at real Prometheus servers."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
import pytest_asyncio
from backfilled import write as backfill
from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

from flashcrowd.process import Supervisor
from monitors import rules, server, slo_files, windows

ROOT = Path(__file__).parents[2]
CI = ROOT / "examples" / "ci"
STEP, PAST, FUTURE = 15, 2400, 600
"""Seconds between samples, and how long before and after now there are some."""

Servers = Mapping[str, str]


def series(bad: float, future: int) -> list[str]:
    """What a shop has counted, until so many seconds from now: 20 orders a second, this share of them errors."""
    now, rows = int(time.time()), dict[str, list[str]]()
    for n in range((PAST + future) // STEP):
        at, orders = now - PAST + n * STEP, 20 * STEP * n
        rows.setdefault("counter", []).append(f'orders_total{{job="shop",outcome="error"}} {orders * bad:.0f} {at}')
        rows.setdefault("ok", []).append(f'orders_total{{job="shop",outcome="ok"}} {orders * (1 - bad):.0f} {at}')
        for name, labels in (("bucket", ',le="0.5"'), ("more", ',le="+Inf"'), ("count", "")):
            metric = f"order_seconds_{'bucket' if labels else 'count'}"
            rows.setdefault(name, []).append(f'{metric}{{job="shop"{labels}}} {orders} {at}')
    lines = ["# TYPE orders counter", *rows["counter"], *rows["ok"], "# TYPE order_seconds histogram"]
    return [*lines, *rows["bucket"], *rows["more"], *rows["count"]]


@asynccontextmanager
async def shop(folder: Path, bad: float, future: int = FUTURE) -> AsyncIterator[str]:
    """A Prometheus with that history and the rules of the example's SLOs."""
    rule_file = _prepared(folder, series(bad, future))
    async with Supervisor(folder) as supervisor:
        yield await server.start(supervisor, folder, {}, [rule_file])


def _prepared(folder: Path, rows: list[str]) -> Path:
    """The folder of a Prometheus with these series; the rules that it is to have."""
    if shutil.which("prometheus") is None or shutil.which("promtool") is None:
        pytest.skip("no Prometheus or promtool here")
    folder.mkdir()
    backfill(folder / "shop.om", rows, folder / "data")
    rule_file = folder / "rules.yml"
    rule_file.write_text(rules.rule_file(slo_files.load([str(CI / "slos")]).slos, windows.find("google-30d")))
    return rule_file


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """URLs of a Prometheus whose shop is healthy, and of one whose shop is not."""
    folder = tmp_path_factory.mktemp("ci")
    async with shop(folder / "healthy", 0.001) as healthy, shop(folder / "burning", 0.05) as burning:
        yield {"healthy": healthy, "burning": burning}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with the example's SLOs, and a `pip` that only says what it was to install."""
    shutil.copytree(CI / "slos", tmp_path / "slos")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "pip").write_text('#!/bin/sh\necho "$@" >> pip.log\n')
    (programs / "flashcrowd").write_text(f'#!/bin/sh\nexec {sys.executable} -m cli "$@"\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    return tmp_path


def run(script: str, checkout: Path, env: Mapping[str, str], shell: str, codes: Sequence[int] = (0, 1)) -> int:
    path = f"{checkout / 'bin'}{os.pathsep}{os.environ['PATH']}"
    found = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "SETTLE": "0", **env}
    ended = subprocess.run(
        [*shell.split(), script], cwd=checkout, env=found, check=False, capture_output=True, text=True
    )
    assert ended.returncode in codes, ended.stdout + ended.stderr
    return ended.returncode


def read(name: str) -> Any:
    return YAML(typ="safe").load(CI / name)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("github-actions.yml", ["--builtin-schema", "vendor.github-workflows"]),
        ("github-actions-runbooks.yml", ["--builtin-schema", "vendor.github-workflows"]),
        ("gitlab-ci.yml", ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"]),
    ],
)
def test_a_recipe_fits_the_schema_of_its_ci(name: str, options: list[str]) -> None:
    command = [sys.executable, "-m", "check_jsonschema", *options, str(CI / name)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


HEADINGS = (
    "Meaning",
    "Impact",
    "First five minutes",
    "Diagnosis",
    "Mitigation",
    "Verification",
    "Rollback",
    "Escalation",
)


@pytest.mark.parametrize(("headings", "strict", "code"), [(8, "", 0), (8, "--strict", 2), (7, "", 2)])
def test_runbooks_with_faults_stop_a_change_and_doubtful_ones_the_weekly_look(
    checkout: Path, headings: int, strict: str, code: int
) -> None:
    (checkout / "runbooks").mkdir()
    text = "\n\n".join(f"## {heading}\n\nAsk." for heading in HEADINGS[:headings])
    for name, alert in (("order-errors", "OrderErrorBurn"), ("order-latency", "OrderLatencyBurn")):
        front = f"---\nowner: shop\nseverity: page\nalerts: [{alert}]\n---\n# Orders\n\n"
        (checkout / "runbooks" / f"{name}.md").write_text(f"{front}{text}\n")
    (job,) = read("github-actions-runbooks.yml")["jobs"].values()
    *_, step = job["steps"]
    shell = "bash --noprofile --norc -eo pipefail -c"
    assert run(step["run"], checkout, {**job["env"], "STRICT": strict}, shell, codes=(0, 2)) == code


def expand(text: str, values: Mapping[str, str]) -> str:
    """A value of a workflow with its `${{ ... }}` put in."""
    return re.sub(r"\$\{\{ *([\w.]+) *\}\}", lambda found: values[found[1]], text)


def github(checkout: Path, url: str, branch: str = "main") -> int:
    """Run the steps of the workflow that run something; the exit code of the first that fails."""
    (job,) = read("github-actions.yml")["jobs"].values()
    values = {"vars.PROMETHEUS_URL": url, "secrets.PROMETHEUS_TOKEN": ""}
    env = {name: expand(value, values) for name, value in job["env"].items()}
    env["GITHUB_STEP_SUMMARY"] = str(checkout / "summary.md")
    for step in job["steps"]:
        if "run" in step and (branch == "main" or "if" not in step):
            code = run(step["run"], checkout, env, "bash --noprofile --norc -eo pipefail -c")
            if code:
                return code
    return 0


def gitlab(checkout: Path, url: str, branch: str = "main") -> int:
    """Run the scripts of the job; their exit code."""
    job = read("gitlab-ci.yml")["slo-gate"]
    env = {**job["variables"], "PROMETHEUS_URL": url, "CI_COMMIT_BRANCH": branch, "CI_DEFAULT_BRANCH": "main"}
    return run("\n".join([*job["before_script"], *job["script"]]), checkout, env, "sh -ec")


@pytest.mark.parametrize("play", [github, gitlab])
def test_a_recipe_lets_a_healthy_release_through_and_stops_a_burning_one(
    play, servers: Servers, checkout: Path
) -> None:
    assert play(checkout, servers["healthy"]) == 0
    assert (checkout / "pip.log").read_text() == "install --quiet flashcrowd==0.1.0\n"
    assert {"slo.xml", "slo.json", "slo.md", "slo-baseline.json"} <= {path.name for path in checkout.iterdir()}
    baseline = (checkout / "slo-baseline.json").read_bytes()
    assert play(checkout, servers["burning"]) == 1
    document = json.loads((checkout / "slo.json").read_text())
    assert document["baseline"]["objectives"][0]["outcome"] == "fail", "the earlier figures were its baseline"
    assert (checkout / "slo-baseline.json").read_bytes() == baseline, "a release that failed is no baseline"
    if play is github:
        assert (checkout / "summary.md").read_text().count("objectives") >= 2


def test_only_the_default_branch_makes_a_baseline(servers: Servers, checkout: Path) -> None:
    assert gitlab(checkout, servers["healthy"], branch="feature") == 0
    assert not (checkout / "slo-baseline.json").exists()


class Strict(BaseModel):
    """A part of a resource: a field that is not in the reference of Argo Rollouts or Kubernetes is a fault."""

    model_config = ConfigDict(extra="forbid")


class Arg(Strict):
    name: str
    value: str


class SecretKey(Strict):
    name: str
    key: str
    optional: bool = False


class ValueFrom(Strict):
    secretKeyRef: SecretKey  # noqa: N815 (Kubernetes' name)


class Variable(Strict):
    name: str
    valueFrom: ValueFrom  # noqa: N815


class Mount(Strict):
    name: str
    mountPath: str  # noqa: N815
    readOnly: bool  # noqa: N815


class Container(Strict):
    name: str
    image: str
    command: list[str]
    args: list[str]
    env: list[Variable]
    volumeMounts: list[Mount]  # noqa: N815


class ConfigMap(Strict):
    name: str


class Volume(Strict):
    name: str
    configMap: ConfigMap  # noqa: N815


class Pod(Strict):
    restartPolicy: Literal["Never", "OnFailure"]  # noqa: N815
    containers: list[Container]
    volumes: list[Volume]


class PodTemplate(Strict):
    spec: Pod


class JobSpec(Strict):
    backoffLimit: int  # noqa: N815
    activeDeadlineSeconds: int  # noqa: N815
    template: PodTemplate


class Job(Strict):
    spec: JobSpec


class Header(Strict):
    key: str
    value: str


class Web(Strict):
    method: Literal["GET", "POST", "PUT"]
    url: str
    timeoutSeconds: int  # noqa: N815
    headers: list[Header]
    body: str
    jsonPath: str  # noqa: N815


class Provider(Strict):
    job: Job | None = None
    web: Web | None = None


class Metric(Strict):
    name: str
    initialDelay: str  # noqa: N815
    interval: str
    count: int
    failureLimit: int  # noqa: N815
    inconclusiveLimit: int = 0  # noqa: N815
    consecutiveErrorLimit: int = 4  # noqa: N815
    successCondition: str = ""  # noqa: N815
    failureCondition: str = ""  # noqa: N815
    provider: Provider


class Analysis(Strict):
    args: list[Arg]
    metrics: list[Metric]


class Named(Strict):
    name: str


class AnalysisTemplate(Strict):
    apiVersion: Literal["argoproj.io/v1alpha1"]  # noqa: N815
    kind: Literal["AnalysisTemplate"]
    metadata: Named
    spec: Analysis


def metric(name: str, url: str) -> Metric:
    """The one metric of a template, its `{{args.NAME}}` put in."""
    values = {arg.name: arg.value for arg in AnalysisTemplate.model_validate(read(name)).spec.args}
    values["prometheus"] = url
    text = re.sub(r"\{\{ *args\.([\w-]+) *\}\}", lambda found: values[found[1]], (CI / name).read_text())
    (found,) = AnalysisTemplate.model_validate(YAML(typ="safe").load(text)).spec.metrics
    return found


@pytest.mark.parametrize(("state", "code"), [("healthy", 0), ("burning", 1)])
def test_argos_job_judges_the_slos_of_a_config_map(state: str, code: int, servers: Servers, checkout: Path) -> None:
    job = metric("argo-rollouts-job.yaml", servers[state]).provider.job
    assert job is not None
    (container,) = job.spec.template.spec.containers
    assert {mount.name for mount in container.volumeMounts} == {
        volume.name for volume in job.spec.template.spec.volumes
    }
    mounted, data = checkout / "mounted", checkout / "mounted" / "..2026_11_26"
    shutil.copytree(checkout / "slos", data)  # Kubernetes lays a ConfigMap so that it can be exchanged at once
    (mounted / "..data").symlink_to(data.name)
    (mounted / "shop.yaml").symlink_to("..data/shop.yaml")
    words = [word.replace("/slos", str(mounted)) for word in (*container.command, *container.args)]
    assert run(" ".join(words), checkout, {}, "sh -c") == code


def measured(found: Metric) -> str:
    """What Argo makes of the web metric's answer: Successful, Failed, Inconclusive or Error."""
    web = found.provider.web
    assert web is not None
    headers = {header.key: header.value for header in web.headers}
    answer = httpx.request(web.method, web.url, headers=headers, content=web.body, trust_env=False).raise_for_status()
    assert web.jsonPath == "{$.data.result[0].value[1]}"
    result = answer.json()["data"]["result"]
    if not result:
        return "Error"
    value = float(result[0]["value"][1])
    if _holds(found.failureCondition, value):
        return "Failed"
    return "Successful" if _holds(found.successCondition, value) else "Inconclusive"


def _holds(condition: str, value: float) -> bool:
    sides = re.fullmatch(r"asFloat\(result\) (<=|>) ([\d.]+)", condition)
    assert sides is not None
    return value <= float(sides[2]) if sides[1] == "<=" else value > float(sides[2])


@pytest.mark.parametrize(("bad", "outcome"), [(0.001, "Successful"), (0.0075, "Inconclusive"), (0.05, "Failed")])
async def test_argos_web_metric_reads_the_recorded_rules(bad: float, outcome: str, tmp_path: Path) -> None:
    async with shop(tmp_path / "shop", bad, future=0) as url:  # a Prometheus with a future can't record what is now
        found = metric("argo-rollouts-web.yaml", url)
        end = time.monotonic() + 30
        while measured(found) == "Error":
            assert time.monotonic() < end, "nothing was recorded"
            await asyncio.sleep(0.1)
        assert measured(found) == outcome
        assert found.provider.web is not None
        found.provider.web.body += "000000"  # so many events were not there
        assert measured(found) == "Error"
