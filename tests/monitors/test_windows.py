from __future__ import annotations

from pathlib import Path

import pytest

from flashcrowd.errors import DocumentError, InputError
from monitors import windows


@pytest.mark.parametrize("name", ["google-30d", "google-28d", "google-7d"])
def test_the_production_factors_follow_from_budget_and_period(name: str) -> None:
    policy = windows.find(name)
    assert [pair.name for pair in policy.pairs] == ["1h/5m", "6h/30m", "1d/2h", "3d/6h"]
    for pair in policy.pairs:
        assert policy.spec.period is not None
        assert pair.budget is not None
        assert pair.factor == pytest.approx(pair.budget * policy.spec.period / pair.long, rel=1e-4)


def test_the_rehearsal_stands_for_a_real_pair() -> None:
    (pair,) = windows.find("rehearsal").pairs
    real = next(real for real in windows.find("google-30d").pairs if real.name == pair.stands_for)
    assert (pair.severity, pair.factor) == (real.severity, real.factor)
    assert windows.find("rehearsal").interval == 1


def test_an_unknown_policy_is_named_with_its_neighbour() -> None:
    assert windows.builtin_names() == ["google-28d", "google-30d", "google-7d", "rehearsal"]
    with pytest.raises(InputError, match="did you mean 'rehearsal'"):
        windows.find("reheersal")


def test_windows_in_the_wrong_order_are_a_fault_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "odd.yaml"
    file.write_text(
        "apiVersion: flashcrowd/v1\nkind: WindowPolicy\nmetadata: {name: odd}\nspec:\n  pairs:\n"
        "    - {severity: page, long: 5m, short: 1h, factor: 14.4}\n"
    )
    with pytest.raises(DocumentError, match=r"odd.yaml:6: spec.pairs\[0\]: wants a short window"):
        windows.find("odd.yaml", tmp_path)


def test_a_factor_that_does_not_follow_from_the_budget_is_a_fault_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "odd.yaml"
    file.write_text(
        "apiVersion: flashcrowd/v1\nkind: WindowPolicy\nmetadata: {name: odd}\nspec:\n  period: 28d\n  pairs:\n"
        "    - {severity: page, long: 1h, short: 5m, factor: 14.4, budget: 2 %}\n"
    )
    with pytest.raises(DocumentError, match=r"2 % of 28d in 1h is a factor of 13.44, not 14.4; correct the factor"):
        windows.find("odd.yaml", tmp_path)
