import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashcrowd.errors import DocumentError
from runbooks.model import Heading, HttpStep, ManualStep, PromqlStep, Runbook, ShStep, WaitStep
from runbooks.parser import parse, read_runbook
from tests.runbooks.conftest import PARTS

Page = Callable[..., str]
FILE = Path("slow.md")


def faults(text: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        parse(text, FILE)
    return [str(problem) for problem in caught.value.problems]


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_a_page_becomes_steps_under_their_headings(page: Page) -> None:
    manual = '```manual {"step": "call"}\nCall them.\n```\n\n```sh {"step": "restart", "timeout": "1m"}\nx y\n```'
    runbook = parse(page({"Mitigation": f"Why.\n\nAnd how.\n\n{manual}", "Rollback": "Nothing to do."}), FILE)
    call, restart = runbook.steps(Heading.MITIGATION)
    assert isinstance(call, ManualStep)
    assert (call.text, call.why) == ("Call them.", "Why.\n\nAnd how.")
    assert isinstance(restart, ShStep)
    assert (restart.script, restart.timeout, restart.why, restart.approve) == ("x y", 60.0, "", False)
    assert (runbook.name, runbook.title, runbook.front.alerts) == ("slow", "Orders are slow", ["Slow"])


def test_settings_are_read_with_their_types(page: Page) -> None:
    info = {"step": "reserve", "approve": True, "timeout": "1m30s", "undo": "release", "retries": 2, "when": "slow"}
    block = f"```http {json.dumps(info)}\nPUT ${{shop.admin}}/x\nX-Why: sale\n\nplain: text\n```"
    (step,) = parse(page({"Mitigation": block}), FILE).steps(Heading.MITIGATION)
    assert isinstance(step, HttpStep)
    assert (step.approve, step.timeout, step.undo, step.retries, step.when) == (True, 90.0, "release", 2, "slow")
    assert (step.method, step.headers, step.body) == ("PUT", (("X-Why", "sale"),), "plain: text")


def test_lines_are_those_of_the_file(page: Page, runbook: Callable[..., Runbook]) -> None:
    text = page()
    assert [step.line for step in runbook()] == [
        line_of(text, f'"step": "{name}"') for name in ("slow", "reserve", "quick", "release")
    ]


def test_fences_without_settings_are_prose(page: Page) -> None:
    code = "```sh\nrm -rf /\n```\n\n```python {.numbered}\nx\n```"
    runbook = parse(page({"Meaning": code}), FILE)
    assert [step.name for step in runbook] == ["slow", "reserve", "quick", "release"]
    assert "".join(map(str, runbook.sections[0].parts)).count("```") == 4


def test_windows_line_ends_are_read(page: Page) -> None:
    assert len(list(parse(page().replace("\n", "\r\n"), FILE))) == 4


def test_all_faults_of_a_page_are_told_at_once_with_their_lines(page: Page) -> None:
    text = page(
        {
            "front": "owner: shop\nseverity: pager\nalert: [Slow]",
            "Impact": None,
            "Diagnosis": '```promql {"step": "slow", "expect": "fast"}\nrate(x[5s]\n```',
            "Mitigation": '```http {"step": "reserve", "undo": "relaese", "aprove": true}\nPOST http://x/\n```\n\n'
            '```http {"step": "pause", "undo": "releas", "timeout": "5"}\nSEND http://x/\n```\n\n'
            '```bash {"step": "restart"}\nx\n```',
        }
    )
    found = faults(text)
    slow, reserve = line_of(text, '"slow"'), line_of(text, '"reserve"')
    pause, restart = line_of(text, '"pause"'), line_of(text, '"restart"')
    assert found == [
        "slow.md: the heading '## Impact' is missing",
        "slow.md:3: severity: 'pager' is not one of 'page' or 'ticket'",
        "slow.md:4: alert: unknown field; did you mean 'alerts'?",
        f"slow.md:{slow}: expect: 'fast' is not an expectation; write '> 0.3', '<= 0.01' or '== 1'",
        f"slow.md:{slow + 1}: is not PromQL: unclosed left parenthesis",
        f"slow.md:{reserve}: aprove: unknown field; did you mean 'approve'?",
        f"slow.md:{reserve}: undo: no step 'relaese' under Rollback; did you mean 'release'?",
        f"slow.md:{pause}: timeout: '5' has no unit; write 5s, 5m or 1h",
        f"slow.md:{pause + 1}: 'SEND' is no HTTP method; "
        "begin with one of GET, HEAD, POST, PUT, PATCH, DELETE and a URL",
        f"slow.md:{restart}: 'bash' is no kind of step; did you mean 'sh'?",
    ]


QUICK = '```promql {"step": "quick", "expect": "< 1"}\nx\n```'


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"Diagnosis": '```promql {"step": "a"}\nx\n```'}, "a has no expect"),
        ({"Diagnosis": '```promql {"expect": "> 1"}\nx\n```'}, "step: is missing"),
        ({"Diagnosis": '```promql {"step": "a b", "expect": "> 1"}\nx\n```'}, "'a b' is no step name"),
        ({"Diagnosis": '```promql {"step": "a", "expect": "> 1",}\nx\n```'}, "settings after 'promql' are not JSON"),
        ({"Diagnosis": '```promql {"step": "a", "expect": "> 1", "line": 3}\nx\n```'}, "line: unknown field"),
        ({"Diagnosis": '```sh {"step": "a"}\nx\n```'}, "sh steps change the platform; move it under Mitigation"),
        ({"Diagnosis": '```promql {"step": "a", "expect": "> 1", "for": "3s"}\nx\n```'}, "which looks only once"),
        ({"Meaning": '```manual {"step": "a"}\nx\n```'}, "a step can't stand here"),
        ({"Mitigation": '- now:\n\n  ```manual {"step": "a"}\n  x\n  ```'}, "inside a list or a quotation"),
        ({"Mitigation": '```manual {"step": "a", "undo": "releas"}\nx\n```'}, "did you mean 'release'?"),
        ({"Mitigation": '```manual {"step": "a", "undo": "slow"}\nx\n```'}, "undo: no step 'slow' under Rollback"),
        ({"Mitigation": '```manual {"step": "a", "when": "slwo"}\nx\n```'}, "when: no step 'slwo' under Diagnosis"),
        ({"Mitigation": '```manual {"step": "slow", "undo": "release"}\nx\n```'}, "'slow' is there already, in line"),
        ({"Mitigation": '```manual {"step": "a"}\nx\n```'}, "no step names 'release' as its undo"),
        ({"Mitigation": '```manual {"step": "a", "retries": 99}\nx\n```'}, "retries: input should be less"),
        ({"Mitigation": '```manual {"step": "a", "timeout": "0s"}\nx\n```'}, "timeout: must be longer than 0"),
        ({"Mitigation": '```sh {"step": "a", "undo": "release"}\n```'}, "the block is empty"),
        ({"Rollback": '```manual {"step": "release", "approve": true}\nx\n```'}, "without asking"),
        ({"Verification": "Look."}, "has no promql step"),
        ({"Verification": QUICK.replace("< 1", "< 1").replace("}", ', "for": "10s"}')}, "for must be shorter"),
        ({"Verification": f"{QUICK}\n\n## Diagnosis\n\nAgain."}, "the heading 'Diagnosis' is there already"),
        ({"Escalation": ""}, "nothing stands under 'Escalation'"),
        ({"Escalation": None, "Escallation": "x"}, "'## Escalation' is missing; is 'Escallation' meant to be it?"),
        ({"front": "owner: [shop"}, "is not YAML"),
        ({"front": "alerts: []"}, "owner: is missing"),
    ],
)
def test_a_fault_is_named(page: Page, changes: dict[str, str | None], fault: str) -> None:
    assert any(fault in line for line in faults(page(changes))), faults(page(changes))


