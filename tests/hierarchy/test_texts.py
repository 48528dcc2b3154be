"""Names without control characters, and JSON that every parser takes."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy_weights.errors import WriteError
from legacy_weights.hierarchy import texts

anything = st.text(st.characters(exclude_categories=()))


@given(anything | st.text("%0123456789ABCDEFé\n\ud800"))
def test_quoting_can_be_undone(text):
    quoted = texts.quote(text)
    assert texts.unquote(quoted) == text
    assert quoted.encode().decode() == quoted
    assert quoted.isprintable() or not quoted.isascii()


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("conv1/W", "conv1/W"),
        ("50% of it", "50% of it"),
        ("%41", "%2541"),
        ("a\0b\n", "a%00b%0A"),
        ("\ud800", "%ED%A0%80"),
    ],
)
def test_quoted_text_reads_well(text, quoted):
    assert texts.quote(text) == quoted


def test_json_is_standard():
    value = {"a": [float("nan"), math.inf, -math.inf, 1.5], "b": "é\ud800", "c": 10**5000}
    text = texts.dumps(value)
    assert text.isascii()
    strict = json.loads(text, parse_constant=pytest.fail)
    assert strict["a"] == [{"$float": "nan"}, {"$float": "inf"}, {"$float": "-inf"}, 1.5]
    back = texts.loads(text)
    assert math.isnan(back["a"][0])
    assert back["a"][1:] == [math.inf, -math.inf, 1.5]
    assert (back["b"], back["c"]) == (value["b"], value["c"])


@pytest.mark.parametrize("text", ["NaN", "{", "", "[" * 100000, b"\xff"])
def test_what_is_no_json(text):
    with pytest.raises(ValueError):  # noqa: PT011 - of whatever text
        texts.loads(text)


def test_json_that_is_too_deep():
    value = []
    for _ in range(100000):
        value = [value]
    with pytest.raises(WriteError, match="nested"):
        texts.dumps(value)
    while value:
        value = value.pop()  # one by one, for freeing them all at once is deep, too
