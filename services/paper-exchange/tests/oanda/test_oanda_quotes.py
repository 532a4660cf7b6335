"""Orders that the present quote fills have been filled when they are answered, as at OANDA."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from .conftest import ForexDesk, pound

D = Decimal
HALF, SLIP = D("0.015"), D("0.002")  # GBP/JPY: 3 pips of spread, 0.2 of slippage
CLOSE = D(str(round(pound(0) + 0.1, 3)))


@pytest.fixture
def quoted(start_forex: Callable[..., ForexDesk]) -> ForexDesk:
    """A desk after the first bar, whose close is the quote's middle."""
    return start_forex(fills_at_quote=True)


def test_a_market_order_carries_its_fill(quoted: ForexDesk) -> None:
    made = quoted.order(clientExtensions={"id": "mine"}, stopLossOnFill={"distance": "1.500"})
    fill = made["orderFillTransaction"]
    assert D(fill["price"]) == CLOSE + HALF + SLIP
    assert (fill["clientOrderID"], fill["batchID"]) == ("mine", made["orderCreateTransaction"]["id"])
    assert made["relatedTransactionIDs"][:2] == [made["orderCreateTransaction"]["id"], fill["id"]]
    (trade,) = quoted.get("/openTrades")["trades"]
    assert trade["id"] == fill["tradeOpened"]["tradeID"]
    assert D(trade["stopLossOrder"]["price"]) == D(trade["price"]) - D("1.5")
    closing = quoted.ask("PUT", f"/trades/{trade['id']}/close", {"units": "400"}).json()
    assert closing["orderFillTransaction"]["tradeReduced"]["units"] == "-400"
    rest = quoted.ask("PUT", "/positions/GBP_JPY/close", {"longUnits": "ALL"}).json()
    assert rest["longOrderFillTransaction"]["units"] == "-600"
    # The stop that ended with its trade is not the ending of the closing order.
    assert "longOrderCancelTransaction" not in rest
    assert not quoted.get("/openPositions")["positions"]
    assert not quoted.get("/pendingOrders")["orders"]


@pytest.mark.parametrize(
    ("order", "outcome"),
    [
        ({"type": "LIMIT", "price": "181"}, "orderFillTransaction"),
        ({"type": "LIMIT", "price": "179"}, None),
        ({"type": "LIMIT", "price": "179", "timeInForce": "FOK"}, "orderCancelTransaction"),
        ({"type": "STOP", "price": "179"}, "orderFillTransaction"),
        ({"type": "STOP", "price": "181"}, None),
        ({"type": "MARKET_IF_TOUCHED", "price": "181"}, None),
        ({"type": "MARKET", "priceBound": "180"}, "orderCancelTransaction"),
    ],
)
def test_what_the_quote_does_not_fill_rests_or_ends(
    quoted: ForexDesk, order: dict[str, str], outcome: str | None
) -> None:
    made = quoted.order(**order)
    endings = [name for name in ("orderFillTransaction", "orderCancelTransaction") if name in made]
    assert endings == ([outcome] if outcome else [])
    assert len(quoted.get("/pendingOrders")["orders"]) == (outcome is None)


def test_a_limit_is_filled_no_worse_than_the_quote(quoted: ForexDesk) -> None:
    fill = quoted.order(type="LIMIT", price="181")["orderFillTransaction"]
    assert D(fill["price"]) == CLOSE + HALF


def test_fills_at_the_quote_survive_a_restart(start_forex: Callable[..., ForexDesk]) -> None:
    desk = start_forex("quoted-restart", fills_at_quote=True)
    desk.order(units="2000")
    before = desk.get("/summary")["account"]
    desk = start_forex("quoted-restart", fills_at_quote=True)
    assert desk.get("/summary")["account"] == before
    assert "orderFillTransaction" in desk.order(units="-2000")


def test_a_closed_market_fills_nothing(quoted: ForexDesk) -> None:
    quoted.advance(to="2024-01-12T22:00:00Z")
    assert quoted.order()["orderCancelTransaction"]["reason"] == "MARKET_HALTED"
    assert "orderFillTransaction" not in quoted.order(type="LIMIT", price="200")
