"""Why an option order or instruction is refused; a venue puts its own codes to the reasons.

OptionRefused carries one OptionReason, a message in Alpaca's words and the figures behind it.
"""

from enum import StrEnum


class OptionReason(StrEnum):
    """What an order or instruction lacks."""

    FIELD_INVALID = "field_invalid"
    RULE_BROKEN = "rule_broken"
    POSITION_UNKNOWN = "position_unknown"
    POSITION_SHORT = "position_short"


class OptionRefused(Exception):  # noqa: N818 - the venue's verdict, named as traders name it
    """Nothing was changed."""

    def __init__(self, reason: OptionReason, message: str, **extras: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
        self.extras = extras


def broken(message: str) -> OptionRefused:
    """Return the refusal of an order that its rules do not allow."""
    return OptionRefused(OptionReason.RULE_BROKEN, message)


def invalid(message: str) -> OptionRefused:
    """Return the refusal of a missing or malformed field."""
    return OptionRefused(OptionReason.FIELD_INVALID, message)
