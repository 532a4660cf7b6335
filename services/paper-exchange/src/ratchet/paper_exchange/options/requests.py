"""Bodies of option orders: one contract, or a package of legs."""

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import uuid4

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ratchet.core.exchange import LegRequest, OptionOrderRequest
from ratchet.core.options import is_option_symbol
from ratchet.core.options.intents import PositionIntent
from ratchet.core.orders import OrderType, Side, TimeInForce
from ratchet.paper_exchange.errors import InvalidError
from ratchet.paper_exchange.requests import ClientOrderId, Positive, as_decimal

Signed = Annotated[Decimal, BeforeValidator(as_decimal), Field(max_digits=30, decimal_places=9)]
Intent = Literal["buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close", ""]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class LegBody(_Body):
    """One leg of a package."""

    symbol: Annotated[str, Field(min_length=1)]
    ratio_qty: Positive
    side: Literal["buy", "sell", ""] | None = None
    position_intent: Intent | None = None

    def to_core(self) -> LegRequest:
        """Return it in the exchange's terms."""
        return LegRequest(self.symbol, self.ratio_qty, _side(self.side), _intent(self.position_intent))


class OptionOrderBody(_Body):
    """POST /v2/orders for options."""

    symbol: str | None = None
    side: Literal["buy", "sell", ""] | None = None
    type: Literal["market", "limit", "stop", "stop_limit", "trailing_stop"]
    time_in_force: Literal["day", "gtc", "opg", "cls", "ioc", "fok"]
    qty: Positive | None = None
    notional: Positive | None = None
    limit_price: Signed | None = None
    stop_price: Positive | None = None
    extended_hours: bool | None = None
    client_order_id: ClientOrderId | None = None
    order_class: Literal["", "simple", "bracket", "oco", "oto", "mleg"] | None = None
    position_intent: Intent | None = None
    legs: list[LegBody] | None = None

    def to_request(self) -> OptionOrderRequest:
        """Return the order in the exchange's terms; InvalidError for a class that options do not have."""
        is_package = self.order_class == "mleg"
        if not is_package and self.order_class not in (None, "", "simple"):
            raise InvalidError(
                f"order_class {self.order_class!r} is invalid for options; allowed: simple, mleg"
            )
        if is_package and not self.legs:
            raise InvalidError("mleg orders require legs")
        if is_package and self.symbol:
            raise InvalidError("mleg orders must not have symbol: each leg has its own")
        return OptionOrderRequest(
            client_order_id=self.client_order_id or str(uuid4()),
            qty=self.qty,
            type=OrderType(self.type),
            time_in_force=TimeInForce(self.time_in_force),
            symbol="" if is_package else (self.symbol or "").upper(),
            side=None if is_package else _side(self.side),
            intent=None if is_package else _intent(self.position_intent),
            limit_price=self.limit_price,
            stop_price=self.stop_price,
            notional=self.notional,
            extended_hours=bool(self.extended_hours),
            legs=tuple(leg.to_core() for leg in self.legs or ()) if is_package else (),
        )


def concerns_options(body: Any) -> bool:
    """Say whether an order's body is of options: by its class, or by the form of its symbol."""
    if not isinstance(body, dict):
        return False
    return body.get("order_class") == "mleg" or is_option_symbol(str(body.get("symbol", "")).upper())


def _side(text: str | None) -> Side | None:
    return Side(text) if text else None


def _intent(text: str | None) -> PositionIntent | None:
    return PositionIntent(text) if text else None
