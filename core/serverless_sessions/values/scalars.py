"""The text of strings, numbers and dates, as JavaScript writes it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

from .refusal import Refused
from .types import MAX_DATE_MS, MAX_SAFE_INTEGER, JSDate

MAX_BIGINT_DIGITS = 4_000
_MAX_BIGINT_BITS = 13_287

_json_string = json.JSONEncoder(ensure_ascii=False).encode
_SPECIAL = re.compile("[<\u2028\u2029\ud800-\udfff]")
_SPLIT_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_BIGINT = re.compile(r"-?[0-9]+")
_DATE = re.compile(
    r"([0-9]{4}|[+-][0-9]{6})-([0-9]{2})-([0-9]{2})"
    r"T([0-9]{2}):([0-9]{2}):([0-9]{2})\.([0-9]{3})Z"
)
_LEAP_CYCLE_YEARS = 400
_LEAP_CYCLE_MS = 146_097 * 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CYCLE_START = datetime(2000, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_CYCLE_START_MS = (_CYCLE_START - _EPOCH) // _MS


def _escape(match: re.Match[str]) -> str:
    return "\\u003C" if match[0] == "<" else f"\\u{ord(match[0]):04x}"


def quote(text: str) -> str:
    """The JSON string for ``text``, always valid UTF-8 and harmless inside HTML."""
    quoted = _json_string(text)
    if "<" not in quoted and quoted.isascii():
        return quoted
    if _SPLIT_PAIR.search(quoted):
        raise Refused(
            "this text holds one character as two surrogates; join them with "
            'text.encode("utf-16", "surrogatepass").decode("utf-16")'
        )
    return _SPECIAL.sub(_escape, quoted)


def number_text(number: float) -> str:
    """A finite number as JavaScript's ``String(number)``."""
    text = repr(number)
    mantissa, has_exponent, exponent_text = text.partition("e")
    if not has_exponent:
        return text.removesuffix(".0")
    exponent = int(exponent_text)
    if not -7 < exponent < 21:
        return f"{mantissa}e{exponent:+d}"
    sign = "-" if number < 0 else ""
    digits = mantissa.lstrip("-").replace(".", "")
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    return sign + digits.ljust(exponent + 1, "0")


def bigint_text(value: int) -> str:
    if value.bit_length() <= _MAX_BIGINT_BITS:
        try:
            return str(value)
        except ValueError:
            pass
    raise Refused(f"an int of {MAX_BIGINT_DIGITS:,} digits or more; store hex(value) as text")


def parse_bigint(payload: object) -> int | None:
    """The int; None for what is no decimal number, or longer than ``bigint_text`` writes."""
    if type(payload) is str:
        if len(payload) > MAX_BIGINT_DIGITS + 1 or not _BIGINT.fullmatch(payload):
            return None
        try:
            payload = int(payload)
        except ValueError:
            return None
    if type(payload) is not int or payload.bit_length() > _MAX_BIGINT_BITS:
        return None
    return payload


def number_value(number: float) -> int | float | None:
    """A JSON number as Python's: exact integers are int, larger ones float; None: too large."""
    if -MAX_SAFE_INTEGER <= number <= MAX_SAFE_INTEGER:
        integral = type(number) is int or (number.is_integer() and repr(number) != "-0.0")
        return int(number) if integral else number
    try:
        return float(number)
    except OverflowError:
        return None


def date_text(moment: datetime) -> str:
    """An aware datetime cut to milliseconds, in UTC."""
    try:
        return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
    except OverflowError:
        offset = moment.utcoffset() or timedelta(0)
        since = moment.replace(tzinfo=UTC) - _EPOCH - offset
        return js_date_text(since // _MS)


def js_date_text(ms: int | None) -> str:
    if ms is None:
        return ""
    cycles, rest = divmod(ms - _CYCLE_START_MS, _LEAP_CYCLE_MS)
    moment = _CYCLE_START + timedelta(milliseconds=rest)
    year = moment.year + cycles * _LEAP_CYCLE_YEARS
    year_text = f"{year:04d}" if 0 <= year <= 9999 else f"{year:+07d}"
    return year_text + moment.isoformat(timespec="milliseconds")[4:-6] + "Z"


def parse_date(text: object) -> datetime | JSDate | None:
    """A datetime in UTC, a JSDate where Python has no such date, None where the text is wrong."""
    if text == "":
        return JSDate(None)
    match = _DATE.fullmatch(text) if type(text) is str else None
    if match is None or match[1] == "-000000":
        return None
    year, month, day, hour, minute, second, ms = map(int, match.groups())
    cycles, year_in_cycle = divmod(year, _LEAP_CYCLE_YEARS)
    try:
        if 1 <= year <= 9999:
            return datetime(year, month, day, hour, minute, second, ms * 1000, tzinfo=UTC)
        shifted = datetime(
            2000 + year_in_cycle, month, day, hour, minute, second, ms * 1000, tzinfo=UTC
        )
    except ValueError:
        return None
    since_epoch = (shifted - _EPOCH) // _MS + (cycles - 5) * _LEAP_CYCLE_MS
    return JSDate(since_epoch) if abs(since_epoch) <= MAX_DATE_MS else None
