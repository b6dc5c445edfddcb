from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.forbidden import EVASIONS, PHRASES, comment_in, fold, forbidden_comment, recognise
from loadtests.markers import Marker, mark, markers
from loadtests.phrases import PHRASES as HARMLESS

phrases, evasions = st.sampled_from(PHRASES), st.sampled_from(sorted(EVASIONS))
around = st.text(max_size=20)


@settings(deadline=None)
@given(phrases, evasions, around, around)
def test_a_phrase_is_recognised_in_every_evasion_whatever_stands_around_it(phrase, evasion, before, after):
    assert recognise(f"{before}{EVASIONS[evasion](phrase)}{after}") is not None


@given(phrases, evasions)
def test_the_phrase_is_told_as_it_is_forbidden(phrase, evasion):
    assert recognise(EVASIONS[evasion](phrase)) == phrase


@pytest.mark.parametrize("evasion", ["spaces", "width", "homoglyphs", "zero-width", "capitals"])
def test_an_evasion_is_not_what_a_plain_filter_looks_for(evasion):
    for phrase in (one for one in PHRASES if one.isascii()):
        assert phrase not in EVASIONS[evasion](phrase)


@given(phrases, around)
def test_a_masked_phrase_is_none(phrase, before):
    before = "".join(letter for letter in before if not letter.isalnum())
    assert recognise(f"{before}***") is None
    assert recognise(phrase[:-1] + "*") is None


def test_what_people_say_all_day_is_not_forbidden():
    assert [phrase for phrase in HARMLESS if recognise(phrase)] == []


@settings(deadline=None)
@given(st.text())
def test_folding_twice_is_folding_once(text):
    once = fold(text)
    assert fold(once).casefold() == fold(fold(once)).casefold()


def test_each_forbidden_comment_has_a_phrase():
    assert all(recognise(forbidden_comment()) for _ in range(500))


@settings(deadline=None)
@given(st.text(), st.text(), st.booleans())
def test_a_comment_is_found_in_its_frame_by_its_marker(said, other, ascii_only):
    marker = mark(7, 3, 1.8e9, forbidden=True)
    said = said.replace("~", "-")
    messages = [{"user": "a", "text": f"{other} {mark(7, 2, 1.8e9)}"}, {"user": "b", "text": f"{said} {marker}"}]
    frame = json.dumps({"type": "chat", "messages": messages}, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    assert comment_in(frame, marker.encode()) == f"{said} "
    assert comment_in(b'42["chat",' + frame + b"]", marker.encode()) == f"{said} "


@pytest.mark.parametrize("escaped", [False, True])
def test_a_comment_is_found_in_a_frame_that_is_no_json(escaped):
    marker = mark(7, 3, 1.8e9, forbidden=True)
    text = "\\u5237\\u5355" if escaped else "刷单"
    frame = f"<m>buy followers {mark(7, 2, 1.8e9)}</m><m>{text} {marker}</m>".encode()
    assert recognise(comment_in(frame, marker.encode())) == "刷单"


@given(st.integers(0, 36**9), st.integers(0, 36**9), st.floats(1.5e9, 3e9), st.booleans())
def test_a_marker_tells_whose_it_is_and_whether_its_comment_is_forbidden(sender, number, at, forbidden):
    (marker,) = markers(f"x {mark(sender, number, at, forbidden)} y".encode())
    assert marker == Marker(mark(sender, number, at, forbidden).encode(), pytest.approx(at, abs=1e-6))
    assert (marker.origin, marker.forbidden) == ((sender, number), forbidden)
