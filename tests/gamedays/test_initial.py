"""What `flashcrowd init` writes is read by what reads such files, and its scenario is played."""

from __future__ import annotations

import pytest

from flashcrowd.errors import InputError, NeedError
from gamedays.planning.checks import prepare
from gamedays.verbs import initial


def test_every_file_is_read_by_its_own_parser(tmp_path):
    initial.write(tmp_path / "mine")
    prepared = prepare(str(tmp_path / "mine" / "plan.yaml"))
    assert prepared.target is not None
    assert prepared.target.name == "my-platform"
    assert prepared.scenario == str(tmp_path / "mine" / "scenario.py")
    assert [slo.name for slo in prepared.slos] == ["order-availability", "order-latency", "chat-delivery"]


def test_what_is_commented_out_is_right_as_well(tmp_path):
    """Each comment that holds a field can be made one."""
    initial.write(tmp_path)
    (tmp_path / "admin").write_text("a-word")
    for name in ("target.yaml", "plan.yaml"):
        file = tmp_path / name
        lines = [line.replace("  # ", "  ", 1) if is_field(line) else line for line in file.read_text().splitlines()]
        file.write_text(
            "\n".join(lines).replace("/run/secrets/admin", "admin").replace("{env: SHOP_TOKEN}", "{env: PATH}")
        )
    prepared = prepare(str(tmp_path / "plan.yaml"))
    assert prepared.target is not None
    assert set(prepared.target.spec.components) == {"inventory"}
    assert set(prepared.target.spec.secrets) == {"shop", "admin"}
    assert prepared.target.spec.shop is not None
    assert prepared.target.spec.shop.order.dry is not None
    assert len(prepared.plan.spec.steps) == 1
    assert prepared.plan.spec.sale is not None


def is_field(line: str) -> bool:
    text = line.strip()
    return text.startswith("# ") and (
        text.endswith(":") or ": {" in text or ": /" in text or ": [" in text or "at: " in text
    )


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "plan.yaml").write_text("mine")
    with pytest.raises(InputError, match=r"plan\.yaml is there already; nothing was written"):
        initial.write(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["plan.yaml"]
    assert (tmp_path / "plan.yaml").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NeedError, match="can't be written"):
        initial.write(tmp_path / "file" / "mine")


def test_it_says_what_to_type_next(tmp_path):
    text = initial.text(tmp_path)
    assert f"  flashcrowd doctor {tmp_path / 'target.yaml'}\n" in text
