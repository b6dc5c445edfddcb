"""Requests of a target file, put together once and filled many times."""

from __future__ import annotations

import json
from urllib.parse import unquote

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashcrowd.errors import InputError
from flashcrowd.target import HttpRequest
from loadtests.form import Form

ORDER = HttpRequest.model_validate(
    {
        "path": "/shops/${identity.shop}/orders",
        "headers": {"Idempotency-Key": "${key}", "Authorization": "Bearer ${env.TOKEN}"},
        "json": {"sku": "${sku}", "quantity": "${quantity}", "price": "$${not ours}"},
    }
)
MARK = {"x-scene-id": "${run}", "Authorization": "none"}
CONSTANT = {"run": "r1", "env.TOKEN": "s3cret"}
PLAIN = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)


class Seen:
    """A request as a server's parser sees it."""

    def __init__(self, data: bytes) -> None:
        self.url, self.body, self.whole = "", b"", False
        self.headers: dict[str, str] = {}
        httptools.HttpRequestParser(self).feed_data(data)

    def on_url(self, url: bytes) -> None:
        self.url += url.decode()

    def on_header(self, name: bytes, value: bytes) -> None:
        assert name.decode().lower() not in self.headers
        self.headers[name.decode().lower()] = value.decode("latin-1")

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_message_complete(self) -> None:
        self.whole = True


@settings(deadline=None)
@given(st.text(), st.integers(1, 99), PLAIN, PLAIN)
def test_whatever_is_ordered_arrives_as_one_request_with_it(sku, quantity, key, shop):
    form = Form(ORDER, "127.0.0.1:7002", MARK, CONSTANT)
    for _ in range(2):  # nothing of one request is left in the next
        data = form.write({"key": key, "sku": sku, "quantity": str(quantity)}, {"identity.shop": shop})
    seen = Seen(data)
    assert seen.whole
    assert unquote(seen.url) == f"/shops/{shop}/orders"
    assert json.loads(seen.body) == {"sku": sku, "quantity": quantity, "price": "${not ours}"}
    assert seen.headers == {
        "host": "127.0.0.1:7002",
        "x-scene-id": "r1",
        "authorization": "Bearer s3cret",
        "idempotency-key": key,
        "content-type": "application/json",
        "content-length": str(len(seen.body)),
    }


def test_a_request_without_a_body_has_no_length_unless_its_method_has_bodies():
    assert (
        Form(HttpRequest(method="GET", path="/goods"), "h", {}, {}).write({}, {})
        == b"GET /goods HTTP/1.1\r\nHost: h\r\n\r\n"
    )
    post = Form(HttpRequest(method="POST", path="/pay"), "h", {}, {}).write({}, {})
    assert post == b"POST /pay HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("value", ["a\r\nEvil: 1", "a\nb", "a\rb"])
def test_a_value_cannot_smuggle_in_a_header(value):
    form = Form(ORDER, "h", MARK, CONSTANT)
    with pytest.raises(ValueError, match="line break"):
        form.write({"key": value, "sku": "s", "quantity": "1"}, {"identity.shop": "x"})


def test_a_variable_that_nobody_knows_is_named():
    with pytest.raises(InputError, match=r"no variable \$\{sku\}"):
        Form(ORDER, "h", MARK, CONSTANT).write({"key": "k", "quantity": "1"}, {"identity.shop": "x"})
