"""Why the exchange refuses, in Alpaca's codes and words (HTTP status x 100,000 + n)."""

from decimal import Decimal

from ratchet.core.orders.money import canonical


class OrderRejected(Exception):  # noqa: N818 - the venue's verdict, named as traders name it
    """The venue said no: nothing was changed. `extras` are further fields of Alpaca's error body."""

    def __init__(self, http_status: int, code: int, message: str, **extras: str) -> None:
        super().__init__(f"{code}: {message}")
        self.http_status = http_status
        self.code = code
        self.message = message
        self.extras = extras


def invalid(message: str) -> OrderRejected:
    """Return the error for a missing or malformed field."""
    return OrderRejected(422, 40010001, message)


def unprocessable(message: str) -> OrderRejected:
    """Return the error for an order that its rules do not allow."""
    return OrderRejected(422, 42210000, message)


def forbidden(message: str, **extras: str) -> OrderRejected:
    """Return the error for an order that the account cannot bear."""
    return OrderRejected(403, 40310000, message, **extras)


def not_found(message: str) -> OrderRejected:
    """Return the error for an unknown order or position."""
    return OrderRejected(404, 40410000, message)


def short_position(message: str) -> OrderRejected:
    """Return the error for an exercise of what the account has sold."""
    return OrderRejected(403, 40310001, message)


def duplicate_client_order_id() -> OrderRejected:
    """Return the error for a client order id that was used before, even by an order long closed."""
    return invalid("client_order_id must be unique")


def insufficient_buying_power(buying_power: Decimal, cost_basis: Decimal) -> OrderRejected:
    """Return the error for a buy that the account cannot pay."""
    return forbidden(
        "insufficient buying power", buying_power=canonical(buying_power), cost_basis=canonical(cost_basis)
    )


def insufficient_balance(currency: str, requested: Decimal, available: Decimal) -> OrderRejected:
    """Return the crypto form of an order beyond what is held."""
    return forbidden(
        f"insufficient balance for {currency} "
        f"(requested: {canonical(requested)}, available: {canonical(available)})",
        symbol=currency,
        balance=canonical(available),
    )


def insufficient_qty(symbol: str, requested: Decimal, existing: Decimal, held: Decimal) -> OrderRejected:
    """Return the equity form of a sell beyond what is held and not yet promised to other orders."""
    available = canonical(existing - held)
    return forbidden(
        f"insufficient qty available for order (requested: {canonical(requested)}, available: {available})",
        symbol=symbol,
        available=available,
        existing_qty=canonical(existing),
        held_for_orders=canonical(held),
    )


def pattern_day_trading() -> OrderRejected:
    """Return the error for a day trade too many in an account below the day trader's minimum."""
    return OrderRejected(403, 40310100, "trade denied due to pattern day trading protection")


def wash_trade(existing_order_id: str, kind: str) -> OrderRejected:
    """Return the error for an order that could trade with the account's own resting order."""
    return forbidden(
        "potential wash trade detected. use complex orders",
        existing_order_id=existing_order_id,
        reject_reason=f"opposite side {kind} order exists",
    )
