import datetime
import pickle

import pytest
from bombs import integer
from hypothesis import given, settings
from hypothesis import strategies as st
from revive import load

from legacy_weights.readers.readable import readable


@pytest.mark.parametrize("protocol", range(6))
@settings(max_examples=30)
@given(
    st.one_of(
        *(st.dates(), st.datetimes(), st.times(), st.timedeltas(), st.uuids()),
        *(st.decimals(allow_nan=False), st.fractions()),
    )
)
def test_values_read_as_python_shows_them(protocol, value):
    shown = value.isoformat() if hasattr(value, "isoformat") else str(value)
    assert readable(load(pickle.dumps(value, protocol))) == shown


@pytest.mark.parametrize(
    ("data", "text"),
    [
        # as Python 2.7 writes them: packed bytes, and text
        (b"cdatetime\ndate\n(U\4\x07\xdc\x09\x04tR.", "2012-09-04"),
        (b"cdatetime\ntime\n(U\6\x0c\x1e\0\0\0\x05tR.", "12:30:00.000005"),
        (
            b"cdatetime\ndatetime\n(U\n\x07\xdc\x09\x04\x0c\x1e\n\0\0\xfftR.",
            "2012-09-04T12:30:10.000255",
        ),
        (b"cdatetime\ntimedelta\n(I-1\nI3\nI7\ntR.", "-1 day, 0:00:03.000007"),
        (b"cdecimal\nDecimal\n(S'1.50'\ntR.", "1.50"),
        (b"cfractions\nFraction\n(S'-3/7'\ntR.", "-3/7"),
        (b"cuuid\nUUID\n)R}U\3intK\5sb.", "00000000-0000-0000-0000-000000000005"),
        (b"cuuid\nUUID\n)R}X\3\0\0\0intK\5sb.", "00000000-0000-0000-0000-000000000005"),
    ],
)
def test_values_of_python_2(data, text):
    assert readable(load(data)) == text


@pytest.mark.parametrize(
    "value", [datetime.datetime.now(datetime.UTC), datetime.time(1, tzinfo=datetime.UTC)]
)
def test_a_time_with_a_zone_is_not_shown_without_it(value):
    assert readable(load(pickle.dumps(value, 2))) is None


def test_the_fold_is_no_part_of_a_month_or_hour():
    for value in (datetime.datetime(2012, 9, 4, 1, fold=1), datetime.time(1, fold=1)):
        assert readable(load(pickle.dumps(value, 4))) == value.isoformat()


HUGE = integer(10**5000)


@pytest.mark.parametrize(
    "data",
    [
        *(b"cx\ndate\n(U\4\x07\xdc\x09\x04tR.", b"cdatetime\nx\n)R."),
        *(b"cdatetime\ndate\n)R.", b"cdatetime\ndate\n(NtR.", b"cdatetime\ndate\n(U\3abctR."),
        *(b"cdatetime\ndate\n(U\4\0\0\0\0tR.", b"cdatetime\ndate\n(U\4\xff\xff\xff\xfftR."),
        *(b"cdatetime\ntime\n(U\6\xff\xff\xff\xff\xff\xfftR.", b"cdatetime\ndatetime\n(K\1tR."),
        *(b"cdatetime\ntimedelta\n(K\1tR.", b"cdatetime\ntimedelta\n(F1e300\nK\1K\1tR."),
        b"cdatetime\ntimedelta\n(" + HUGE + b"K\1K\1tR.",
        *(
            b"cdecimal\nDecimal\n)R.",
            b"cdecimal\nDecimal\n(K\1tR.",
            b"cdecimal\nDecimal\n(K\1K\2tR.",
        ),
        *(b"cfractions\nFraction\n(U\1aU\1btR.", b"cfractions\nFraction\n(](tK\1tR."),
        b"cfractions\nFraction\n(" + HUGE + b"K\7tR.",
        *(b"cuuid\nUUID\n)R.", b"cuuid\nUUID\n)RNb.", b"cuuid\nUUID\n)R}b."),
        *(b"cuuid\nUUID\n)R}U\3intNsb.", b"cuuid\nUUID\n)R}U\3intJ\xff\xff\xff\xffsb."),
        b"cuuid\nUUID\n)R}U\3int" + HUGE + b"sb.",
        b"c__builtin__\ngetattr\n(cdatetime\ndate\nU\5todaytR)R.",
    ],
)
def test_what_is_malformed_has_no_text(data):
    assert readable(load(data)) is None
