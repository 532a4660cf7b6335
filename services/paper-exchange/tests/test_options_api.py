"""What a trader of options does with unmodified alpaca-py clients.

NVDA rises from 500 on Monday 2024-01-08; its options expire daily here, so that the four days of bars hold
expirations. Quotes are modelled, except in the tests that write some beside the bars.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.historical.option import OptionHistoricalDataClient
from alpaca.data.live.option import OptionDataStream
from alpaca.data.requests import (
    OptionBarsRequest,
    OptionChainRequest,
    OptionLatestQuoteRequest,
    OptionLatestTradeRequest,
    OptionSnapshotRequest,
    OptionTradesRequest,
)
from alpaca.data.timeframe import TimeFrame
from alpaca.trading.enums import (
    AssetClass,
    ContractType,
    OrderClass,
    OrderSide,
    OrderStatus,
    PositionIntent,
    TimeInForce,
    TradeEvent,
)
from alpaca.trading.models import TradeUpdate
from alpaca.trading.requests import (
    GetOptionContractsRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    OptionLegRequest,
    ReplaceOrderRequest,
)

from ratchet.common.datasets.option_quotes import QuoteColumns, load_option_quotes
from ratchet.common.db import Database
from ratchet.common.http_server import HttpServer
from ratchet.common.leases import AdvisoryLeaderLock
from ratchet.core.options.config import ListingConfig, OptionsConfig
from ratchet.paper_exchange.app import UVICORN_OPTIONS, create_app
from ratchet.paper_exchange.auth import Credentials
from ratchet.paper_exchange.bars.dataset import DatasetHistory
from ratchet.paper_exchange.options.recorded import RecordedQuotes
from ratchet.paper_exchange.simulation import Simulation
from ratchet.paper_exchange.store import Store
from ratchet.paper_exchange.venue import PaperVenue

from .conftest import KEY, SECRET, Desk, Market
from .test_openapi import FILES, check

# Tuesday, half past eleven in New York: NVDA stands near 510, and every second step is a bar of it.
NOW = "2024-01-09T16:30:00Z"
CALL, HIGHER = "NVDA240110C00510000", "NVDA240110C00515000"
PUT, LOWER = "NVDA240110P00505000", "NVDA240110P00500000"
EXPIRED = "2024-01-10T21:00:00Z"


@dataclass
class OptionDesk(Desk):
    """A desk with the options clients, and a way to restart the venue behind it."""

    reload: Callable[[], Any] = lambda: None

    def options(self) -> OptionHistoricalDataClient:
        return OptionHistoricalDataClient(self.key, self.secret, url_override=self.url)


@pytest.fixture
def open_desk(paper_market: Market, postgres_url: str) -> Iterator[Callable[..., OptionDesk]]:
    """Return a factory of desks; NVDA's options expire every day."""
    closers: list[Callable[[], Any]] = []

    def make(quotes: QuoteColumns | None = None) -> OptionDesk:
        account, stop = f"options-{uuid4()}", threading.Event()
        registry, replay = paper_market.platform.registry, paper_market.replay
        db = Database(postgres_url, stop=stop)
        leader = AdvisoryLeaderLock(db, f"paper:{account}", "test")
        assert leader.try_acquire()
        listing = ListingConfig(daily_classes=frozenset({"NVDA"}))
        config = paper_market.platform.exchange.model_copy(update={"options": OptionsConfig(listing=listing)})
        venue = PaperVenue(
            registry,
            config,
            account,
            Credentials(KEY, SECRET),
            Store(db, account, registry, leader),
            lambda clock: DatasetHistory(replay.columns, registry, clock),
            option_quotes=RecordedQuotes(quotes),
        )
        simulation = Simulation(venue, replay)
        simulation.start()
        app = create_app(venue, simulation)
        server = HttpServer(app, "127.0.0.1", 0, variable="-", **UVICORN_OPTIONS)
        server.start()
        desk = OptionDesk(f"http://127.0.0.1:{server.port}", reload=venue.reload)
        closers.extend([db.close, leader.release, stop.set, server.stop, desk.session.close])
        desk.advance(to=NOW)
        return desk

    yield make
    for close in reversed(closers):
        close()


@pytest.fixture
def option_desk(open_desk: Callable[..., OptionDesk]) -> OptionDesk:
    return open_desk()


