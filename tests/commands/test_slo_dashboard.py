from __future__ import annotations

from collections.abc import Iterator

import pytest
from fake_grafana import TOKEN, FakeGrafana, running


@pytest.fixture
def fake() -> Iterator[FakeGrafana]:
    with running() as server:
        yield server


def test_the_command_pushes_all_and_says_where_they_are(fake, flashcrowd, monkeypatch, tmp_path):
    monkeypatch.setenv("GRAFANA_TOKEN", TOKEN)
    words = ("slo", "dashboard", "storefront", "--out", str(tmp_path), "--push", fake.url)
    first = flashcrowd(*words)
    assert (first.code, first.err) == (0, "")
    assert first.out.count("wrote   ") == 5
    assert set(fake.boards) == {"flashcrowd-slo-google-30d", "flashcrowd-crowd", "flashcrowd-faults"}
    again = flashcrowd(*words)
    assert again.code == 2
    assert again.err.count("--overwrite") == 3
    assert {board["version"] for board in fake.boards.values()} == {1}
    assert flashcrowd(*words, "--overwrite").code == 0
    monkeypatch.setenv("GRAFANA_TOKEN", "glsa_another-one")
    refused = flashcrowd(*words)
    assert refused.code == 4
    for ended in (first, again, refused):
        assert TOKEN not in ended.out + ended.err
        assert "glsa_" not in ended.out + ended.err
    for file in tmp_path.rglob("*.*"):
        assert TOKEN not in file.read_text()


def test_without_a_token_nothing_is_written(flashcrowd, monkeypatch, tmp_path):
    monkeypatch.delenv("GRAFANA_TOKEN", raising=False)
    out = tmp_path / "out"
    ended = flashcrowd("slo", "dashboard", "storefront", "--out", str(out), "--push", "http://127.0.0.1:1")
    assert (ended.code, ended.err.strip()) == (2, "the environment variable GRAFANA_TOKEN is not set")
    assert not out.exists()
