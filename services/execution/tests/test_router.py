"""Several venues behind one broker: routing, ids, and a venue that is away."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.orders import OrderStatus, OrderType, Side, TimeInForce
from ratchet.execution.venue.broker import (
    BrokerAccount,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    BrokerRefusedError,
    BrokerUnreachableError,
    OrderNotFoundError,
    OrderRequest,
    TradeUpdate,
    failed_venues,
)
from ratchet.execution.venue.router import BrokerRouter, Venue


class Account:
    """A venue with a memory for orders; `away` makes it silent."""

    def __init__(self, number: str, cash: int) -> None:
        self.number, self.cash, self.away = number, cash, False
        self.orders: dict[str, BrokerOrder] = {}
        self.cancelled: list[str] = []

    def _speak(self) -> None:
        if self.away:
            raise BrokerUnreachableError(f"{self.number} is away")

    def submit(self, request: OrderRequest) -> BrokerOrder:
        self._speak()
        self.orders[request.client_order_id] = BrokerOrder(
            str(len(self.orders) + 1), request.client_order_id, request.symbol, request.side, request.type,
            request.time_in_force, OrderStatus.ACCEPTED, request.qty, Decimal(0), None, None, None, 5, 5,
        )  # fmt: skip
        return self.orders[request.client_order_id]

    def cancel(self, broker_order_id: str) -> None:
        self._speak()
        self.cancelled.append(broker_order_id)

    def get_by_client_id(self, client_order_id: str) -> BrokerOrder:
        self._speak()
        if client_order_id not in self.orders:
            raise OrderNotFoundError("404", f"{self.number} has no {client_order_id}", 404)
        return self.orders[client_order_id]

    def list_orders(self, since_ns: int | None = None, *, open_only: bool = False) -> list[BrokerOrder]:
        self._speak()
        return list(self.orders.values())

    def positions(self) -> list[BrokerPosition]:
        self._speak()
        return [BrokerPosition(order.symbol, order.qty, Decimal(1)) for order in self.orders.values()]

    def account(self) -> BrokerAccount:
        self._speak()
        return BrokerAccount(self.number, Decimal(self.cash), Decimal(self.cash), False)

    def fills(self, since_ns: int) -> list[BrokerFill]:
        self._speak()
        return [_fill_of(key, order) for key, order in self.orders.items()]


def _fill_of(key: str, order: BrokerOrder) -> BrokerFill:
    one = Decimal(1)
    return BrokerFill(
        "e", order.broker_order_id, key, order.symbol, order.side, order.qty, one, order.qty, 7
    )  # fmt: skip


class Stream:
    def __init__(self) -> None:
        self.connected = True
        self.on_change: Any = lambda _: None
        self.handler: Any = None

    def start(self, handler: Any) -> None:
        self.handler = handler

    def stop(self) -> None:
        self.connected = False

    def turn(self, connected: bool) -> None:
        self.connected = connected
        self.on_change(connected)


@pytest.fixture
def assets() -> Registry:
    def asset(number: int, symbol: str, kind: AssetClass, venue: str) -> Asset:
        one = Decimal(1)
        return Asset(number, symbol, kind, 0, venue, kind.value, "24/7", one, one, one, 0.1, 0.1)

    return Registry(
        [
            asset(0, "BTC/USDT", AssetClass.CRYPTO, "alpaca"),
            asset(1, "GBP/JPY", AssetClass.FOREX, "oanda"),
            asset(2, "SEK/NOK", AssetClass.FOREX, "nowhere"),
        ]
    )


@pytest.fixture
def world(assets: Registry) -> Any:
    class World:
        alpaca, oanda = Account("PA1", 100), Account("OA1", 50)
        streams = (Stream(), Stream())

    made = World()
    made.router = BrokerRouter(
        {"alpaca": Venue(made.alpaca, made.streams[0]), "oanda": Venue(made.oanda, made.streams[1])}, assets
    )
    return made


def order(symbol: str, key: str) -> OrderRequest:
    return OrderRequest(key, symbol, Side.BUY, OrderType.MARKET, TimeInForce.GTC, Decimal(2))


def test_orders_go_to_their_assets_venue_under_ids_that_never_clash(world: Any) -> None:
    first = world.router.submit(order("BTC/USDT", "a"))
    second = world.router.submit(order("GBP/JPY", "b"))
    assert (first.broker_order_id, second.broker_order_id) == ("1", "oanda:1")
    world.router.cancel("oanda:1")
    world.router.cancel("1")
    assert (world.alpaca.cancelled, world.oanda.cancelled) == (["1"], ["1"])
    assert {row.broker_order_id for row in world.router.list_orders()} == {"1", "oanda:1"}
    assert {row.execution_id for row in world.router.fills(0)} == {"e", "oanda:e"}
    assert {row.symbol for row in world.router.positions()} == {"BTC/USDT", "GBP/JPY"}
    assert world.router.account().cash == 150


def test_an_asset_without_a_broker_is_refused_by_code(world: Any) -> None:
    with pytest.raises(BrokerRefusedError) as refused:
        world.router.submit(order("SEK/NOK", "c"))
    assert refused.value.code == "VENUE_UNKNOWN"


def test_a_venue_that_is_away_stops_its_own_assets_only(world: Any, assets: Registry) -> None:
    world.router.submit(order("BTC/USDT", "a"))
    world.router.submit(order("GBP/JPY", "b"))
    world.router.account()
    world.oanda.away = True
    positions, account = world.router.positions(), world.router.account()
    assert [row.symbol for row in positions] == ["BTC/USDT"]
    assert failed_venues(positions, account) == {"oanda"}
    assert account.cash == 150
    assert not world.router.is_down(assets[0])
    assert world.router.is_down(assets[1])
    assert world.router.is_down(assets[2])
    world.router.submit(order("BTC/USDT", "d"))
    with pytest.raises(BrokerUnreachableError):
        world.router.submit(order("GBP/JPY", "e"))
    world.oanda.away = False
    world.router.positions()
    assert not world.router.is_down(assets[1])
    world.alpaca.away = world.oanda.away = True
    with pytest.raises(BrokerUnreachableError):
        world.router.positions()


def test_silence_is_never_not_found(world: Any, assets: Registry) -> None:
    with pytest.raises(OrderNotFoundError):
        world.router.get_by_client_id("nobody's")
    world.oanda.away = True
    with pytest.raises(BrokerUnreachableError):
        world.router.get_by_client_id("nobody's")
    world.alpaca.submit(order("BTC/USDT", "a"))
    assert world.router.get_by_client_id("a").client_order_id == "a"
    # Where the ledger knows the venue, the other one's silence does not matter.
    venues = {"alpaca": Venue(world.alpaca, Stream()), "oanda": Venue(world.oanda, Stream())}
    located = BrokerRouter(venues, assets, locate=lambda _: "alpaca")
    with pytest.raises(OrderNotFoundError):
        located.get_by_client_id("nobody's")


def test_updates_arrive_with_the_venues_name_and_streams_are_watched_together(
    world: Any, assets: Registry
) -> None:
    seen: list[TradeUpdate] = []
    changes: list[bool] = []
    world.router.on_change = changes.append
    world.router.start(seen.append)
    told = replace(world.oanda.submit(order("GBP/JPY", "b")), replaced_by="9")
    world.streams[1].handler(TradeUpdate("replaced", 3, told, sequence=4))
    assert (seen[0].order.broker_order_id, seen[0].order.replaced_by, seen[0].sequence) == (
        "oanda:1",
        "oanda:9",
        4,
    )
    assert seen[0].venue == "oanda"
    world.streams[1].turn(False)
    assert (changes, world.router.connected) == ([False], False)
    assert world.router.is_down(assets[1])
    assert not world.router.is_down(assets[0])
    world.router.stop()
    assert not world.streams[0].connected