def market(symbol: str, qty: float = 1, side: OrderSide = OrderSide.BUY, **extra: Any) -> MarketOrderRequest:
    return MarketOrderRequest(symbol=symbol, qty=qty, side=side, time_in_force=TimeInForce.DAY, **extra)


def spread(qty: float = 1, limit: float | None = None, *legs: OptionLegRequest) -> Any:
    chosen = list(legs) or [
        OptionLegRequest(symbol=CALL, ratio_qty=1, side=OrderSide.BUY),
        OptionLegRequest(symbol=HIGHER, ratio_qty=1, side=OrderSide.SELL),
    ]
    shared = {"qty": qty, "time_in_force": TimeInForce.DAY, "order_class": OrderClass.MLEG, "legs": chosen}
    return MarketOrderRequest(**shared) if limit is None else LimitOrderRequest(limit_price=limit, **shared)


def refused(call: Any, *arguments: Any) -> APIError:
    with pytest.raises(APIError) as caught:
        call(*arguments)
    return caught.value


def test_contracts_are_found_by_filter_page_symbol_and_id(option_desk):
    client = option_desk.trading()
    asked = GetOptionContractsRequest(
        underlying_symbols=["NVDA"], expiration_date="2024-01-10", type=ContractType.CALL,
        strike_price_gte="505", strike_price_lte="515", limit=3,
    )  # fmt: skip
    first = client.get_option_contracts(asked)
    assert [c.strike_price for c in first.option_contracts] == [505.0, 507.5, 510.0]
    asked.page_token = first.next_page_token
    second = client.get_option_contracts(asked)
    assert [c.strike_price for c in second.option_contracts] == [512.5, 515.0]
    assert second.next_page_token is None
    contract = client.get_option_contract(CALL)
    assert client.get_option_contract(str(contract.id)) == contract
    assert (contract.root_symbol, contract.size, contract.tradable) == ("NVDA", "100", True)
    week = client.get_option_contracts(GetOptionContractsRequest(limit=10_000)).option_contracts
    assert {c.expiration_date.isoformat() for c in week} == {f"2024-01-{day:02d}" for day in (9, 10, 11, 12)}
    assert refused(client.get_option_contract, "NVDA240110C00510001").code == 40410000


def test_a_call_is_bought_shown_and_sold(option_desk):
    client, cash = option_desk.trading(), Decimal(100_000)
    order = client.submit_order(market(CALL, 2))
    assert (order.asset_class, order.symbol) == (AssetClass.US_OPTION, CALL)
    assert (order.order_class, order.position_intent) == (OrderClass.SIMPLE, PositionIntent.BUY_TO_OPEN)
    option_desk.advance(steps=2)
    filled = client.get_order_by_id(order.id)
    assert filled.status is OrderStatus.FILLED
    price = Decimal(filled.filled_avg_price)
    account = client.get_account()
    fee = Decimal("0.10")
    assert Decimal(account.cash) == cash - 200 * price - fee
    position = client.get_open_position(CALL)
    assert (position.asset_class, position.exchange, position.qty) == (AssetClass.US_OPTION, "", "2")
    assert Decimal(position.avg_entry_price) == price
    assert Decimal(position.cost_basis) == 200 * price
    assert Decimal(position.market_value) == 200 * Decimal(position.current_price)
    assert Decimal(account.equity) == Decimal(account.cash) + Decimal(position.market_value)
    assert [p.symbol for p in client.get_all_positions()] == [CALL]
    assert client.get_open_position(str(position.asset_id)).symbol == CALL
    closing = client.close_position(CALL)
    assert closing.position_intent is PositionIntent.SELL_TO_CLOSE
    option_desk.advance(steps=2)
    assert client.get_all_positions() == []


