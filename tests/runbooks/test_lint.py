"""Lint of pages by themselves: each rule with a page where it fires, and one where it must not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from flashcrowd.errors import InputError
from runbooks.lint import pages, run
from runbooks.lint.finding import RULES, Severity

Page = Callable[..., str]
Lint = Callable[..., list[str]]


@pytest.fixture
def page(page: Page) -> Page:
    """As elsewhere, but without anything to say: its acting and waiting steps have timeouts."""

    def build(changes: dict[str, str | None] | None = None) -> str:
        return (
            page(changes)
            .replace('"undo": "release"}', '"undo": "release", "timeout": "5s"}', 1)
            .replace('{"step": "release"}', '{"step": "release", "timeout": "5s"}')
        )

    return build


@pytest.fixture
def lint(page: Page, tmp_path: Path) -> Lint:
    """What is said of a page with these changes: `LINE: path: message [rule]`."""

    def told(changes: dict[str, str | None] | None = None, text: str | None = None) -> list[str]:
        file = tmp_path / "slow.md"
        file.write_text(page(changes) if text is None else text, encoding="utf-8")
        found = sorted(run.findings([pages.load(file)]), key=lambda one: one.problem)
        return [str(one).removeprefix(f"{file}:").strip() for one in found]

    return told


def restart(script: str, settings: str = '"timeout": "1m"') -> dict[str, str | None]:
    return {"Mitigation": f'```sh {{"step": "reserve", "undo": "release", {settings}}}\n{script}\n```'}


def test_a_page_without_faults_is_clean(lint: Lint) -> None:
    assert lint() == []


def test_a_page_with_a_fault_is_looked_through_all_the_same(lint: Lint) -> None:
    found = lint({"Impact": None, "Escalation": "See [it](none.md).", **restart("no-such-program", '"undo": "x"')})
    assert {one.rpartition("[")[2] for one in found} >= {"format]", "link]"}
    found = lint({"Impact": None, "Escalation": "See [it](none.md).", **restart("no-such-program", '"retries": 1')})
    assert {one.rpartition("[")[2] for one in found} == {"format]", "link]", "command]", "timeout]"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (restart("true", '"retries": 1'), "reserve changes the platform"),
        ({"Verification": '```promql {"step": "quick", "expect": "< 1"}\nx\n```'}, "quick waits for what it expects"),
        ({"Rollback": '```http {"step": "release" }\nPOST ${shop.admin}/x\n```'}, "release changes the platform"),
        (restart('echo "never ended'), "/bin/sh can't read it: "),
        (restart("if true; then\n  echo\n"), "/bin/sh can't read it: "),
        (restart("true\n\nno-such-program --now"), "'no-such-program' is not on PATH here"),
        (restart("/opt/none/such x"), "'/opt/none/such' is not on PATH here"),
        (restart("echo x\n" * 4000), "the script is longer than 16,384 bytes"),
        ({"Escalation": "Ask [them](people.md)."}, "the link 'people.md' leads nowhere"),
        ({"Escalation": "Ask [them](slwo.md)."}, "the link 'slwo.md' leads nowhere; did you mean 'slow.md'?"),
        ({"Escalation": "Ask [them](#mitigations)."}, "no heading #mitigations; did you mean 'mitigation'?"),
        ({"Escalation": "Ask [them](slow.md#Mitigation)."}, "slow.md has no heading #Mitigation"),
        ({"Escalation": "Ask [them]()."}, "a link is empty"),
        ({"Escalation": "![the dashboard](shot.png)"}, "the link 'shot.png' leads nowhere"),
        ({"Escalation": 'Ask <a href="none.md">them</a>.'}, "the link 'none.md' leads nowhere"),
        ({"Escalation": "Ask [them][dba]."}, "nothing on the page defines [dba]"),
        ({"front": "owner: shop\nseverity: page"}, "names no alert, so that no page leads to it"),
    ],
)
def test_a_rule_fires(lint: Lint, changes: dict[str, str | None], says: str) -> None:
    (found,) = lint(changes)
    assert says in found


@pytest.mark.parametrize(
    "changes",
    [
        {"First five minutes": '```promql {"step": "look"}\nx\n```'},
        restart("true").copy() | {"Verification": '```promql {"step": "q", "expect": "< 1", "timeout": "3s"}\nx\n```'},
        {"Escalation": "[a](#mitigation) [b](slow.md#first-five-minutes) [c](slow.md) [d](.) [e](#) [f](#top)"},
        {"Escalation": "[a](https://example.org/none) [b](//example.org) [c](mailto:x@y.org) [d](${grafana.url}/d/x)"},
        {"Escalation": "```\n[a](none.md) [b][c]\n```\n\nand `[a](none.md)`, x[5m][1h], \\[a](none.md)"},
        {"Escalation": "Nobody.\n\n<!-- [a](none.md) -->\n\nOr <!-- [a](none.md) --> somebody."},
        {"Escalation": "### Who's on *call*?\n\n### Who's on call?\n\n[a](#whos-on-call) [b](#whos-on-call-1)"},
        {"Escalation": '<a name="them"></a><p id="us">\n\n[a](#them) [b](#us) [c](slow.md?plain=1#L10-L12)'},
        {"Escalation": "### 订单很慢 — why\n\n[a](#订单很慢--why) [b][them] [them]\n\n[them]: slow.md 'Those'"},
    ],
)
def test_a_rule_keeps_silent(lint: Lint, changes: dict[str, str | None]) -> None:
    assert lint(changes) == []


def test_lines_are_those_of_the_file(lint: Lint, page: Page) -> None:
    script = restart("\n\ntrue\nno-such-program")
    prose = "One\ntwo [a](one.md)\n\n- three\n- [b](two.md)\n\n| a |\n|---|\n| [c](three.md) |"
    changes = {**script, "Escalation": prose}
    lines = page(changes).split("\n")
    found = {one.partition(": ")[2]: int(one.partition(":")[0]) for one in lint(changes)}
    assert [lines[line - 1] for line in found.values()] == [
        "no-such-program", "two [a](one.md)", "- [b](two.md)", "| [c](three.md) |",
    ]  # fmt: skip


def test_a_path_from_the_root_is_the_repositorys(lint: Lint, tmp_path: Path) -> None:
    link = {"Escalation": "[a](/slow.md) [b](/none.md)"}
    assert lint(link) == [], "without a repository nobody knows its root"
    (tmp_path / ".git").mkdir()
    (found,) = lint(link)
    assert "'/none.md' leads nowhere" in found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no front matter"),
        ("\0\1\2" * 1000, "has no front matter"),
        ("x" * 100_001, "is longer than 100,000 characters"),
        ("x" * 3_000_000, "is longer than 100,000 characters"),
        ("---\na: " + "[" * 9_000 + "\n---\n# T\n", "front matter"),
        ("---\n" + "- " * 4_000 + "\n---\n# T\n", "the front matter is longer"),
        ("---\n" + "a" * 10_001 + "\n---\n# T\n", "the front matter is longer"),
        ("---\nowner: x\nseverity: page\n---\n# T\n" + "> " * 9_000, "is missing"),
        ("---\nowner: x\nseverity: page\n---\n# T\n" + "- " * 9_000, "is missing"),
        ("---\nowner: x\nseverity: page\n---\n# T\n" + "[" * 9_000 + "](" * 2_000, "is missing"),
        ('## Diagnosis\n\n```promql {"step": ' + "[" * 60_000 + "\nx\n```\n", "are not JSON"),
        ('## Diagnosis\n\n```promql {"step": "a", "expect": "> 1"}\n' + "(" * 60_000 + "\n```\n", "longer than 4,000"),
        ('## Diagnosis\n\n```promql {"step": "a", "expect": "> 1"}\n' + "-" * 999 + "x\n```\n", "## Meaning"),
        ('## Mitigation\n\n```sh {"step": "a"}\n' + "$(" * 8_000 + "\n```\n", "/bin/sh can't read it"),
        ('## Mitigation\n\n```sh {"step": "a"}\nx\n', "the block is never closed"),
        ('## Mitigation\n\n~~~sh {"step": "a"}\nx\n```\n\n## Rollback\n\nx', "end it with ~~~"),
        ('## Mitigation\n\n```sh {"step": "a", "undo": "`"}\nx\n```\n', "can't hold a backtick"),
        ('## Mitigation\n\n    ```sh {"step": "a"}\n    x\n    ```\n', "indented by four spaces"),
        ('<details>\n```sh {"step": "a"}\nx\n```\n</details>\n', "stands inside of HTML"),
    ],
)  # fmt: skip
def test_a_hostile_or_broken_page_gets_a_sentence(lint: Lint, text: str, says: str) -> None:
    assert any(says in one for one in lint(text=text)), lint(text=text)


def test_files_that_are_no_text_get_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "binary.md").write_bytes(bytes(range(256)) * 100)
    (tmp_path / "folder.md").mkdir()
    for name, says in {"binary": "is not UTF-8 text", "folder": "can't be read", "none": "can't be read"}.items():
        (found,) = run.findings([pages.load(tmp_path / f"{name}.md")])
        assert says in str(found)


def test_files_folders_and_names_are_found(tmp_path: Path, page: Page) -> None:
    for name in ("a.md", "sub/b.md", "README.md", "_draft.md", ".git/c.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(page())
    found = pages.files([str(tmp_path), str(tmp_path / "a.md"), "order-latency"])
    assert [file.name for file in found] == ["a.md", "b.md", "order-latency.md"]
    assert [file.parent.name for file in pages.files([])][:1] == ["library"]
    with pytest.raises(InputError, match="did you mean 'order-latency'"):
        pages.files(["order-latancy"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no runbook"):
        pages.files([str(tmp_path / "empty")])


def test_a_link_is_looked_up_from_its_page_whatever_folder_we_are_in(lint: Lint, tmp_path: Path) -> None:
    (tmp_path / "people.md").write_text("# Who\n")
    assert Path.cwd() != tmp_path
    assert lint({"Escalation": "[them](people.md#who)"}) == []


def test_every_rule_says_how_bad_it_is() -> None:
    assert {severity for severity, _ in RULES.values()} == set(Severity)


def test_the_docs_have_every_rule_as_it_is() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "runbook-lint.md").read_text(encoding="utf-8")
    _, _, table = docs.partition("<!-- rules -->")
    rows = [[cell.strip() for cell in line.split("|")[1:4]] for line in table.split("\n") if line.startswith("| `")]
    assert rows == [[f"`{rule}`", severity.value, finds] for rule, (severity, finds) in RULES.items()]
