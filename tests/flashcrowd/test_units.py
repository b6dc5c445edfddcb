import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashcrowd.units import (
    about_size,
    clock,
    format_bit_rate,
    format_duration,
    format_offset,
    format_size,
    parse_bit_rate,
    parse_duration,
    parse_offset,
    parse_rate,
    parse_ratio,
    parse_size,
    utc,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("1m30s", 90), ("800ms", 0.8), ("2h", 7200), ("0", 0), (0, 0), ("1.5m", 90), ("30d", 2_592_000)],
)
def test_durations_are_read_as_seconds(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("60", "'60' has no unit; write 60s, 5m or 1h"),
        (60, "'60' has no unit; write 60s, 5m or 1h"),
        ("soon", "'soon' is not a duration"),
        ("5 m", "'5 m' is not a duration"),
        ("-5s", "'-5s' is not a duration"),
        (True, "'True' is not a duration"),
        ("", "'' is not a duration"),
    ],
)
def test_what_is_no_duration_says_what_to_write(text, remedy):
    with pytest.raises(ValueError) as caught:
        parse_duration(text)
    assert remedy in str(caught.value)


@given(st.integers(min_value=0, max_value=10**10))
def test_a_formatted_duration_reads_back_to_the_millisecond(milliseconds):
    assert parse_duration(format_duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


@given(st.text(max_size=12))
def test_any_text_is_a_duration_or_a_value_error(text):
    try:
        assert math.isfinite(parse_duration(text))
    except ValueError as error:
        assert "write" in str(error)


def test_rates_are_per_second():
    assert parse_rate("500/s") == 500
    assert parse_rate("30/m") == 0.5
    with pytest.raises(ValueError, match="is not a rate"):
        parse_rate("500")


@pytest.mark.parametrize(("text", "ratio"), [("1 %", 0.01), ("99.9%", 0.999), (0.5, 0.5), ("0", 0), ("100 %", 1)])
def test_ratios_are_percent_or_plain(text, ratio):
    assert parse_ratio(text) == pytest.approx(ratio)


@pytest.mark.parametrize("text", ["101 %", "1.5", "-0.1", "nan", "much"])
def test_a_ratio_outside_of_0_to_1_is_refused(text):
    with pytest.raises(ValueError, match="is not a ratio"):
        parse_ratio(text)


def test_the_clock_counts_minutes_and_seconds():
    assert [clock(seconds) for seconds in (0, 66.9, 3600, -1)] == ["00:00", "01:06", "60:00", "00:00"]


def test_utc_is_rfc_3339():
    assert utc(0.25) == "1970-01-01T00:00:00.250Z"


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("+1m30s", 90), ("-90s", -90), ("-500ms", -0.5), (0, 0)])
def test_offsets_are_durations_that_may_go_back(text, seconds):
    assert parse_offset(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["-90", "--90s", "-", "soon", -90, True])
def test_what_is_no_offset_says_what_to_write(text):
    with pytest.raises(ValueError, match="is not an offset; write 90s, -90s or 1h30m"):
        parse_offset(text)


@given(st.integers(min_value=-(10**9), max_value=10**9))
def test_a_formatted_offset_reads_back_to_the_millisecond(milliseconds):
    assert parse_offset(format_offset(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


@pytest.mark.parametrize(
    ("text", "bits"),
    [("1Mbit", 1e6), ("500kbit", 5e5), ("2.5Gbit/s", 2.5e9), ("800bit", 800), ("10mbit", 1e7)],
)
def test_bit_rates_are_per_second_and_in_thousands(text, bits):
    assert parse_bit_rate(text) == pytest.approx(bits)


@pytest.mark.parametrize("text", ["1M", "1 Mbit", "1000", 1000, "125kB", "1MB/s", "-1Mbit", "fast", ""])
def test_what_is_no_bit_rate_says_what_to_write(text):
    with pytest.raises(ValueError, match="is not a bit rate; write 500kbit, 1Mbit or 1Gbit"):
        parse_bit_rate(text)


@given(st.integers(min_value=0, max_value=10**12))
def test_a_formatted_bit_rate_reads_back_to_the_bit(bits):
    assert round(parse_bit_rate(format_bit_rate(bits))) == bits


def test_bit_rates_are_told_in_their_own_unit():
    assert [format_bit_rate(bits) for bits in (1e6, 1.5e6, 64_000, 800, 1e9)] == [
        "1Mbit",
        "1.5Mbit",
        "64kbit",
        "800bit",
        "1Gbit",
    ]


@pytest.mark.parametrize(
    ("text", "size"),
    [("2GiB", 2**31), ("64 KiB", 65536), ("100MB", 10**8), ("1.5MiB", 1572864), ("17B", 17), ("0", 0), (0, 0)],
)
def test_sizes_are_read_as_bytes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["64", 64, "5 mb", "-1MiB", "lots", "", True])
def test_what_is_no_size_says_what_to_write(text):
    with pytest.raises(ValueError, match="is not a size; write 500MiB, 2GiB or 64KiB"):
        parse_size(text)


@given(st.integers(min_value=0, max_value=2**60))
def test_a_formatted_size_reads_back(size):
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (2**20, "1 MiB"), (24_777_995_878, "23.1 GiB"), (2**30 - 1, "1 GiB")],
)
def test_sizes_for_people_have_three_figures(size, text):
    assert about_size(size) == text
