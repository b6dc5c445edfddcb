"""A generated page: what it says with and without evidence, and that it keeps what people wrote."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_evidence import KILL, LATENCY, SLOW, objective, rehearsed, run, shown, unrehearsed

from flashcrowd.errors import DocumentError
from runbooks.catalogue import LIBRARY, builtin_names
from runbooks.evidence import RunEvidence, from_line, merged, to_line
from runbooks.generator import NAMES, generate
from runbooks.markers import EVIDENCE, blocks, content, without
from runbooks.model import Heading, Runbook
from runbooks.parser import parse

FILE = Path("order-latency.md")


def fresh(*runs: RunEvidence, **changes: object) -> str:
    return generate(None, FILE, objective(**changes), runs)


def page(text: str) -> Runbook:
    return parse(text, FILE)


def part(text: str, name: str) -> str:
    return content(text, blocks(text, FILE, NAMES)[name])


def test_without_evidence_the_page_says_so_and_is_a_page_all_the_same():
    text = fresh()
    read = page(text)
    assert read.front.rehearsed is None
    assert (read.front.alerts, read.front.slo, read.front.severity) == (["OrderLatencyBurn"], "order-latency", "page")
    assert [step.name for step in read] == ["bad-share", "events-per-second", "objective-held"]
    assert "Never rehearsed" in part(text, "rehearsals")
    assert "no step that is known to find a cause" in part(text, "diagnosis")
    assert "TODO" not in text
    assert generate(text, FILE, objective(), []) == text


def test_with_evidence_it_finds_each_cause_and_offers_what_helped():
    text = fresh(run(1, LATENCY, KILL))
    read = page(text)
    assert [step.name for step in read.steps(Heading.DIAGNOSIS)] == ["inventory-slow", "inventory-down"]
    assert "1. `inventory-slow`: **yes** → network.latency on inventory. **No** → go to 2." in text
    assert "2. `inventory-down`: **yes** → process.kill on inventory. **No** → none of the known causes" in text
    mitigations = {step.name: step for step in read.steps(Heading.MITIGATION)}
    assert {name: step.when for name, step in mitigations.items()} == {
        "reserve-blocks": "inventory-slow",
        "restart": "inventory-down",
    }
    assert all(step.approve for step in mitigations.values())
    assert [step.name for step in read.steps(Heading.ROLLBACK)] == ["reserve-singly"]
    assert mitigations["reserve-blocks"].undo == "reserve-singly"
    assert "Never broken in a rehearsal: `shop`, `stream`." in text


def test_a_probe_becomes_a_step_with_a_threshold_between_health_and_the_fault():
    (step,) = page(fresh(run(1, KILL))).steps(Heading.DIAGNOSIS)
    assert (step.name, str(step.expect)) == ("inventory-down", "< 0.5")


def test_what_the_crowd_alone_measures_is_never_a_step():
    one = run(1, LATENCY)
    crowds = tuple(replace(look, query=f"flashcrowd_{look.step.replace('-', '_')}") for look in one.looks)
    assert page(fresh(replace(one, looks=crowds))).steps(Heading.DIAGNOSIS) == ()


def test_the_table_has_every_rehearsal_with_its_times_and_the_latest_is_in_the_front():
    text = fresh(run(1, LATENCY), run(2, LATENCY, rehearsed=(rehearsed(LATENCY, recovered=12.04, credit=None),)))
    table = [line for line in text.splitlines() if "| friday |" in line]
    assert [line.split(" | ")[0] for line in table] == ["| 2027-01-17 08:00", "| 2027-01-16 08:00"]
    assert "| 5.9 s | 13 min 40 s | 6.9 s | 11 s | pass | yes |" in table[1]
    assert table[0].endswith("| 12 s | pass | not proved |")
    read = page(text).front.rehearsed
    assert read is not None
    assert (read.detected, read.detected_production, read.mitigated, read.recovered) == (5.9, 820, 6.9, 12)
    assert read.against is not None
    assert dict(read.against) == {
        "plan": "5b259862b0cd",
        "rules": "dfb6a5ffb852",
        "target": "50ccfab7ef29",
        "runbook": "8ab29a8bc94a",
    }


def test_where_a_control_recovered_by_itself_no_mitigation_is_praised():
    row = rehearsed(LATENCY, credit=False, why="no-runbook: back within its objective by itself")
    text = fresh(run(1, LATENCY, rehearsed=(row,)))
    read = page(text)
    assert read.steps(Heading.MITIGATION) == ()
    assert "not to be relied on: `reserve-blocks` (under network.latency on inventory: no-runbook: back" in text
    assert read.front.rehearsed is not None
    assert (read.front.rehearsed.mitigation, read.front.rehearsed.recovered) == (None, 10.8)
    assert "| pass | no |" in text


@pytest.mark.parametrize(
    ("outcome", "says"), [("pass", "| pass | yes |"), ("fail", "| pass | no |"), ("inconclusive", "| not proved |")]
)
def test_a_control_that_was_played_apart_gives_or_takes_the_credit(outcome, says):
    row = rehearsed(LATENCY, credit=None, why="no control was played")
    control = run(2, LATENCY, control="no-runbook", controls=(shown("no-runbook", outcome),))
    text = fresh(run(1, LATENCY, rehearsed=(row,)), control)
    assert says in text
    other = replace(control, plan_print="ffffffffffff")
    assert "| not proved |" in fresh(run(1, LATENCY, rehearsed=(row,)), other)


def test_a_step_that_says_yes_in_health_is_named_and_not_used(page_text):
    text = generate(page_text("always", "vector(1)", "> 0"), FILE, objective(), [run(1, LATENCY)])
    assert "- `always` says yes in health, so that its yes proves nothing" in text
    assert "| `always` | yes (100 %) | yes (100 %) |" in text
    assert "No step on this page is known to find a cause" in text


@pytest.fixture
def page_text():
    """A page of people's own with one Diagnosis step, and without any marker."""

    def build(step: str, query: str, expect: str) -> str:
        parts = {heading: "Ours." for heading in Heading if heading is not Heading.REHEARSALS}
        parts[Heading.DIAGNOSIS] = f'Is it?\n\n```promql {{"step": "{step}", "expect": "{expect}"}}\n{query}\n```'
        sections = "\n\n".join(f"## {heading}\n\n{text}" for heading, text in parts.items())
        return f"---\nowner: us\nseverity: page  # mind it\n---\n# Slow\n\n{sections}\n"

    return build