def test_a_spread_is_one_order_whose_legs_sum_to_its_price(option_desk):
    client = option_desk.trading()
    order = client.submit_order(spread(2, 3.00))
    assert (order.symbol, order.side, order.asset_id) == (None, None, None)
    assert [leg.symbol for leg in order.legs] == [CALL, HIGHER]
    option_desk.advance(steps=2)
    filled = client.get_order_by_id(order.id)
    assert filled.status is OrderStatus.FILLED
    bought, sold = filled.legs
    assert Decimal(bought.filled_avg_price) - Decimal(sold.filled_avg_price) == Decimal(
        filled.filled_avg_price
    )
    assert (bought.filled_qty, sold.filled_qty, bought.ratio_qty) == ("2", "2", "1")
    assert bought.position_intent is PositionIntent.BUY_TO_OPEN
    assert sold.position_intent is PositionIntent.SELL_TO_OPEN
    assert {p.symbol: p.qty for p in client.get_all_positions()} == {CALL: "2", HIGHER: "-2"}
    updates = option_desk.get("/sim/v1/trade_updates").json()
    parsed = [TradeUpdate(**update) for update in updates]
    fills = [update for update in parsed if update.event == TradeEvent.FILL]
    assert [update.order.id for update in fills] == [bought.id, sold.id, order.id]
    assert Decimal(str(fills[-1].price)) == Decimal(filled.filled_avg_price)
    power = Decimal(client.get_account().options_buying_power)
    assert power == Decimal(client.get_account().cash)
    assert refused(client.close_position, CALL).message.endswith("uncovered option contracts")


def test_a_working_spread_is_listed_replaced_and_canceled(option_desk):
    client = option_desk.trading()
    order = client.submit_order(spread(1, 0.05))
    assert [o.id for o in client.get_orders()] == [order.id]
    new = client.replace_order_by_id(order.id, ReplaceOrderRequest(limit_price=0.10))
    assert client.get_order_by_id(order.id).status is OrderStatus.REPLACED
    assert refused(client.cancel_order_by_id, new.legs[0].id).code == 42210000
    client.cancel_order_by_id(new.id)
    canceled = client.get_order_by_id(new.id)
    assert [canceled.status, *(leg.status for leg in canceled.legs)] == [OrderStatus.CANCELED] * 3


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"qty": "1.5"}, 422, "qty must be integer for options trading"),
        ({"time_in_force": "gtc"}, 422, "not supported for options trading"),
        ({"symbol": "NVDA240110C00511000"}, 422, "not found"),
        ({"qty": None, "notional": "100"}, 422, "notional orders are not supported"),
        ({"extended_hours": True}, 422, "extended hours is not supported for options trading"),
        ({"position_intent": "sell_to_close"}, 422, "position intent mismatch"),
        ({"order_class": "bracket"}, 422, "order_class 'bracket' is invalid"),
        ({"order_class": "mleg"}, 422, "mleg orders require legs"),
        ({"qty": "many"}, 422, "qty 'many'"),
        ({"side": "sell"}, 403, "account not eligible to trade uncovered option contracts"),
        ({"qty": "10000"}, 403, "insufficient options buying power"),
    ],
)
def test_refusals_have_alpacas_codes_and_words(option_desk, body, status, message):
    order = {"symbol": CALL, "qty": "1", "side": "buy", "type": "market", "time_in_force": "day", **body}
    answer = option_desk.post("/v2/orders", {key: value for key, value in order.items() if value is not None})
    assert answer.status_code == status
    assert message in answer.json()["message"]


def test_the_account_sets_its_own_level(option_desk):
    assert option_desk.trading().get_account().options_trading_level == 3
    answer = option_desk.patch("/v2/account/configurations", {"max_options_trading_level": 1})
    assert answer.json()["max_options_trading_level"] == 1
    client = option_desk.trading()
    assert client.get_account().options_trading_level == 1
    assert "level2" in refused(client.submit_order, market(CALL)).message


def test_a_call_in_the_money_becomes_shares_and_history_says_how(option_desk):
    client = option_desk.trading()
    client.submit_order(market(CALL))
    option_desk.advance(to=EXPIRED)
    assert {p.symbol: p.qty for p in client.get_all_positions()} == {"NVDA": "100"}
    rows = option_desk.get("/v2/account/activities", activity_types="OPEXC,OPTRD", direction="asc").json()
    found = [(r["activity_type"], r["symbol"], r["qty"], r["net_amount"]) for r in rows]
    assert found == [("OPEXC", CALL, "-1", "0"), ("OPTRD", "NVDA", "100", "-51000")]
    history = option_desk.get("/v2/account/portfolio/history", timeframe="1H", period="2D").json()
    assert history["equity"][-1] == pytest.approx(float(client.get_account().equity), abs=0.01)


def test_equity_of_the_past_counts_options_at_what_they_were_worth(option_desk):
    client = option_desk.trading()
    client.submit_order(market(CALL, 5))
    option_desk.advance(steps=4)
    account = client.get_account()
    history = option_desk.get("/v2/account/portfolio/history", timeframe="1H", period="1D").json()
    assert history["equity"][-1] == pytest.approx(float(account.equity), abs=0.01)


