"""Bar timeframes such as 1m, 1h and 1d."""

import re

NS_PER_SECOND = 1_000_000_000
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PATTERN = re.compile(r"([1-9][0-9]*)([smhdw])")


def timeframe_ns(timeframe: str) -> int:
    """Return the length of a timeframe in nanoseconds; ValueError names a malformed one."""
    match = _PATTERN.fullmatch(timeframe)
    if match is None:
        raise ValueError(f"timeframe {timeframe!r} is not a number and one of s, m, h, d, w, such as 1h")
    return int(match[1]) * _UNITS[match[2]] * NS_PER_SECOND
