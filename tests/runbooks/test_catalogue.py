from collections.abc import Callable
from pathlib import Path

import pytest

from flashcrowd.errors import DocumentError, InputError
from runbooks.catalogue import builtin_names, every, find, for_alert

Page = Callable[..., str]


def test_a_near_name_is_offered() -> None:
    with pytest.raises(InputError, match=r"no runbook 'order-latancy'; did you mean 'order-latency'\?"):
        find("order-latancy")


def test_a_path_is_read_as_a_file(tmp_path: Path, page: Page) -> None:
    (tmp_path / "mine.md").write_text(page())
    assert find(str(tmp_path / "mine.md")).name == "mine"
    with pytest.raises(DocumentError, match="can't be read"):
        find("./none.md")


def test_ones_own_folder_comes_before_the_library(tmp_path: Path, page: Page) -> None:
    (tmp_path / "order-latency.md").write_text(page())
    (tmp_path / "mine.md").write_text(page())
    assert find("order-latency", [tmp_path]).file.parent == tmp_path
    assert [runbook.name for runbook in every([tmp_path])] == sorted({*builtin_names(), "mine"})


def test_an_alert_finds_its_runbook(tmp_path: Path, page: Page) -> None:
    (tmp_path / "mine.md").write_text(page())
    assert for_alert("OrderLatencyBurn").name == "order-latency"
    assert for_alert("Slow", [tmp_path]).name == "mine"
    with pytest.raises(InputError, match=r"did you mean 'OrderLatencyBurn'\?"):
        for_alert("OrderLatencyBurns")
