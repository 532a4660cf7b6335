"""Bodies that clients send, validated; numbers may come as JSON numbers or strings."""

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import uuid4

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ratchet.core.exchange import OrderClass, OrderRequest, ReplaceRequest, StopLoss
from ratchet.core.orders import OrderType, Side, TimeInForce
from ratchet.paper_exchange.errors import InvalidError, UnprocessableError

CLIENT_ORDER_ID_LENGTH = 128


def as_decimal(value: object) -> object:
    """Take a JSON number or a string as a decimal; ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError('allowed: a number, or a string such as "1.5"')  # noqa: TRY004 - pydantic's contract
    return str(value) if isinstance(value, float) else value


Positive = Annotated[Decimal, BeforeValidator(as_decimal), Field(gt=0, max_digits=30, decimal_places=9)]
ClientOrderId = Annotated[str, Field(max_length=CLIENT_ORDER_ID_LENGTH)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class TakeProfitBody(_Body):
    """The target of a bracket."""

    limit_price: Positive


class StopLossBody(_Body):
    """The stop of a bracket, a stop-limit when limit_price is given."""

    stop_price: Positive
    limit_price: Positive | None = None

    def to_core(self) -> StopLoss:
        """Return it in the exchange's terms."""
        return StopLoss(self.stop_price, self.limit_price)


class OrderBody(_Body):
    """POST /v2/orders."""

    symbol: Annotated[str, Field(min_length=1)]
    side: Literal["buy", "sell"]
    type: Literal["market", "limit", "stop", "stop_limit", "trailing_stop"]
    time_in_force: Literal["day", "gtc", "opg", "cls", "ioc", "fok"]
    qty: Positive | None = None
    notional: Positive | None = None
    limit_price: Positive | None = None
    stop_price: Positive | None = None
    extended_hours: bool | None = None
    client_order_id: ClientOrderId | None = None
    order_class: Literal["", "simple", "bracket", "oco", "oto", "mleg"] | None = None
    take_profit: TakeProfitBody | None = None
    stop_loss: StopLossBody | None = None
    trail_price: Positive | None = None
    trail_percent: Positive | None = None

    def to_request(self, asset_id: int) -> OrderRequest:
        """Return the order in the exchange's terms; InvalidError or UnprocessableError if not traded."""
        if (self.qty is None) == (self.notional is None):
            raise InvalidError("exactly one of qty and notional is required")
        return OrderRequest(
            client_order_id=self.client_order_id or str(uuid4()),
            asset_id=asset_id,
            side=Side(self.side),
            qty=self.qty,
            type=OrderType(self.type),
            time_in_force=TimeInForce(self.time_in_force),
            notional=self.notional,
            limit_price=self.limit_price,
            stop_price=self.stop_price,
            order_class=_supported(OrderClass, "order_class", self.order_class or "simple"),
            take_profit=None if self.take_profit is None else self.take_profit.limit_price,
            stop_loss=None if self.stop_loss is None else self.stop_loss.to_core(),
            extended_hours=bool(self.extended_hours),
            trail_price=self.trail_price,
            trail_percent=self.trail_percent,
        )


class ReplaceBody(_Body):
    """PATCH /v2/orders/{id}; absent and null fields keep the old value."""

    qty: Positive | None = None
    time_in_force: Literal["day", "gtc", "opg", "cls", "ioc", "fok"] | None = None
    limit_price: Positive | None = None
    stop_price: Positive | None = None
    trail: Positive | None = None
    client_order_id: ClientOrderId | None = None

    def to_request(self) -> ReplaceRequest:
        """Return the change in the exchange's terms."""
        tif = self.time_in_force
        return ReplaceRequest(
            qty=self.qty,
            limit_price=self.limit_price,
            stop_price=self.stop_price,
            time_in_force=None if tif is None else TimeInForce(tif),
            client_order_id=self.client_order_id or None,
            trail=self.trail,
        )


class ConfigurationBody(_Body):
    """PATCH /v2/account/configurations; absent and null fields keep the old value."""

    fractional_trading: bool | None = None
    max_margin_multiplier: Literal["1", "2", "4"] | None = None
    no_shorting: bool | None = None
    suspend_trade: bool | None = None
    trade_confirm_email: Literal["all", "none"] | None = None
    ptp_no_exception_entry: bool | None = None
    max_options_trading_level: Literal[0, 1, 2, 3] | None = None
    disable_overnight_trading: bool | None = None


class AdvanceBody(BaseModel):
    """POST /sim/v1/advance: to a time, or by a number of steps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: str | None = None
    steps: Annotated[int, Field(ge=1, le=10_000_000)] | None = None


def _supported(kind: Any, field: str, value: str) -> Any:
    if value not in [member.value for member in kind]:
        allowed = ", ".join(member.value for member in kind)
        raise UnprocessableError(f"{field} {value!r} is not supported by this venue; allowed: {allowed}")
    return kind(value)
