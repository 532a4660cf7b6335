"""Coded reasons of risk: every rejection carries at least one of these."""

from enum import StrEnum
from typing import Self


class Reason(StrEnum):
    """Why a proposal was rejected, as CATEGORY_CONDITION; `meaning` explains it to the operator."""

    meaning: str

    def __new__(cls, code: str, meaning: str) -> Self:
        """Attach the explanation to the code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    ACCOUNT_INVALID = (
        "ACCOUNT_INVALID",
        "The snapshot has no usable equity or cash, or is later than the decision.",
    )
    ASSET_UNKNOWN = "ASSET_UNKNOWN", "The asset id is not in the registry."
    CASH_INSUFFICIENT = "CASH_INSUFFICIENT", "Free cash, less the buffer and working buys, is too small."
    CLASS_LIMIT = "CLASS_LIMIT", "The asset class has no room left below its share of equity."
    CONFIDENCE_TOO_LOW = "CONFIDENCE_TOO_LOW", "The signal's confidence is below the minimum or not a number."
    DAILY_LOSS_LIMIT = "DAILY_LOSS_LIMIT", "The loss since the start of the UTC day has reached its limit."
    DRAWDOWN_LIMIT = "DRAWDOWN_LIMIT", "Equity has fallen too far below its peak."
    DUPLICATE_ORDER = (
        "DUPLICATE_ORDER",
        "An order in this asset is working or was approved in this evaluation.",
    )
    DUPLICATE_POSITION = "DUPLICATE_POSITION", "The portfolio already holds the asset."
    EXPOSURE_LIMIT = "EXPOSURE_LIMIT", "Gross exposure has no room left below its share of equity."
    MARK_INVALID = "MARK_INVALID", "A held position has no usable mark, so equity is not known."
    MARK_STALE = "MARK_STALE", "A held position's mark is too old, so equity is not known."
    NOTIONAL_TOO_SMALL = (
        "NOTIONAL_TOO_SMALL",
        "The quantity, rounded down, is below the venue's or our minimum.",
    )
    ORDER_UNKNOWN = "ORDER_UNKNOWN", "An order in this asset was sent and the broker has not answered yet."
    PHASE_LOCKED = "PHASE_LOCKED", "The asset's phase has not been earned."
    PHASE_REDUCE_ONLY = "PHASE_REDUCE_ONLY", "The asset's phase was demoted: positions may only be closed."
    POSITION_COUNT = "POSITION_COUNT", "The portfolio holds as many positions as it may."
    POSITION_LIMIT = "POSITION_LIMIT", "The position has no room left below its share of equity."
    POSITION_MISSING = "POSITION_MISSING", "There is no position on the other side to reduce."
    PRICE_INVALID = "PRICE_INVALID", "The proposal's price is not a positive number."
    PRICE_STALE = "PRICE_STALE", "The prices behind the proposal are too old."
    QTY_INVALID = "QTY_INVALID", "The exit's quantity is missing or not a positive number."
    REDUCE_ONLY_EXCEEDED = "REDUCE_ONLY_EXCEEDED", "The exit is larger than what is left of the position."
    SHORT_NOT_ALLOWED = "SHORT_NOT_ALLOWED", "Short positions are not allowed here or for this asset."
    TRADE_RISK_LIMIT = (
        "TRADE_RISK_LIMIT",
        "The loss at the stop leaves no room below the risk allowed for a trade.",
    )
    TRADING_HALTED = "TRADING_HALTED", "Trading is halted: only orders that reduce risk pass."
    TRADING_REDUCE_ONLY = (
        "TRADING_REDUCE_ONLY",
        "The portfolio is reduce-only: only orders that reduce risk pass.",
    )
    VOLATILITY_INVALID = "VOLATILITY_INVALID", "The asset's volatility or ATR is not a number."
    VOLATILITY_LIMIT = (
        "VOLATILITY_LIMIT",
        "The asset's volatility leaves no room below what a position may contribute.",
    )


def reasons_table() -> str:
    """Return the reason codes as a Markdown table, for the documentation."""
    rows = [f"| `{reason.value}` | {reason.meaning} |" for reason in sorted(Reason)]
    return "\n".join(["| code | meaning |", "|---|---|", *rows, ""])