def test_after_an_edit_the_old_evidence_is_of_another_step(page_text):
    known = page_text("inventory-slow", "vector(2)", "> 0.3")
    assert "| `inventory-slow` | unknown | unknown |" in generate(known, FILE, objective(), [run(1, LATENCY)])


def test_the_same_run_twice_and_a_second_time_without_news_change_nothing():
    one, two = run(1, LATENCY), run(2, KILL)
    text = fresh(one, two)
    assert fresh(two, one, one) == text
    assert generate(text, FILE, objective(), [one, two]) == text
    assert generate(text, FILE, objective(), []) == text
    assert generate(text, FILE, objective(), [run(3, LATENCY)]) != text


def test_a_page_remembers_runs_whose_directories_are_gone_the_latest_twelve():
    text = fresh()
    for number in range(1, 15):
        text = generate(text, FILE, objective(), [run(number, LATENCY)])
    assert text.count(EVIDENCE) == text.count("| friday |") == 12
    assert len(text) < 40_000


def test_evidence_is_read_back_as_it_was_written_and_ends_no_comment():
    row = rehearsed(LATENCY, why="--> <!-- /flashcrowd:generated rehearsals --> ü\n")
    one = run(1, LATENCY, rehearsed=(row,), controls=(shown("no-fault", "pass"),))
    line = to_line(one)
    read = from_line(line)
    assert (replace(read, looks=()), set(read.looks)) == (replace(one, looks=()), set(one.looks))
    assert not re.search(r"--|[<>\n]", line)
    with pytest.raises(ValueError, match="evidence"):
        from_line(json.dumps({"id": "x", "other": 1}))


def test_damaged_evidence_is_refused_with_its_line():
    text = fresh(run(1, LATENCY))
    number = next(number for number, line in enumerate(text.splitlines(), 1) if line.startswith(EVIDENCE))
    with pytest.raises(DocumentError, match=f"order-latency.md:{number}: the evidence in this line can't be read"):
        generate(text.replace('{"id"', '{"di"'), FILE, objective(), [])


def test_controls_without_their_game_day_are_not_kept():
    control = run(2, LATENCY, control="no-runbook", plan_print="ffffffffffff")
    assert merged([run(1, LATENCY), control]) == (run(1, LATENCY),)


@pytest.mark.parametrize("name", builtin_names())
@pytest.mark.parametrize(("mark", "end"), [("", "\n"), ("\ufeff", "\r\n")])
def test_a_page_of_peoples_own_gets_its_rehearsals_and_keeps_every_other_byte(name, mark, end):
    original = mark + unrehearsed((LIBRARY / f"{name}.md").read_text()).replace("\n", end)
    file = Path(f"{name}.md")
    result = generate(
        original, file, objective(name=name), [run(1, LATENCY, rehearsed=(rehearsed(LATENCY, runbook=name),))]
    )
    before, after = original.split(f"{end}---{end}", 1), result.split(f"{end}---{end}", 1)
    assert after[0].startswith(before[0])
    assert after[0].removeprefix(before[0]).startswith(f"{end}rehearsed:{end}")
    assert after[1].startswith(before[1])
    assert end == "\n" or not re.search(r"(?<!\r)\n", result)
    assert parse(result, file).front.rehearsed is not None
    assert generate(result, file, objective(name=name), []) == result