def test_a_page_without_front_matter_or_title_says_so() -> None:
    found = faults("## Meaning\n\nx\n")
    assert any("slow.md:1: has no front matter" in line for line in found)
    assert any("has no title" in line for line in found)


def test_evidence_is_read_with_its_time(page: Page) -> None:
    evidence = "rehearsed: {at: 2026-11-20T10:00:00Z, plan: sale, fault: network.latency, recovered: 16s}"
    front = parse(page({"front": f"owner: shop\nseverity: ticket\n{evidence}"}), FILE).front
    assert front.rehearsed is not None
    assert front.rehearsed.at.isoformat() == "2026-11-20T10:00:00+00:00"
    assert front.rehearsed.recovered == 16.0


def test_a_file_that_cannot_be_read_is_an_input_fault(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="no such file"):
        read_runbook(tmp_path / "none.md")
    (tmp_path / "latin.md").write_bytes(b"\xe9")
    with pytest.raises(DocumentError, match="not UTF-8"):
        read_runbook(tmp_path / "latin.md")


INFO = st.fixed_dictionaries(
    {"step": st.from_regex(r"[a-z0-9]{1,9}(-[a-z0-9]{1,9}){0,2}", fullmatch=True).filter(lambda name: name != "quick")},
    optional={"timeout": st.sampled_from(["5s", "1m", "800ms"]), "retries": st.integers(0, 10)},
)


@given(INFO, st.sampled_from(["> 0.3", "== 1", "<= 0.01"]))
@settings(deadline=None, max_examples=50)
def test_any_well_formed_info_string_is_read_back(info: dict[str, object], expect: str) -> None:
    text = f"```promql {json.dumps({**info, 'expect': expect})}\nx\n```"
    parts = ["Meaning", "Impact", "First five minutes", "Mitigation", "Verification", "Rollback", "Escalation"]
    rest = "\n\n".join(f"## {heading}\n\nx" for heading in parts)
    runbook = parse(f"---\nowner: x\nseverity: page\n---\n# T\n\n{rest}\n\n## Diagnosis\n\n{text}\n", FILE)
    (step,) = runbook
    assert isinstance(step, PromqlStep)
    assert (step.name, str(step.expect), step.retries) == (info["step"], expect, info.get("retries", 0))


