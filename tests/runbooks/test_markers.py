"""Markers: what is between them is ours, all else is people's, to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashcrowd.errors import DocumentError
from runbooks.markers import blocks, closing, content, opening, renewed, without, wrapped

FILE = Path("page.md")
NAMES = ("meaning", "rehearsals")
OLD = wrapped("meaning", "old\n")
TWO_LINES = "a\nb"


def faults(text):
    with pytest.raises(DocumentError) as raised:
        blocks(text, FILE, NAMES)
    return [str(problem) for problem in raised.value.problems]


def test_a_part_is_replaced_and_nothing_else():
    text = f"# Mine\n\n{OLD}\nMine, too\r\n"
    found = blocks(text, FILE, NAMES)
    assert content(text, found["meaning"]) == "old\n"
    assert renewed(text, found, {"meaning": "new\n"}) == text.replace("old", "new")
    assert renewed(text, found, {}) == text


def test_a_page_with_windows_line_ends_gets_windows_line_ends():
    text = f"# Mine\n\n{OLD}".replace("\n", "\r\n")
    result = renewed(text, blocks(text, FILE, NAMES), {"meaning": "a\nb\n"})
    assert result == f"# Mine\n\n{OLD.replace('old', TWO_LINES)}".replace("\n", "\r\n")


@pytest.mark.parametrize(
    "around",
    ["```\n{}\n```\n", "~~~~\n{}\n~~~~\n", "    {}\n", "- {}\n", "> {}\n", "A sentence with {} in it.\n"],
)
def test_a_marker_in_code_a_list_a_quotation_or_a_sentence_is_text(around):
    assert blocks(around.format(opening("meaning")), FILE, NAMES) == {}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (opening("meaning"), "page.md:1: 'meaning' is never ended; write <!-- /flashcrowd:generated meaning --> below"),
        (f"\n{closing('meaning')}", "page.md:2: 'meaning' ends, but isn't begun; write <!-- flashcrowd:generated mean"),
        (
            f"{opening('meaning')}\n{opening('rehearsals')}\n{closing('rehearsals')}\n{closing('meaning')}",
            "page.md:2: 'rehearsals' begins inside of 'meaning' (line 1); end that one first",
        ),
        (
            wrapped("meaning", "") + "\n" + wrapped("meaning", ""),
            "page.md:4: 'meaning' is there already, in line 1; delete one of the two, with its markers",
        ),
        (wrapped("meening", ""), "page.md:1: no generated part 'meening'; did you mean 'meaning'?"),
        ("<!-- flashcrowd:generated -->", "page.md:1: is no marker; write <!-- flashcrowd:generated NAME -->"),
        ("<!--flashcrowd:generated meaning-->", "page.md:1: is no marker"),
        ("<!-- Flashcrowd:Generated meaning -->", "page.md:1: is no marker"),
    ],
)
def test_broken_markers_are_told_with_line_and_remedy(text, fault):
    assert any(told.startswith(fault) for told in faults(text)), faults(text)


def test_all_faults_are_told_at_once():
    text = f"{closing('meaning')}\n\n{opening('nonsense')}\n\n<!-- flashcrowd: -->\n"
    assert [int(told.split(":")[1]) for told in faults(text)] == [1, 3, 3, 5]


LINES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(
        ["```", "~~~", "    code", "- item", "> said", "# Title", "<div>", "</div>", "<!--", "-->", "---", "\ufeff", ""]
    ),
    st.sampled_from(
        [opening("meaning"), closing("meaning"), "<!-- flashcrowd:evidence {} -->", "```\n" + opening("x") + "\n```"]
    ),
)
PIECES = st.lists(st.tuples(LINES, st.sampled_from(["\n", "\r\n", "\r"])), max_size=8).map(
    lambda lines: "".join(line + end for line, end in lines)
)


@settings(max_examples=150, deadline=None)
@given(PIECES, PIECES, st.text(st.sampled_from("ab|*`<\n"), max_size=30))
def test_what_people_wrote_survives_or_the_page_is_refused(before, after, new):
    text = before + wrapped("rehearsals", "old\n") + after
    try:
        found = blocks(text, FILE, NAMES)
    except DocumentError:
        return
    result = renewed(text, found, {"rehearsals": f"\n{new}\n"})
    if "rehearsals" not in found:
        assert result == text  # it stands in a code block of theirs
        return
    first, last = wrapped("rehearsals", "|").split("|")
    assert result.startswith(before + first.rstrip("\n"))
    assert result.endswith(last + after)
    assert without(text, found).count("old") == before.count("old") + after.count("old")
