from __future__ import annotations

from xml.etree import ElementTree

import pytest

from flashcrowd.errors import InputError, NeedError
from gamedays.planning import picture as plan_picture
from gamedays.planning.checks import prepare


def texts(picture: str) -> list[str]:
    root = ElementTree.fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return [node.text or "" for node in root.iter("{http://www.w3.org/2000/svg}text")]


def test_the_picture_has_the_load_the_waves_the_faults_and_their_deadlines(tmp_path):
    prepared = prepare("doorbuster")
    file = plan_picture.save(prepared, tmp_path / "plan.svg")
    told = texts(file.read_text())
    for part in ("doorbuster: 800 viewers in 25 s, doors.py", "sale 00:29", "sale 01:47", "noticed", "recovered"):
        assert part in told
    assert any("process.kill on live → viewer-drops" in one for one in told)
    assert len(file.read_bytes()) < 100_000


def test_a_plan_without_faults_has_a_picture_of_its_load_alone():
    told = texts(plan_picture.svg(prepare("soak")))
    assert "soak: 300 viewers in 20 s, busy.py" in told
    assert "minutes and seconds since the first viewer" in told
    assert "recovered" not in told


def test_where_it_can_not_be_written_is_said(tmp_path):
    prepared = prepare("soak")
    with pytest.raises(InputError, match=r"the picture is an SVG; write .*plan\.svg"):
        plan_picture.save(prepared, tmp_path / "plan.png")
    with pytest.raises(NeedError, match="can't be written"):
        plan_picture.save(prepared, tmp_path / "nowhere" / "plan.svg")
