"""The forex venue of a backtest: sends orders to it, and books what its journal tells, as execution does."""

from collections.abc import Sequence
from decimal import Decimal

from ratchet.core.assets import Registry
from ratchet.core.backtest.journal import Journal
from ratchet.core.fx import (
    FxConfig,
    FxExchange,
    FxOrderRequest,
    FxTimeInForce,
    OrderKind,
    Transaction,
)
from ratchet.core.fx.routing import client_order_id_of, ending_of, position_fill_of, time_in_force_of
from ratchet.core.market import BarBatch
from ratchet.core.orders import (
    Intent,
    Order,
    OrderEventKind,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Side,
    TimeInForce,
)
from ratchet.core.trader import TradingSession

_KINDS = {
    OrderType.MARKET: OrderKind.MARKET,
    OrderType.LIMIT: OrderKind.LIMIT,
    OrderType.STOP: OrderKind.STOP,
}
_ENDS = {
    OrderStatus.CANCELED: OrderEventKind.CANCELED,
    OrderStatus.EXPIRED: OrderEventKind.EXPIRED,
    OrderStatus.REJECTED: OrderEventKind.REJECTED,
    OrderStatus.REPLACED: OrderEventKind.REPLACED,
}


class ForexDesk:
    """One account at the forex venue, with the session and journal of the run."""

    def __init__(
        self, registry: Registry, config: FxConfig, session: TradingSession, journal: Journal
    ) -> None:
        self.exchange = FxExchange(registry, config)
        self._account = self.exchange.book.account
        self._session = session
        self._journal = journal

    def match(self, bars: Sequence[BarBatch]) -> list[Transaction]:
        """Match the bars of a step; what happened is booked by `book`."""
        return self.exchange.on_bars(bars)

    def submit(self, order: Order, ts: int) -> None:
        """Send an order and take the venue's answer."""
        news = self._answer(order, ts)
        self.exchange.drain_events()
        self._journal.note_order(self._session.on_update(order.client_order_id, news))

    def cancel(self, order: Order, ts: int) -> None:
        """Take an order back, and book its end."""
        self.exchange.cancel(order.broker_order_id, ts)
        self.book(self.exchange.drain_events())

    def book(self, entries: Sequence[Transaction]) -> None:
        """Book the venue's journal, oldest first."""
        for entry in entries:
            if entry.type == "DAILY_FINANCING":
                self._finance(entry)
            elif entry.type == "ORDER_FILL":
                self._fill(entry)
            elif entry.type == "ORDER_CANCEL":
                self._end(entry)
            elif entry.type.endswith("_ORDER"):
                self._adopt(entry)

    def _answer(self, order: Order, ts: int) -> OrderUpdate:
        kind, tif = _KINDS.get(order.type), time_in_force_of(order.type, order.time_in_force)
        instrument = self.exchange.instruments.of_asset(order.asset_id)
        if kind is None or tif is None or instrument is None:
            return OrderUpdate(OrderEventKind.REJECTED, ts, reason="ORDER_TYPE_UNSUPPORTED")
        outcome = self.exchange.submit(
            FxOrderRequest(
                kind,
                instrument.name,
                order.side.sign * order.qty,
                price=order.limit_price if order.type is OrderType.LIMIT else order.stop_price,
                time_in_force=tif,
                position_fill=position_fill_of(order.intent),
                extensions={"id": order.client_order_id},
            ),
            ts,
        )
        if outcome.rejected is not None or outcome.order is None:
            return OrderUpdate(OrderEventKind.REJECTED, ts, reason=str(outcome.rejected))
        cancelled = outcome.first("ORDER_CANCEL")
        if cancelled is not None:
            reason = str(cancelled.body["reason"])
            end = _ENDS[ending_of(reason)]
            return OrderUpdate(end, ts, reason=reason if end is OrderEventKind.REJECTED else "")
        return OrderUpdate(OrderEventKind.ACCEPTED, ts, broker_order_id=str(outcome.order.id))

    def _fill(self, entry: Transaction) -> None:
        body = entry.body
        qty = abs(Decimal(body["units"]))
        booked = self._session.on_fill(
            self._client_id(entry),
            f"{self._account}-{entry.id}",
            qty,
            Decimal(body["price"]),
            qty,
            entry.ts,
            pl=Decimal(body["pl"]),
        )
        self._journal.note_fill(*booked)

    def _end(self, entry: Transaction) -> None:
        key = self._client_id(entry)
        if self._session.order(key) is not None:
            news = OrderUpdate(_ENDS[ending_of(str(entry.body["reason"]))], entry.ts)
            self._journal.note_order(self._session.on_update(key, news))

    def _adopt(self, entry: Transaction) -> None:
        """Follow an order of the venue's own, such as the close-out of a margin call."""
        body, units = entry.body, Decimal(entry.body.get("units", "0"))
        instrument = self.exchange.instruments.get(str(body.get("instrument", "")))
        given = (body.get("clientExtensions") or {}).get("id")
        key = client_order_id_of(given, self._account, str(entry.id))
        if not units or instrument is None or self._session.order(key) is not None:
            return
        order = Order(
            client_order_id=key,
            asset_id=instrument.asset_id,
            side=Side.BUY if units > 0 else Side.SELL,
            qty=abs(units),
            intent=Intent.EXTERNAL,
            created_ts=entry.ts,
            updated_ts=entry.ts,
            time_in_force=_immediate(str(body["timeInForce"])),
            status=OrderStatus.ACCEPTED,
            broker_order_id=str(entry.id),
            reason="EXTERNAL",
        )
        self._session.adopt(order)
        self._journal.note_order(order)

    def _finance(self, entry: Transaction) -> None:
        for row in entry.body["positionFinancings"]:
            instrument = self.exchange.instruments[str(row["instrument"])]
            amount = Decimal(row["financing"])
            if amount:
                self._session.portfolio.book_cash(amount, instrument.asset_id)

    def _client_id(self, entry: Transaction) -> str:
        return client_order_id_of(entry.body.get("clientOrderID"), self._account, str(entry.body["orderID"]))


def _immediate(text: str) -> TimeInForce:
    return TimeInForce.IOC if text == FxTimeInForce.IOC.value else TimeInForce.FOK