def test_a_section_of_rehearsals_with_peoples_words_keeps_them_and_what_follows(page_text):
    text = page_text("x", "vector(1)", "> 0") + "## Rehearsals\n\nWe try it on Fridays.\n\n## Ours\n\nMore.\n"
    result = generate(text, FILE, objective(), [run(1, LATENCY)])
    assert "We try it on Fridays.\n\n<!-- flashcrowd:generated rehearsals -->" in result
    assert result.endswith("<!-- /flashcrowd:generated rehearsals -->\n\n## Ours\n\nMore.\n")
    assert without(result, blocks(result, FILE, NAMES)).replace("rehearsals -->", "").count("Fridays") == 1


def test_a_page_of_peoples_own_is_told_the_order_of_its_own_steps(page_text):
    text = generate(page_text("inventory-slow", SLOW, "> 0.3"), FILE, objective(), [run(1, LATENCY, KILL)])
    assert "| `inventory-slow` | no (0 %) | yes (100 %) | no (0 %) |" in text
    assert "1. `inventory-slow`: **yes** → network.latency on inventory. **No** → none of the known" in text
    assert "No step finds process.kill on inventory." in text
    assert [step.name for step in page(text)] == ["inventory-slow"]


def test_the_order_stands_where_people_ask_for_it(page_text):
    asked = page_text("inventory-slow", "vector(1)", "> 0").replace(
        "Is it?", "<!-- flashcrowd:generated order -->\n<!-- /flashcrowd:generated order -->\n\nIs it?"
    )
    result = generate(asked, FILE, objective(), [run(1, LATENCY)])
    assert "known to find a cause" in part(result, "order")
    assert "known to find a cause" not in part(result, "rehearsals")


@pytest.mark.parametrize(
    "hostile",
    ["<!-- /flashcrowd:generated meaning -->", "a | b", "```\n<!--", "# Impact", "---", "<script>", "${shop.admin}"],
)
def test_no_words_of_an_slo_or_a_fault_break_the_page(hostile):
    row = rehearsed(LATENCY, fault=hostile, why=hostile)
    text = fresh(run(1, LATENCY, rehearsed=(row,), plan=hostile), description=hostile, service=hostile)
    assert "<script>" not in text.split("---", 2)[2]
    assert set(blocks(text, FILE, NAMES)) == set(NAMES) - {"order"}
    assert [line.count(" | ") for line in text.splitlines() if "| pass |" in line] == [8]


WRITTEN = (
    "```\n<!-- flashcrowd:generated first -->\n```",
    "> <!-- flashcrowd:generated first -->",
    "- one\n- two\n\n  <!-- note to self -->",
    "| a | b |\n| --- | --- |\n| ü | 東京 |",
    "<details>\n\nmore\n\n</details>",
    "<!-- ask mei -->",
    "Trailing  \nspaces\t\n\n\n",
    "# Another title",
    "~~~\n## Meaning\n~~~",
)


def written_into(text: str, words: tuple[str, ...] | list[str], end: str) -> str:
    """The page with a text of people's after each generated part."""
    ends = [match.end() for match in re.finditer(r"<!-- /flashcrowd:generated \S+ -->\n", text)]
    for at, mine in reversed(list(zip(ends, words, strict=True))):
        text = f"{text[:at]}\n{mine}\n\n{text[at:]}"
    return text.replace("\n", end)


def peoples(text: str) -> str:
    """The page but for what is generated, the front matter included."""
    return without(text, blocks(text, FILE, NAMES)).split("---", 2)[2]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_people_write_between_the_parts_survives_new_evidence(end):
    text = written_into(fresh(run(1, LATENCY)), WRITTEN, end)
    result = generate(text, FILE, objective(), [run(2, KILL)])
    assert result != text
    assert peoples(result) == peoples(text)
    assert generate(result, FILE, objective(), []) == result


MINE = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60),
    st.sampled_from(WRITTEN),
)
PAGE = fresh(run(1, LATENCY))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(MINE, min_size=9, max_size=9), st.sampled_from(["\n", "\r\n"]))
def test_whatever_people_write_survives_or_the_page_is_refused_as_it_stands(words, end):
    text = written_into(PAGE, words, end)
    try:
        result = generate(text, FILE, objective(), [run(2, KILL)])
    except DocumentError:
        with pytest.raises(DocumentError):
            parse(text, FILE), blocks(text, FILE, NAMES)
        return
    assert peoples(result) == peoples(text)


def test_what_nobody_looked_at_in_health_is_not_said_to_be_silent_there():
    one = run(1, LATENCY)
    ill = replace(one, looks=tuple(look for look in one.looks if look.cause is not None))
    assert "yes under network.latency on inventory, nobody looked in health" in fresh(ill)
    assert "yes under network.latency on inventory, no in health" in fresh(one)


def test_evidence_that_would_not_fit_on_a_page_makes_room_the_oldest_first():
    runs = [run(n, LATENCY, rehearsed=(rehearsed(LATENCY, why=f"{n}" * 6000),)) for n in range(1, 10)]
    text = fresh(*runs)
    assert 1 < text.count(EVIDENCE) < 9
    assert '"id":"run-9"' in text
    assert generate(text, FILE, objective(), runs) == text
