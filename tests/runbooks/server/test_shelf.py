"""Which page an alert leads to, where several could be meant."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runbooks import catalogue
from runbooks.server.message import Alert
from runbooks.server.shelf import Shelf


@pytest.mark.parametrize(
    ("name", "annotations"),
    [
        ("slow", {"runbook": "slow"}),
        ("slow", {"runbook_url": "https://wiki.example/slow.md"}),
        ("slow", {}),
        ("zzz", {}),
    ],
)
@pytest.mark.parametrize(("own", "builtin"), [("a", "z"), ("z", "a")])
def test_a_page_of_ones_own_comes_before_a_built_in_one(
    tmp_path, page, monkeypatch, name, annotations, own, builtin
) -> None:
    for folder in (own, builtin):
        (tmp_path / folder).mkdir()
    (tmp_path / own / f"{name}.md").write_text(page())
    (tmp_path / builtin / "slow.md").write_text(page())
    monkeypatch.setattr(catalogue, "LIBRARY", tmp_path / builtin)
    alert = Alert("firing", {"alertname": "Slow"}, datetime.now(UTC), annotations)
    assert Shelf(tmp_path / own).find(alert).file == tmp_path / own / f"{name}.md"