def test_what_is_out_of_the_money_expires(option_desk):
    client = option_desk.trading()
    client.submit_order(market(LOWER))
    option_desk.advance(to=EXPIRED)
    assert client.get_all_positions() == []
    rows = option_desk.get("/v2/account/activities/OPEXP").json()
    assert [(r["symbol"], r["qty"]) for r in rows] == [(LOWER, "-1")]
    expired = GetOptionContractsRequest(underlying_symbols=["NVDA"], status="inactive")
    assert [c.symbol for c in client.get_option_contracts(expired).option_contracts] == [LOWER]


def test_exercise_on_request_and_its_waiver(option_desk):
    client, deep = option_desk.trading(), "NVDA240110C00490000"
    client.submit_order(market(deep, 1))
    option_desk.advance(steps=2)
    waiver = option_desk.post(f"/v2/positions/{deep}/do-not-exercise", None)
    assert (waiver.status_code, waiver.json()["code"]) == (422, 42210000)
    client.exercise_options_position(deep)
    assert {p.symbol: p.qty for p in client.get_all_positions()} == {"NVDA": "100"}
    again = option_desk.post(f"/v2/positions/{deep}/exercise", None)
    assert (again.status_code, again.json()["code"]) == (403, 40310000)


def test_the_state_outlives_the_process(option_desk):
    client = option_desk.trading()
    client.submit_order(spread(1, 3.00))
    option_desk.advance(steps=2)
    client.submit_order(spread(1, 0.05))
    before = (client.get_account(), client.get_all_positions(), client.get_orders())
    option_desk.reload()
    assert (client.get_account(), client.get_all_positions(), client.get_orders()) == before
    option_desk.advance(to=EXPIRED)
    assert client.get_all_positions() == []


def test_quotes_trades_bars_and_snapshots_agree(option_desk):
    data = option_desk.options()
    quote = data.get_option_latest_quote(OptionLatestQuoteRequest(symbol_or_symbols=CALL))[CALL]
    trade = data.get_option_latest_trade(OptionLatestTradeRequest(symbol_or_symbols=CALL))[CALL]
    assert 0 < quote.bid_price < trade.price < quote.ask_price
    snapshot = data.get_option_snapshot(OptionSnapshotRequest(symbol_or_symbols=[CALL, PUT]))[CALL]
    assert snapshot.latest_quote.ask_price == quote.ask_price
    assert 0.05 < snapshot.implied_volatility < 2
    assert 0 < snapshot.greeks.delta < 1
    assert snapshot.greeks.theta < 0 < snapshot.greeks.gamma
    asked = OptionBarsRequest(symbol_or_symbols=CALL, timeframe=TimeFrame.Hour, start="2024-01-08")
    bars = data.get_option_bars(asked)[CALL]
    assert len(bars) >= 8
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)
    assert bars[-1].close == pytest.approx(trade.price, rel=0.05)
    trades = data.get_option_trades(OptionTradesRequest(symbol_or_symbols=CALL, start="2024-01-08"))[CALL]
    assert trades[-1].timestamp == trade.timestamp


def test_a_chain_is_filtered_and_paged(option_desk):
    asked = OptionChainRequest(
        underlying_symbol="NVDA", expiration_date="2024-01-10", strike_price_gte=500, strike_price_lte=520
    )
    chain = option_desk.options().get_option_chain(asked)
    assert len(chain) == 2 * 9
    deltas = [chain[f"NVDA240110C00{strike}000"].greeks.delta for strike in (500, 510, 520)]
    assert deltas == sorted(deltas, reverse=True)
    page = option_desk.get("/v1beta1/options/snapshots/NVDA", limit=5).json()
    assert len(page["snapshots"]) == 5
    following = option_desk.get(
        "/v1beta1/options/snapshots/NVDA", limit=5, page_token=page["next_page_token"]
    ).json()
    assert not page["snapshots"].keys() & following["snapshots"].keys()
    assert option_desk.options().get_option_exchange_codes() == {"X": "Ratchet paper exchange"}
    assert option_desk.get("/v1beta1/options/bars", symbols="NVDA", timeframe="1Hour").status_code == 400


