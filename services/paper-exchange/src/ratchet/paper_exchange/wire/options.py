"""Option contracts, quotes, trades and Greeks on the wire. Times (`t`) are ns UTC until they are sent."""

from dataclasses import dataclass
from typing import Any

from ratchet.core.options import OptionContract
from ratchet.core.options.config import TickConfig
from ratchet.core.options.quotes import OptionQuote
from ratchet.core.options.ticks import is_on_tick
from ratchet.core.orders.money import canonical
from ratchet.paper_exchange.wire.values import number

EXCHANGES = {"X": "Ratchet paper exchange"}
CONDITIONS = {"trade": {"I": "AUTO - Regular"}, "quote": {"A": "Regular", " ": "Indicative"}}
_EXCHANGE, _TRADE, _QUOTE = "X", "I", "A"


@dataclass(frozen=True, slots=True)
class Valued:
    """What a quote's middle implies, in Alpaca's units: per point of volatility and rate, theta per day."""

    implied_volatility: float
    delta: float
    gamma: float
    theta: float
    vega: float
    rho: float


def contract_json(
    contract: OptionContract, underlying_id: str, *, active: bool, deliverables: bool, ticks: TickConfig
) -> dict[str, Any]:
    """Build a contract; open interest and the close price are not known here and left out."""
    word = contract.right.value.capitalize()
    body: dict[str, Any] = {
        "id": contract.id,
        "symbol": contract.symbol,
        "name": f"{contract.underlying} {contract.expiration:%b %d %Y} {canonical(contract.strike)} {word}",
        "status": "active" if active else "inactive",
        "tradable": active,
        "expiration_date": contract.expiration.isoformat(),
        "root_symbol": contract.occ.root,
        "underlying_symbol": contract.underlying,
        "underlying_asset_id": underlying_id,
        "type": contract.right.value,
        "style": contract.style.value,
        "strike_price": number(contract.strike),
        "multiplier": str(contract.multiplier),
        "size": str(contract.size),
        "ppind": is_on_tick(ticks, contract.underlying, ticks.penny_below),
    }
    if deliverables:
        body["deliverables"] = [
            {
                "type": "equity",
                "symbol": contract.underlying,
                "asset_id": underlying_id,
                "amount": str(contract.size),
                "allocation_percentage": "100",
                "settlement_type": "T+1",
                "settlement_method": "CCC",
                "delayed_settlement": False,
            }
        ]
    return body


def quote_json(quote: OptionQuote) -> dict[str, Any]:
    """Build a quote; an option's condition is a single letter."""
    return {
        "t": quote.ts,
        "bx": _EXCHANGE,
        "bp": float(quote.bid),
        "bs": quote.bid_size,
        "ax": _EXCHANGE,
        "ap": float(quote.ask),
        "as": quote.ask_size,
        "c": _QUOTE,
    }


def trade_json(ts: int, price: float) -> dict[str, Any]:
    """Build a trade of one contract: the middle of the market at a bar's end, for want of real trades."""
    return {"t": ts, "x": _EXCHANGE, "p": round(price, 4), "s": 1, "c": _TRADE}


def greeks_json(valued: Valued) -> dict[str, float]:
    """Build the Greeks of a snapshot."""
    return {
        "delta": round(valued.delta, 6),
        "gamma": round(valued.gamma, 6),
        "rho": round(valued.rho, 6),
        "theta": round(valued.theta, 6),
        "vega": round(valued.vega, 6),
    }
