"""What differs between the exchanges behind ccxt and that ccxt does not hide, one row an exchange."""

from dataclasses import dataclass
from enum import StrEnum


class LookUp(StrEnum):
    """How an order is found by its client order id."""

    BY_PARAMETER = "parameter"
    """`fetchOrder` takes the client id as a parameter, with the symbol."""
    BY_ENDPOINT = "endpoint"
    """The exchange has an endpoint for it that ccxt does not wrap."""
    BY_LISTING = "listing"
    """Neither: open and recent orders are listed."""


@dataclass(frozen=True, slots=True)
class ExchangeRules:
    """The rules of one exchange for client order ids, look-ups and market orders.

    `id_prefix`, `id_length` and `id_hyphens` say what a client order id may look like. `duplicate_words` are
    those with which it refuses a client order id that it has already. `buys_by_cost`: a market buy is given
    as money to spend, so no exact quantity can be bought at the market. `trade_parameters` make it list
    trades oldest first.
    """

    id_length: int = 32
    id_hyphens: bool = False
    id_prefix: str = ""
    look_up: LookUp = LookUp.BY_LISTING
    id_parameter: str = "clientOrderId"
    duplicate_words: tuple[str, ...] = ()
    not_found_words: tuple[str, ...] = ()
    buys_by_cost: bool = False
    trade_parameters: tuple[tuple[str, str], ...] = ()


_BINANCE = ExchangeRules(
    id_length=36,
    id_hyphens=True,
    look_up=LookUp.BY_PARAMETER,
    id_parameter="origClientOrderId",
    duplicate_words=("Duplicate order sent",),
)
_UUIDS = ExchangeRules(id_length=36, id_hyphens=True)
_BY_COST = ExchangeRules(buys_by_cost=True)

# Sources: each exchange's REST documentation of its order endpoint; market buys: ccxt's option
# createMarketBuyOrderRequiresPrice. An exchange without a row has the defaults, the narrowest common rules.
_RULES: dict[str, ExchangeRules] = {
    "binance": _BINANCE,
    "binanceus": _BINANCE,
    "alpaca": ExchangeRules(
        id_length=128,
        id_hyphens=True,
        look_up=LookUp.BY_ENDPOINT,
        duplicate_words=("client_order_id must be unique",),
        not_found_words=("order not found", "order is not found"),
        trade_parameters=(("direction", "asc"),),
    ),
    "kraken": _UUIDS,
    "bitstamp": _UUIDS,
    "coinbase": ExchangeRules(id_length=36, id_hyphens=True, buys_by_cost=True),
    "bybit": ExchangeRules(id_length=36, id_hyphens=True, buys_by_cost=True),
    "kucoin": ExchangeRules(id_length=40, id_hyphens=True, look_up=LookUp.BY_PARAMETER),
    "okx": ExchangeRules(look_up=LookUp.BY_PARAMETER, buys_by_cost=True),
    "bitget": ExchangeRules(look_up=LookUp.BY_PARAMETER, buys_by_cost=True),
    "gate": ExchangeRules(id_length=28, id_prefix="t-", buys_by_cost=True),
    **dict.fromkeys(
        (
            *("bigone", "bithumb", "bitrue", "bittrade", "btse", "coinsph", "cryptocom", "cryptomus"),
            *("digifinex", "htx", "lbank", "poloniex", "tokocrypto", "upbit", "woo", "xt"),
        ),
        _BY_COST,
    ),
}
_DEFAULT = ExchangeRules()


def rules_of(exchange: str) -> ExchangeRules:
    """Return the rules of an exchange by its ccxt id."""
    return _RULES.get(exchange, _DEFAULT)
