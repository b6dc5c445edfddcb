import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashcrowd.errors import InputError
from flashcrowd.template import fill, names


def test_variables_are_filled_and_others_left_alone():
    text = 'POST ${shop.admin}/x {"price": "$5", "raw": "$${kept}"}'
    assert names(text) == ["shop.admin"]
    assert fill(text, {"shop.admin": "http://a"}) == 'POST http://a/x {"price": "$5", "raw": "${kept}"}'


def test_an_unknown_variable_names_its_neighbour():
    with pytest.raises(InputError, match=r"no variable \$\{shop\.admn\}; did you mean 'shop\.admin'\?"):
        fill("${shop.admn}", {"shop.admin": ""})


@given(st.text())
def test_a_value_is_put_in_as_it_is(value):
    assert fill("<${it}>", {"it": value}) == f"<{value}>"


@given(st.text())
def test_text_without_variables_stays(text):
    if "${" not in text:
        assert fill(text, {}) == text
