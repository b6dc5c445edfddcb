import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbooks.blocks import METHODS, BlockError, environment_name, read_block

HEADER = st.tuples(
    st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,10}", fullmatch=True), st.from_regex(r"[!-~]{1,20}", fullmatch=True)
)
JSON = st.dictionaries(
    st.text(max_size=5), st.integers() | st.text(max_size=10).filter(lambda text: "$" not in text), max_size=4
)


@given(st.sampled_from(METHODS), st.lists(HEADER, max_size=3), JSON, st.booleans())
@settings(deadline=None)
def test_a_request_is_read_as_it_was_written(
    method: str, headers: list[tuple[str, str]], body: dict[str, object], gap: bool
) -> None:
    head = [f"{method} ${{shop.admin}}/x", *(f"{name}: {value}" for name, value in headers)]
    text = "\n".join([*head, *([""] if gap else []), json.dumps(body)])
    fields = read_block("http", f"{text}\n")
    assert (fields["method"], fields["url"]) == (method, "${shop.admin}/x")
    assert list(fields["headers"]) == headers
    assert json.loads(fields["body"]) == body


@pytest.mark.parametrize(
    ("kind", "text", "fault", "offset"),
    [
        ("promql", "rate(x[5s]", "is not PromQL", 0),
        ("promql", "  \n", "the block is empty", 0),
        ("promql", 'up{instance="${alert.instance}"}', "ALERT_LABEL_instance", 0),
        ("http", "post http://x/", "'post' is no HTTP method", 0),
        ("http", "POST shop/reserve", "'shop/reserve' is no URL", 0),
        ("http", 'POST ${a.admin}/x\nX-A: 1\n{"mode": }', "the body is not JSON", 2),
        ("http", 'POST ${a.admin}/x\n{"who": "${alert.user}"}', "alert labels reach sh steps alone", 0),
        ("sh", "true\necho ${shop.admin}", "write ${SHOP_ADMIN}", 1),
        ("sh", "echo ${alert.instance}", "write ${ALERT_LABEL_instance}", 0),
    ],
)
def test_a_malformed_block_says_what_and_where(kind: str, text: str, fault: str, offset: int) -> None:
    with pytest.raises(BlockError) as caught:
        read_block(kind, text)
    assert fault in str(caught.value)
    assert caught.value.offset == offset


@pytest.mark.parametrize("query", ['up{job="${job}"}', "rate(x[${window}])", "x > ${threshold}"])
def test_variables_may_stand_wherever_promql_has_words(query: str) -> None:
    assert read_block("promql", query) == {"query": query}


def test_shell_syntax_stays_the_shells() -> None:
    script = 'echo "${HOME%/}" $(date) ${X:-y} $$'
    assert read_block("sh", script) == {"script": script}


@given(st.text(max_size=20))
@settings(deadline=None)
def test_every_variable_has_a_name_that_a_shell_accepts(name: str) -> None:
    assert all(char == "_" or (char.isascii() and char.isalnum()) for char in environment_name(f"x{name}"))
