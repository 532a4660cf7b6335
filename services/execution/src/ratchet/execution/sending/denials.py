"""Coded reasons with which execution itself keeps an order back; risk has its own."""

from enum import StrEnum
from typing import Self


class Denial(StrEnum):
    """Why an order was not sent, as CATEGORY_CONDITION; `meaning` explains it to the operator."""

    meaning: str

    def __new__(cls, code: str, meaning: str) -> Self:
        """Attach the explanation to the code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    EXECUTION_DISABLED = "EXECUTION_DISABLED", "RATCHET_EXECUTION_ENABLED is false: nothing is sent."
    EXTENDED_HOURS_UNSUPPORTED = (
        "EXTENDED_HOURS_UNSUPPORTED",
        "The venue does not take this order outside of regular hours.",
    )
    FRACTION_UNSUPPORTED = "FRACTION_UNSUPPORTED", "The venue takes this order in whole units only."
    ORDER_CLASS_UNSUPPORTED = "ORDER_CLASS_UNSUPPORTED", "The venue has no such order class for this asset."
    ORDER_TYPE_UNSUPPORTED = "ORDER_TYPE_UNSUPPORTED", "The venue has no such order type for this asset."
    ORDER_UNKNOWN = "ORDER_UNKNOWN", "A request about an order in this asset has no answer yet."
    PACKAGE_INDIVISIBLE = (
        "PACKAGE_INDIVISIBLE",
        "What risk leaves of the legs does not make one whole package.",
    )
    RECONCILIATION_DRIFT = "RECONCILIATION_DRIFT", "Ledger and broker differ, or could not be compared."
    REPLACE_UNSUPPORTED = "REPLACE_UNSUPPORTED", "The venue cannot replace orders in this asset."
    RISK_UNAVAILABLE = "RISK_UNAVAILABLE", "Risk does not answer; only orders that reduce risk pass."
    STREAM_DOWN = "STREAM_DOWN", "The venue's stream of trade updates is down; fills would not be seen."
    THROTTLED = "THROTTLED", "The venue's request limit left no room before the entry's deadline."
    TIF_UNSUPPORTED = "TIF_UNSUPPORTED", "The venue has no such time in force for this order type."
    TRAIL_REDUCES_ONLY = "TRAIL_REDUCES_ONLY", "A trailing stop closes a position; it cannot open one."
    TRADING_HALTED = "TRADING_HALTED", "The kill switch is thrown: only orders that reduce risk are sent."
    VENUE_UNKNOWN = "VENUE_UNKNOWN", "No broker is configured for the asset's venue."


def denials_table() -> str:
    """Return the codes as a Markdown table, for the documentation."""
    rows = [f"| `{denial.value}` | {denial.meaning} |" for denial in sorted(Denial)]
    return "\n".join(["| code | meaning |", "|---|---|", *rows, ""])
