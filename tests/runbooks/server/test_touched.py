"""Which components a step may touch."""

from __future__ import annotations

import pytest

from runbooks.model import Heading
from runbooks.server.touched import EVERYTHING, of_step


@pytest.mark.parametrize(
    ("url", "touched"),
    [
        ("${shop.admin}/reserve", {"shop"}),
        ("${shop.admin}/reserve?by=${till.admin}", {"shop"}),
        ("http://127.0.0.1:1/${shop.admin}", {EVERYTHING}),
        ("${env.SHOP}/reserve", {EVERYTHING}),
    ],
)
def test_a_request_touches_what_its_address_begins_with(runbook, url, touched) -> None:
    page = runbook({"Mitigation": f'```http {{"step": "reserve", "undo": "release"}}\nPOST {url}\n```'})
    assert of_step(page.steps(Heading.MITIGATION)[0]) == touched
