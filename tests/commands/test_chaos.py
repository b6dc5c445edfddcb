from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture
def undo(tmp_path: Path) -> Path:
    folder = tmp_path / "state" / "undo"
    folder.mkdir(parents=True)
    return folder


def test_the_kinds_are_listed_as_they_are_typed(flashcrowd):
    ended = flashcrowd("chaos", "list")
    assert ended.code == 0
    lines = ended.out.splitlines()
    (place,) = [place for place, line in enumerate(lines) if line.startswith("network.latency ")]
    assert "a link's answers come later" in lines[place]
    assert "--set delay=..." in lines[place + 1]
    assert "[--set jitter=...]" in lines[place + 1] + lines[place + 2]
    kinds = {row["kind"]: row for row in json.loads(flashcrowd("chaos", "list", "--json").out)}
    latency = kinds["network.latency"]
    assert latency["required"] == ["delay"]
    assert (latency["works_here"], latency["obstacle"]) == (True, None)


def test_nothing_is_broken_where_no_undo_log_is(flashcrowd, tmp_path):
    assert flashcrowd("chaos", "status").out == "nothing is broken on purpose on this machine\n"
    assert json.loads(flashcrowd("chaos", "status", "--json").out) == []
    healed = flashcrowd("chaos", "recover")
    assert (healed.code, healed.out) == (0, "nothing to heal\n")
    assert not (tmp_path / "state").exists()


def test_an_empty_undo_log_is_as_good_as_none(flashcrowd, undo):
    assert flashcrowd("chaos", "status").code == 0
    assert flashcrowd("chaos", "recover").code == 0


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"id": "f1", "kind": "network.latency"}'])
def test_a_damaged_record_is_shown_and_recover_ends_with_5(flashcrowd, undo, text):
    (undo / "f1.json").write_text(text)
    shown = flashcrowd("chaos", "status")
    assert shown.code == 0
    assert f"undo record {undo / 'f1.json'} is damaged" in shown.out
    (row,) = json.loads(flashcrowd("chaos", "status", "--json").out)
    assert "is damaged" in row["damaged"]
    healed = flashcrowd("chaos", "recover")
    assert (healed.code, healed.out) == (5, "")
    assert "then remove the file" in healed.err
    assert (undo / "f1.json").exists()


def test_a_fault_on_a_component_that_is_not_there_touches_nothing(flashcrowd, tmp_path):
    target = tmp_path / "target.yaml"
    target.write_text(
        "apiVersion: flashcrowd/v1\nkind: Target\nmetadata: {name: staging}\nspec:\n  environment: staging\n"
        "  allow_hosts: [127.0.0.1]\n  max_viewers: 5\n  components:\n    inventory: {admin: http://127.0.0.1:1}\n"
    )
    words = ("chaos", "inject", "network.latency", "--for", "5s", "--set", "delay=1s", "--target", target)
    ended = flashcrowd(*words, "--on", "inventroy")
    assert ended.code == 2
    assert "no component 'inventroy' in the target; did you mean 'inventory'?" in ended.err
    ended = flashcrowd(*words, "--on", "inventory")
    assert ended.code == 2
    assert "network.latency can't be injected: inventory has no link" in ended.err
    assert flashcrowd("chaos", "status").out == "nothing is broken on purpose on this machine\n"
