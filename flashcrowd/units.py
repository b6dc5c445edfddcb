"""Units: durations, rates, ratios and sizes as people write them, numbers in SI units and bytes inside.

Durations are seconds, rates per second, bit rates bits per second, ratios between 0 and 1, sizes bytes. Parsers raise
ValueError with a message that names the remedy; pydantic turns it into one line of a DocumentError.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_RATE = re.compile(r"(\d+(?:\.\d+)?)/(s|m|h)")
_BIT_RATE = re.compile(r"(\d+(?:\.\d+)?)([kmg]?)bit(?:/s)?", re.IGNORECASE)
_BITS = {"G": 1e9, "M": 1e6, "k": 1e3, "": 1.0}
_RATIO = re.compile(r"(\d+(?:\.\d+)?)\s*%")

BYTES = {"TiB": 2**40, "GiB": 2**30, "MiB": 2**20, "KiB": 2**10, "TB": 10**12, "GB": 10**9, "MB": 10**6, "kB": 10**3}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(TiB|GiB|MiB|KiB|TB|GB|MB|kB|B)")


def parse_duration(value: object) -> float:
    """Seconds in `90s`, `1m30s`, `800ms`, `2h`; a bare 0 is 0. Units are those of Prometheus.

    Raises:
        ValueError: no unit, an unknown one, or not a duration at all.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value == 0:
            return 0.0
        raise ValueError(f"'{value:g}' has no unit; write {value:g}s, 5m or 1h")
    text = str(value).strip()
    if text == "0":
        return 0.0
    if re.fullmatch(r"\d+(\.\d+)?", text):
        raise ValueError(f"'{text}' has no unit; write {text}s, 5m or 1h")
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"'{text}' is not a duration; write 90s, 5m or 1h30m")
    return sum(float(number) * SECONDS[unit] for number, unit in parts)


def parse_offset(value: object) -> float:
    """Seconds in `90s`, `+90s` or `-1m30s`: a duration that may go back. Raises ValueError as `parse_duration`."""
    text = str(value).strip()
    try:
        return -parse_duration(text[1:]) if text.startswith("-") else parse_duration(text.removeprefix("+"))
    except ValueError:
        raise ValueError(f"'{text}' is not an offset; write 90s, -90s or 1h30m") from None


def format_offset(seconds: float) -> str:
    """The spelling that `parse_offset` reads back: -90 → `-1m30s`."""
    return f"-{format_duration(-seconds)}" if seconds < 0 else format_duration(seconds)


def format_duration(seconds: float) -> str:
    """The shortest exact spelling that `parse_duration` reads back, to the millisecond: 90 → `1m30s`, 0.8 → `800ms`."""
    left = round(seconds * 1000)
    if left == 0:
        return "0s"
    text = ""
    for unit in ("d", "h", "m", "s", "ms"):
        size = round(SECONDS[unit] * 1000)
        count, left = divmod(left, size)
        text += f"{count}{unit}" if count else ""
    return text


def about(seconds: float) -> str:
    """A duration for people, to three figures at most: `84 ms`, `3.9 s`, `2 min 40 s`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def parse_rate(value: object) -> float:
    """Events per second in `500/s`, `30/m`, `10/h`. Raises ValueError when there is no `/unit`."""
    match = _RATE.fullmatch(str(value).strip())
    if match is None:
        raise ValueError(f"'{value}' is not a rate; write 500/s, 30/m or 10/h")
    return float(match[1]) / SECONDS[match[2]]


def parse_bit_rate(value: object) -> float:
    """Bits per second in `500kbit`, `1Mbit/s`, `2.5Gbit`: thousands, and capitals or not, as `tc` reads them.

    Raises:
        ValueError: no unit, an unknown one (bytes are), or not a rate at all.
    """
    text = str(value).strip()
    match = _BIT_RATE.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a bit rate; write 500kbit, 1Mbit or 1Gbit, which are per second")
    return float(match[1]) * {unit.lower(): size for unit, size in _BITS.items()}[match[2].lower()]


def format_bit_rate(bits: float) -> str:
    """A spelling that `parse_bit_rate` reads back, to the bit: 1500000 → `1.5Mbit`."""
    unit, size = next((unit, size) for unit, size in _BITS.items() if bits >= size or not unit)
    return f"{round(bits) / size:.9f}".rstrip("0").rstrip(".") + f"{unit}bit"


def parse_ratio(value: object) -> float:
    """A ratio from `1 %`, `99.9%` or a number from 0 to 1. Raises ValueError outside of 0 to 1."""
    text = str(value).strip()
    match = _RATIO.fullmatch(text)
    try:
        ratio = float(match[1]) / 100 if match else float(text)
    except ValueError:
        raise ValueError(f"'{text}' is not a ratio; write 1 % or 0.01") from None
    if not (math.isfinite(ratio) and 0 <= ratio <= 1):
        raise ValueError(f"'{text}' is not a ratio: it must lie between 0 and 1, or 0 % and 100 %")
    return ratio


def parse_size(value: object) -> int:
    """Bytes in `2GiB`, `500MiB`, `64KiB` (powers of 1024) or `100MB` (of 1000); a bare 0 is 0.

    Raises:
        ValueError: no unit, or an unknown one.
    """
    text = str(value).strip()
    if text == "0":
        return 0
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a size; write 500MiB, 2GiB or 64KiB")
    return round(Decimal(match[1]) * BYTES.get(match[2], 1))


def format_size(size: int) -> str:
    """The shortest exact spelling that `parse_size` reads back: 2**31 → `2GiB`, 1500 → `1500B`."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size and size % BYTES[unit] == 0:
            return f"{size // BYTES[unit]}{unit}"
    return f"{size}B" if size else "0"


def about_size(size: float) -> str:
    """A size for people, to three figures: `23.1 GiB`, `512 MiB`."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if (count := size / BYTES[unit]) >= 0.9995:
            return f"{count:.3g} {unit}" if count < 999.5 else f"{count:.0f} {unit}"
    return f"{size:.0f} bytes"


def clock(seconds: float) -> str:
    """A position on a timeline as `mm:ss` (hours run on as minutes): 66.4 → `01:06`."""
    whole = max(0, math.floor(seconds))
    return f"{whole // 60:02d}:{whole % 60:02d}"


def utc(timestamp: float) -> str:
    """A unix time as RFC 3339 in UTC, to the millisecond."""
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Duration = Annotated[float, BeforeValidator(parse_duration), PlainSerializer(format_duration)]
"""A pydantic field of seconds, written with a unit."""

Offset = Annotated[float, BeforeValidator(parse_offset), PlainSerializer(format_offset)]
"""A pydantic field of seconds that may be negative, written with a unit."""

BitRate = Annotated[float, BeforeValidator(parse_bit_rate), PlainSerializer(format_bit_rate)]
"""A pydantic field of bits per second, written `1Mbit`."""

Rate = Annotated[float, BeforeValidator(parse_rate)]
"""A pydantic field of events per second, written `500/s`."""

Ratio = Annotated[float, BeforeValidator(parse_ratio)]
"""A pydantic field between 0 and 1, written `1 %` or `0.01`."""

Size = Annotated[int, BeforeValidator(parse_size), PlainSerializer(format_size)]
"""A pydantic field of bytes, written `500MiB`."""