def test_quotes_beside_the_bars_come_before_the_model(open_desk, tmp_path, paper_market):
    odd = "NVDA240110C00511000"
    lines = ["ts,symbol,expiry,type,strike,bid,ask,bid_size,ask_size"]
    lines += ["2024-01-09T16:29:00Z,NVDA,2024-01-10,call,511,4.1,4.3,7,9"]
    lines += ["2024-01-09T17:29:00Z,NVDA,2024-01-10,call,511,5.1,5.3,7,9"]
    (tmp_path / "option_quotes.csv").write_text("\n".join(lines))
    dataset = type("Folder", (), {"path": tmp_path})()
    desk = open_desk(load_option_quotes(dataset))
    asked = OptionLatestQuoteRequest(symbol_or_symbols=odd)
    quote = desk.options().get_option_latest_quote(asked)[odd]
    assert (quote.bid_price, quote.ask_price, quote.bid_size, quote.ask_size) == (4.1, 4.3, 7, 9)
    assert desk.trading().get_option_contract(odd).tradable
    order = desk.trading().submit_order(market(odd))
    desk.advance(steps=2)
    assert desk.trading().get_order_by_id(order.id).filled_avg_price == "4.3"


def test_the_option_stream_sends_what_was_asked_for(option_desk):
    url = option_desk.stream_url + "/v1beta1/indicative"
    stream = OptionDataStream(KEY, SECRET, url_override=url)
    received: list[Any] = []
    done = threading.Event()

    async def keep(message: Any) -> None:
        received.append(message)
        if len(received) == 2:
            done.set()

    stream.subscribe_quotes(keep, CALL)
    stream.subscribe_trades(keep, CALL)
    thread = threading.Thread(target=lambda: asyncio.run(stream._run_forever()), daemon=True)
    thread.start()
    deadline = threading.Event()
    while not done.is_set() and not deadline.wait(0.2):
        if option_desk.advance(steps=1)["steps"] == 0:
            break
    assert done.wait(10)
    stream.stop()
    thread.join(10)
    assert {type(message).__name__ for message in received[:2]} == {"Quote", "Trade"}
    assert {message.symbol for message in received} == {CALL}


def as_published(order: dict[str, Any]) -> dict[str, Any]:
    """Drop the empty strings of packages, which Alpaca sends and its published enums forgot."""
    shown = {key: value for key, value in order.items() if value != ""}
    if order["legs"]:
        shown["legs"] = [as_published({**leg, "type": order["type"]}) for leg in order["legs"]]
    return shown


@pytest.mark.skipif(not FILES.is_dir(), reason="needs Alpaca's OpenAPI files")
def test_replies_have_the_published_shape(option_desk):
    client = option_desk.trading()
    client.submit_order(spread(1, 3.00))
    client.submit_order(market(PUT))
    option_desk.advance(steps=2)
    client.submit_order(spread(1, 0.05))
    get = option_desk.get
    orders = get("/v2/orders", status="all").json()
    assert len(orders) == 3
    check([as_published(order) for order in orders], "Order", many=True)
    check(get("/v2/positions").json(), "Position", many=True)
    check(get("/v2/account").json(), "Account")
    contracts = get("/v2/options/contracts", underlying_symbols="NVDA", show_deliverables="true").json()
    check(contracts["option_contracts"], "OptionContract", many=True)
    check(get(f"/v2/options/contracts/{CALL}").json(), "OptionContract")
    option_desk.advance(to=EXPIRED)
    check(get("/v2/account/activities/FILL").json(), "TradingActivities", many=True)
    check(get("/v2/account/activities/OPEXC").json(), "NonTradeActivities", many=True)
    for path, schema in (
        (f"bars?symbols={CALL}&timeframe=1Hour&start=2024-01-08", "option_bars_resp"),
        (f"trades?symbols={CALL}&start=2024-01-08", "option_trades_resp"),
        ("quotes/latest?symbols=NVDA240112C00510000", "option_latest_quotes_resp"),
        ("trades/latest?symbols=NVDA240112C00510000", "option_latest_trades_resp"),
        ("snapshots?symbols=NVDA240112C00510000", "option_snapshots_resp"),
        ("snapshots/NVDA", "option_snapshots_resp"),
        ("meta/exchanges", "option_exchanges"),
        ("meta/conditions/trade", "option_conditions"),
    ):
        reply = get(f"/v1beta1/options/{path}").json()
        assert any(reply.values()), path
        check(reply, schema, "market-data-api")
    assert np.isfinite(float(client.get_account().equity))
