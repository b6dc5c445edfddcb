from __future__ import annotations

import subprocess
import sys

import pytest
from command_line import CommandLine
from typer.testing import CliRunner

import cli

COMMANDS = {
    "demo": ["--out"],
    "up": ["--out", "--live", "--bug"],
    "init": [],
    "doctor": ["--viewers", "--room", "--json", "--allow-production"],
    "load list": [],
    "load run": ["--target", "--host", "--viewers", "--shape", "--duration", "--over", "--workers", "--metrics-port"],
    "load worker": ["--master"],
    "load fairness": ["--json"],
    "chaos list": ["--json", "--markdown"],
    "chaos inject": ["--on", "--for", "--set", "--target", "--allow-production"],
    "chaos status": ["--json"],
    "chaos recover": [],
    "chaos run": ["--target", "--on", "--for", "--allow-production"],
    "slo check": ["--prometheus", "--window", "--budget", "--at", "--junit", "--json", "--markdown"],
    "slo dashboard": ["--out", "--windows", "--runbooks", "--push", "--target", "--folder", "--overwrite"],
    "slo rules": ["--windows", "--runbooks"],
    "slo lint": ["--prometheus"],
    "slo convert": ["--to"],
    "slo replay": ["--windows", "--within", "--json"],
    "runbook list": [],
    "runbook show": [],
    "runbook lint": ["--prometheus", "--target", "--slo", "--rules", "--runbooks", "--links", "--strict", "--json"],
    "runbook generate": ["--from", "--target", "--slo", "--out", "--check", "--dry-run"],
    "runbook run": ["--target", "--prometheus", "--execute", "--yes", "--out", "--allow-production"],
    "runbook serve": ["--target", "--prometheus", "--listen", "--mitigate", "--token-env", "--client-ca", "--runbooks"],
    "gameday run": ["--out", "--control", "--with-controls", "--allow-production", "--seed", "--json"],
    "gameday plan": [],
    "gameday judge": ["--json"],
    "gameday report": [],
    "gameday triads": ["--json"],
    "gameday coverage": ["--target", "--slo", "--runbooks", "--fail-on", "--json", "--markdown"],
    "gameday compare": ["--baseline", "--tolerance", "--within", "--json", "--markdown", "--html"],
}
HEAVY = ("pydantic", "rich", "httpx", "altair", "ruamel", "locust", "jinja2", "prometheus_client", "flashcrowd.errors")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_explains_itself_and_its_options(command, flag):
    result = CliRunner().invoke(cli.main, [*command.split(), flag])
    assert result.exit_code == 0
    assert f"{command} [OPTIONS]" in result.output
    for option in COMMANDS[command]:
        assert f"  {option} " in result.output
    assert max(map(len, result.output.splitlines())) <= 80


@pytest.mark.parametrize("group", ["", "load", "chaos", "slo", "runbook", "gameday"])
def test_a_word_too_few_shows_what_there_is(group):
    result = CliRunner().invoke(cli.main, group.split())
    assert result.exit_code == 2
    for command in COMMANDS:
        if not group or command.startswith(f"{group} "):
            assert f"  {command.removeprefix(group).split()[0]} " in result.output


def test_the_list_of_commands_here_is_complete():
    groups = {group.name: group.typer_instance for group in cli.main.registered_groups}
    found = {command.name for command in cli.main.registered_commands} | {
        f"{name} {command.name or command.callback.__name__}"
        for name, group in groups.items()
        for command in group.registered_commands
    }
    assert found == set(COMMANDS)


def test_the_command_line_starts_without_what_only_commands_need(tmp_path):
    seen = f"import sys, cli; print(*(name for name in {HEAVY} if name in sys.modules))"
    env = CommandLine(tmp_path).env
    result = subprocess.run(
        [sys.executable, "-c", seen], env=env, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout.strip(), result.stderr) == (0, "", "")


def test_it_runs_as_a_module_under_its_own_name(tmp_path):
    result = CommandLine(tmp_path).run("--help", timeout=30)
    assert result.returncode == 0
    assert result.stdout.startswith("Usage: flashcrowd [OPTIONS] COMMAND")
