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
    BREAKER_TRIPPED = "BREAKER_TRIPPED", "A circuit breaker is tripped: only orders that reduce risk pass."
    CASH_INSUFFICIENT = "CASH_INSUFFICIENT", "Free cash, less the buffer and working buys, is too small."
    CLASS_LIMIT = "CLASS_LIMIT", "The asset class has no room left below its share of equity."
    CONFIDENCE_TOO_LOW = "CONFIDENCE_TOO_LOW", "The signal's confidence is below the minimum or not a number."
    CONTEXT_INVALID = "CONTEXT_INVALID", "What is known of the asset's market is not a usable number."
    CONTEXT_MISSING = (
        "CONTEXT_MISSING",
        "Nothing is known of the asset's market, so its limits cannot be judged.",
    )
    CORRELATION_INVALID = (
        "CORRELATION_INVALID",
        "A daily return is not a number, so correlations are not known.",
    )
    CORRELATION_LIMIT = (
        "CORRELATION_LIMIT",
        "What moves with the asset leaves no room below its share of equity.",
    )
    DAILY_LOSS_LIMIT = "DAILY_LOSS_LIMIT", "The loss since the start of the UTC day has reached its limit."
    DRAWDOWN_LIMIT = "DRAWDOWN_LIMIT", "Equity has fallen too far below its peak."
    DUPLICATE_ORDER = (
        "DUPLICATE_ORDER",
        "An order in this asset is working or was approved in this evaluation.",
    )
    DUPLICATE_POSITION = "DUPLICATE_POSITION", "The portfolio already holds the asset."
    EARNINGS_BLACKOUT = "EARNINGS_BLACKOUT", "The asset's company reports earnings within the blackout."
    EMERGENCY_STOP = "EMERGENCY_STOP", "Equity has fallen from its peak by the emergency ratio."
    EXPOSURE_LIMIT = "EXPOSURE_LIMIT", "Gross exposure has no room left below its share of equity."
    GREEKS_LIMIT = "GREEKS_LIMIT", "The options' delta, gamma, vega or theta has no room left."
    GREEKS_UNKNOWN = "GREEKS_UNKNOWN", "The Greeks of an option are missing or not numbers."
    HEAT_LIMIT = "HEAT_LIMIT", "The loss if every stop were hit leaves no room below its share of equity."
    HOLDING_LIMIT = "HOLDING_LIMIT", "The position is as old as the asset may be held; it is not added to."
    KELLY_LIMIT = "KELLY_LIMIT", "The record of the class does not pay for an entry."
    LEVERAGE_LIMIT = "LEVERAGE_LIMIT", "The asset's leverage is above what its class may use."
    LIQUIDITY_LIMIT = "LIQUIDITY_LIMIT", "The market trades too little for an order of the least size."
    MARKET_CLOSED = "MARKET_CLOSED", "The asset's market is closed."
    MARK_INVALID = "MARK_INVALID", "A held position has no usable mark, so equity is not known."
    MARK_STALE = "MARK_STALE", "A held position's mark is too old, so equity is not known."
    NOTIONAL_TOO_SMALL = (
        "NOTIONAL_TOO_SMALL",
        "The quantity, rounded down, is below the venue's or our minimum.",
    )
    ORDER_LIMIT = "ORDER_LIMIT", "An order may not take so much of equity."
    ORDER_NOTIONAL = "ORDER_NOTIONAL", "The order asks for more money than an order may be worth."
    ORDER_RATE = "ORDER_RATE", "The last minute has seen as many entries as it may."
    ORDER_UNKNOWN = "ORDER_UNKNOWN", "An order in this asset was sent and the broker has not answered yet."
    PHASE_LOCKED = "PHASE_LOCKED", "The asset's phase has not been earned."
    PHASE_REDUCE_ONLY = "PHASE_REDUCE_ONLY", "The asset's phase was demoted: positions may only be closed."
    POSITION_COUNT = "POSITION_COUNT", "The portfolio holds as many positions as it may."
    POSITION_LIMIT = "POSITION_LIMIT", "The position has no room left below its share of equity."
    POSITION_MISSING = "POSITION_MISSING", "There is no position on the other side to reduce."
    PRICE_COLLAR = (
        "PRICE_COLLAR",
        "The order pays too much more, or asks too much less, than the market's price.",
    )
    PRICE_INVALID = "PRICE_INVALID", "The proposal's price is not a positive number."
    PRICE_STALE = "PRICE_STALE", "The prices behind the proposal are too old."
    PROPOSAL_SEEN = "PROPOSAL_SEEN", "The same proposal was judged or ordered before."
    QTY_INVALID = "QTY_INVALID", "The exit's quantity is missing or not a positive number."
    QUOTE_STALE = "QUOTE_STALE", "The asset's bid and ask are too old, or not of this time."
    REDUCE_ONLY_EXCEEDED = "REDUCE_ONLY_EXCEEDED", "The exit is larger than what is left of the position."
    REGIME_SIDEWAYS = "REGIME_SIDEWAYS", "The asset's market goes sideways, or its regime is not known."
    SECTOR_LIMIT = "SECTOR_LIMIT", "The sector has no room left below its share of equity."
    SHORT_NOT_ALLOWED = "SHORT_NOT_ALLOWED", "Short positions are not allowed here or for this asset."
    SPREAD_LIMIT = "SPREAD_LIMIT", "The bid-ask spread is too wide."
    SPREAD_UNKNOWN = "SPREAD_UNKNOWN", "The bid-ask spread is not known, but required."
    TRADE_RISK_LIMIT = (
        "TRADE_RISK_LIMIT",
        "The loss at the stop leaves no room below the risk allowed for a trade.",
    )
    TRADING_HALTED = "TRADING_HALTED", "Trading is halted: only orders that reduce risk pass."
    TRADING_REDUCE_ONLY = (
        "TRADING_REDUCE_ONLY",
        "The portfolio is reduce-only: only orders that reduce risk pass.",
    )
    VAR_LIMIT = "VAR_LIMIT", "Value at risk or expected shortfall would be above its limit."
    VAR_UNKNOWN = (
        "VAR_UNKNOWN",
        "Value at risk is limited but cannot be measured: an asset has too short a history.",
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
