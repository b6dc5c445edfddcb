import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashcrowd.masking import Masking, bounded


@given(st.text(min_size=4), st.text(), st.text())
@settings(deadline=None)
def test_no_secret_of_the_environment_is_left(secret: str, before: str, after: str) -> None:
    masked = Masking({"SHOP_API_KEY": secret})(f"{before}{secret}{after}")
    assert secret not in masked.replace("***", "") or secret in "***"


def test_secrets_are_found_as_json_and_urls_write_them() -> None:
    masking = Masking({"DB_PASSWORD": 'a"b/c é'})
    assert masking(json.dumps({"password": 'a"b/c é'})) == '{"password": "***"}'
    assert masking("http://x/?p=a%22b%2Fc%20%C3%A9") == "http://x/?p=***"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("> authorization: Basic eHg=\n> accept: */*", "> authorization: ***\n> accept: */*"),
        ("Set-Cookie: id=1; path=/", "Set-Cookie: ***"),
        ("GET http://me:hunter2@shop/x", "GET http://***@shop/x"),
    ],
)
def test_credentials_are_masked_wherever_they_come_from(text: str, masked: str) -> None:
    assert Masking({})(text) == masked


def test_ordinary_variables_and_short_values_are_left() -> None:
    assert Masking({"HOME": "/home/mei", "KEY": "1"})("/home/mei 1") == "/home/mei 1"


@given(st.text(), st.integers(64, 200))
@settings(deadline=None)
def test_a_bounded_text_ends_as_the_text_does(text: str, most: int) -> None:
    short = bounded(text, most)
    assert len(short) <= most
    assert text.endswith(short.rpartition("left out]\n")[2])
    assert bounded(short, most) == short
