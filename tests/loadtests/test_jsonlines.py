"""Files of JSON Lines: whatever their length, cut off where a worker was killed, and named where they are damaged."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashcrowd.errors import InputError
from loadtests import jsonlines
from loadtests.jsonlines import LinesWriter, encode, read


class Row(msgspec.Struct, frozen=True):
    name: str
    number: int = 0


@settings(deadline=None, max_examples=50)
@given(st.lists(st.builds(Row, st.text(), st.integers(-(2**40), 2**40))), st.integers(1, 40), st.integers(0, 30))
def test_all_whole_lines_are_read_however_they_lie_in_the_pieces(tmp_path_factory, rows, piece, cut):
    path = tmp_path_factory.mktemp("lines") / "rows.jsonl"
    data = encode(rows)
    path.write_bytes(data[: len(data) - cut] if cut < len(data) else data)
    kept = path.read_bytes().count(b"\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonlines, "PIECE", piece)
        assert list(read(path, Row, "a row")) == rows[:kept]


def test_a_damaged_line_is_named_wherever_it_is(tmp_path, monkeypatch):
    path = tmp_path / "rows.jsonl"
    monkeypatch.setattr(jsonlines, "PIECE", 64)
    path.write_bytes(encode([Row(str(n)) for n in range(20)]) + b'{"name": 1}\n' + encode([Row("x")]))
    with pytest.raises(InputError, match=r"rows.jsonl:21: is not a row: Expected `str`, got `int` - at `\$.name`"):
        list(read(path, Row, "a row"))
    path.write_bytes(b'{"name": "\xff"}\n')
    with pytest.raises(InputError, match=r"rows.jsonl:1: is not a row"):
        list(read(path, Row, "a row"))


def test_half_a_character_of_an_answer_does_not_end_the_load(tmp_path):
    writer = LinesWriter[Row](tmp_path / "rows.jsonl")
    writer.add(Row("good"))
    writer.add(Row("\ud83d half"))
    writer.flush()
    assert list(read(tmp_path / "rows.jsonl", Row, "a row")) == [Row("good"), Row("? half")]


def test_what_is_flushed_is_in_the_file_and_what_waits_is_not(tmp_path):
    path = tmp_path / "rows.jsonl"
    writer = LinesWriter[Row](path)
    writer.add(Row("a"))
    assert path.read_bytes() == b""
    writer.flush()
    writer.flush()
    assert path.read_bytes() == b'{"name":"a","number":0}\n'
