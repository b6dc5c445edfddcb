from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.frames import FrameReader, LiveEvent
from loadtests.markers import base36, mark, markers

READER = FrameReader({"sale.opened": {"type": "sale_opened"}, "level": {"kind": "level", "n": 3}})
numbers = st.integers(0, 36**10)
times = st.floats(1.5e9, 3e9)


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(max_size=30), numbers, numbers, times), max_size=8))
def test_every_marker_in_a_batch_is_found_whatever_people_write_around_it(comments):
    messages = [{"text": f"{text} {mark(sender, number, at)}"} for text, sender, number, at in comments]
    found = markers(json.dumps({"type": "chat", "messages": messages}).encode())
    for _, _, _, at in comments:
        assert any(abs(marker.sent - at) < 1e-6 for marker in found)


@given(numbers)
def test_base_36_reads_back(number):
    assert int(base36(number), 36) == number


@settings(deadline=None)
@given(st.binary())
def test_a_frame_of_any_bytes_is_read(frame):
    READER.read(frame)
    assert READER.read(b'"sale_opened"' + frame).events == ()


def test_an_event_is_known_by_all_of_its_fields():
    frame = json.dumps({"type": "sale_opened", "sku": "lipstick-01", "stock": 500}).encode()
    (event,) = READER.read(frame).events
    assert (event.name, event.sku, event.stock) == ("sale.opened", "lipstick-01", 500)
    assert READER.read(b'{"kind":"level","n":2}').events == ()
    assert READER.read(b'{"kind":"level","n":3}').events[0].name == "level"


def test_a_word_of_an_event_inside_a_comment_is_no_event():
    assert READER.read(b'{"type":"chat","text":"sale_opened when?"}').events == ()
    assert READER.read(b'["sale_opened"]').events == ()


def test_a_field_that_an_event_has_not_is_named_with_those_it_has():
    with pytest.raises(AttributeError, match=r"event sale.opened has no field 'price'; it has sku"):
        _ = LiveEvent("sale.opened", {"sku": "x"}).price