@given(st.text(max_size=80))
@settings(deadline=None, max_examples=200)
def test_no_info_string_and_no_page_breaks_the_parser(text: str) -> None:
    for page in (
        text,
        f"---\n{text}\n---\n# T\n",
        f"## Diagnosis\n\n```promql {text}\nx\n```\n",
        f"```sh {{{text}}}\n",
    ):
        with pytest.raises(DocumentError):
            parse(page, FILE)


def test_a_heading_is_its_text_as_a_reader_sees_it(page: Page) -> None:
    text = page().replace("## Meaning", "## **Meaning** ##").replace("## Impact\n", "Impact\n------\n")
    text = text.replace("## First five minutes", "## First [five](#impact) minutes").replace("# Orders", "# `Orders`")
    runbook = parse(text, FILE)
    assert [section.heading for section in runbook.sections][:3] == ["Meaning", "Impact", "First five minutes"]
    assert runbook.title == "Orders are slow"


def test_a_byte_order_mark_and_any_line_ends_are_read(page: Page) -> None:
    for end in ("\r\n", "\r"):
        runbook = parse("\ufeff" + page().replace("\n", end), FILE)
        assert [step.line for step in runbook] == [step.line for step in parse(page(), FILE)]


def test_a_step_inside_a_comment_is_none_and_a_folded_one_is_one(page: Page) -> None:
    step = '```promql {"step": "%s", "expect": "> 1"}\nx\n```'
    hidden, folded = step % "hidden", step % "folded"
    text = f"<!--\n{hidden}\n-->\n\n<details><summary>More</summary>\n\n{folded}\n\n</details>"
    assert [one.name for one in parse(page({"Diagnosis": text}), FILE).steps(Heading.DIAGNOSIS)] == ["folded"]


def test_a_wait_is_read(runbook: Callable[..., Runbook]) -> None:
    page = runbook({"Verification": f"{WAIT.format('30s')}\n\n{PARTS['Verification']}"})
    step = page.step("settle")
    assert isinstance(step, WaitStep)
    assert (step.hold, step.text, step.why) == (30.0, "What is under way to end.", "It takes a moment.")


WAIT = 'It takes a moment.\n\n```wait {{"step": "settle", "for": "{}"}}\nWhat is under way to end.\n```'


@pytest.mark.parametrize(
    ("section", "text", "fault"),
    [
        ("Mitigation", WAIT.format("0s"), "must be longer than 0"),
        ("Mitigation", WAIT.format("2h"), "must be at most 1h; for longer, say in prose when to come back"),
        ("Mitigation", WAIT.format("30"), "has no unit"),
        ("Mitigation", '```wait {"step": "settle"}\nX.\n```', "for: is missing"),
        ("Mitigation", '```wait {"step": "settle", "for": "1s"}\n```', "the block is empty; say what is waited for"),
        ("Diagnosis", WAIT.format("1s"), "a wait belongs under Mitigation or Verification"),
        ("First five minutes", WAIT.format("1s"), "a wait belongs under Mitigation or Verification"),
        (
            "Mitigation",
            '```wait {"step": "settle", "for": "1s", "retries": 2, "approve": true}\nX.\n```',
            "approve can't be honoured: a wait only lets its time pass",
        ),
    ],
)
def test_a_wait_that_can_not_be_honoured_is_a_fault(
    runbook: Callable[..., Runbook], section: str, text: str, fault: str
) -> None:
    with pytest.raises(DocumentError) as caught:
        runbook({section: f"{PARTS[section]}\n\n{text}"})
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('```http {"step": "reserve", "undo": "release", "approve": true}\nPOST ${shop.admin}/x\n```', "asks a person"),
        ('```manual {"step": "call"}\nCall them.\n```', "is something that only a person can do"),
    ],
)
def test_an_automatic_page_asks_nobody(runbook: Callable[..., Runbook], text: str, fault: str) -> None:
    automatic = {"front": f"{PARTS['front']}\nautomatic: true"}
    with pytest.raises(DocumentError, match=f"automatic can't be honoured: .* {fault}"):
        runbook({**automatic, "Mitigation": text, **({} if "undo" in text else {"Rollback": "Nothing."})})
    assert runbook(automatic).front.automatic
    assert not runbook().front.automatic


def test_an_automatic_page_looks_before_it_acts(runbook: Callable[..., Runbook]) -> None:
    automatic = {"front": f"{PARTS['front']}\nautomatic: true", "Diagnosis": "You will know it."}
    with pytest.raises(DocumentError, match="automatic can't be honoured: no promql step under Diagnosis"):
        runbook(automatic)
    assert runbook({**automatic, "front": PARTS["front"]}).steps(Heading.DIAGNOSIS) == ()


def test_a_step_names_the_components_that_it_touches(runbook: Callable[..., Runbook]) -> None:
    text = '```sh {"step": "restart", "on": ["inventory"], "undo": "release"}\ntrue\n```'
    assert runbook({"Mitigation": text}).step("restart").on == ("inventory",)
    look = '```promql {"step": "slow", "expect": "> 0.3", "on": ["inventory"]}\nslow_seconds\n```'
    with pytest.raises(DocumentError, match="on belongs to steps that change something"):
        runbook({"Diagnosis": look})
