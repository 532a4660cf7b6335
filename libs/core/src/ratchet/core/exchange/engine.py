"""The paper exchange: one account, Alpaca's rules, matching on bars or quotes.

Orders submitted at t fill at the earliest on the asset's next bar. Everything is a function of the calls
made: no clock, no I/O, and chance only from a counted seed, so a replay and a backtest see the same
executions.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Self
from uuid import uuid5

import numpy as np

from ratchet.core.assets.types import Asset, AssetClass, Registry
from ratchet.core.exchange import (
    admission,
    amending,
    corporate,
    errors,
    hours,
    lifecycle,
    liquidation,
    persistence,
    reporting,
    rollover,
    shape,
)
from ratchet.core.exchange.actions import CorporateAction, schedule
from ratchet.core.exchange.config import ExchangeConfig
from ratchet.core.exchange.options import expiration, matching, placing
from ratchet.core.exchange.options.book import OptionBook
from ratchet.core.exchange.options.market import OptionMarket
from ratchet.core.exchange.options.requests import OptionOrderRequest
from ratchet.core.exchange.quoting import QuoteMatcher
from ratchet.core.exchange.settings import AccountSettings
from ratchet.core.exchange.simulation import BarMatcher
from ratchet.core.exchange.types import (
    Activity,
    Changes,
    ExchangeEvent,
    ExchangeOrder,
    ExchangeStatus,
    OrderRequest,
    ReplaceRequest,
)
from ratchet.core.exchange.venue import FillLimit, Venue
from ratchet.core.exchange.views import AccountView, HeldPosition
from ratchet.core.market.batch import BarBatch
from ratchet.core.market.quotes import QuoteBatch
from ratchet.core.orders.ids import NAMESPACE
from ratchet.core.orders.money import floor_to
from ratchet.core.orders.types import Side, TimeInForce


class Exchange:
    """One account's matching engine. Not thread-safe: the caller serialises calls.

    `is_known` looks a client order id up in the caller's durable store; without it all ids are remembered.
    With `track_changes` the caller must drain changes regularly, with `track_bookings` the bookings.
    """

    def __init__(
        self,
        registry: Registry,
        config: ExchangeConfig | None = None,
        account: str = "paper",
        *,
        is_known: Callable[[str], bool] | None = None,
        track_changes: bool = False,
        track_bookings: bool = False,
        option_market: OptionMarket | None = None,
    ) -> None:
        self._venue = Venue(
            registry, config or ExchangeConfig(), account, is_known, track_changes, option_market
        )
        if track_bookings:
            self._venue.bookings = []

    @property
    def config(self) -> ExchangeConfig:
        """The account's configuration."""
        return self._venue.config

    @property
    def ts(self) -> int:
        """Event time of the last bars seen (ns, UTC), 0 before the first."""
        return self._venue.ts

    def submit(self, request: OrderRequest, ts: int) -> ExchangeOrder:
        """Take an order at event time ts; OrderRejected says in Alpaca's words why not."""
        if self._venue.settings.suspend_trade:
            raise errors.forbidden("new orders are rejected by user request")
        return self._submit(request, ts)

    def submit_option(self, request: OptionOrderRequest, ts: int) -> ExchangeOrder:
        """Take an order in options, simple or a package; OrderRejected says in Alpaca's words why not."""
        if self._venue.settings.suspend_trade:
            raise errors.forbidden("new orders are rejected by user request")
        return placing.submit(self._venue, request, ts)

    def exercise(self, symbol: str, ts: int) -> None:
        """Exercise a long position in a contract at once; OrderRejected says why not."""
        expiration.exercise(self._venue, symbol, ts)

    def do_not_exercise(self, symbol: str, ts: int) -> None:
        """Let a long position that expires today expire; OrderRejected says why not."""
        expiration.do_not_exercise(self._venue, symbol, ts)

    @property
    def options(self) -> OptionBook:
        """The account's contracts and their quotes."""
        return self._venue.options

    def asset(self, asset_id: int) -> Asset:
        """Return an asset of the registry, or an option contract that was traded here."""
        return self._venue.asset(asset_id)

    def configure(self, settings: AccountSettings) -> None:
        """Set the account's own limits."""
        self._venue.settings = settings

    def on_corporate_actions(self, actions: Iterable[CorporateAction]) -> None:
        """Take all known corporate actions, in place of those given before.

        Each takes effect when the day of its ex-date begins in New York. They are not part of a snapshot:
        give them again after a restore.
        """
        self._venue.actions = schedule(actions)

    def _submit(self, request: OrderRequest, ts: int) -> ExchangeOrder:
        venue = self._venue
        if not 0 <= request.asset_id < len(venue.registry):
            raise errors.invalid(f"asset {request.asset_id} not found")
        asset = venue.asset(request.asset_id)
        if not venue.margin.day:
            rollover.roll(venue, ts)
        shape.check_shape(request, asset)
        hours.check_auction_window(asset, request.time_in_force, ts)
        if venue.book.is_used(request.client_order_id):
            raise errors.duplicate_client_order_id()
        order = lifecycle.new_order(venue, request, asset, ts)
        admission.check_bracket(venue, request, asset)
        admission.check_account(venue, order, asset)
        return lifecycle.place(venue, order, request)

    def cancel(self, order_id: str, ts: int) -> ExchangeOrder:
        """Cancel an order and its group; canceling a canceled one again succeeds, as at Alpaca.

        With latency it is `pending_cancel` until the request arrives, and can fill until then.
        """
        order = self._require(order_id)
        if order.ratio_qty:
            raise errors.unprocessable("legs of a mleg order cannot be canceled individually")
        return amending.cancel(self._venue, order, ts)

    def reject(self, order_id: str, ts: int) -> ExchangeOrder:
        """Turn away an open order that was taken, as venues do whose checks come late; its group ends too."""
        order = self._require(order_id)
        if not order.is_open:
            raise errors.unprocessable(f'order is already in "{order.status}" state')
        return lifecycle.close(self._venue, order, ExchangeStatus.REJECTED, ts)

    def limit_fills(self, limit: FillLimit | None) -> None:
        """Let the caller cut what a match may fill: a quantity in (0, what would be filled]; None ends it."""
        self._venue.fill_limit = limit

    def cancel_all(self, ts: int) -> list[ExchangeOrder]:
        """Cancel every open order; return the canceled ones."""
        canceled = []
        for order in self.open_orders():
            current = self._require(order.id)
            if current.is_open:
                amending.cancel(self._venue, current, ts)
            canceled.append(self._require(order.id))
        return canceled

    def replace(self, order_id: str, change: ReplaceRequest, ts: int) -> ExchangeOrder:
        """Replace a working order by a new one with a new id; the old one ends as replaced."""
        order = self._require(order_id)
        if self._venue.options.is_option(order.asset_id):
            return placing.replace_order(self._venue, order, change, ts)
        return amending.replace_order(self._venue, order, change, ts)

    def close_position(
        self,
        asset_id: int,
        ts: int,
        qty: Decimal | None = None,
        percentage: Decimal | None = None,
        client_order_id: str | None = None,
    ) -> ExchangeOrder:
        """Close a position at the market: all of it, a quantity, or a percentage in (0, 100]."""
        venue = self._venue
        position, asset = venue.position(asset_id), venue.asset(asset_id)
        if not position.qty:
            raise errors.not_found("position does not exist")
        if percentage is not None:
            lot = asset.qty_increment if position.qty > 0 else max(asset.qty_increment, Decimal(1))
            qty = floor_to(abs(position.qty) * percentage / 100, lot)
        if asset.asset_class is AssetClass.OPTION:
            return self._close_option(
                asset_id, ts, abs(position.qty) if qty is None else qty, client_order_id
            )
        crypto = asset.asset_class is AssetClass.CRYPTO
        fallback = str(uuid5(NAMESPACE, f"close|{venue.account}|{asset_id}|{ts}|{venue.seq}"))
        return self._submit(
            OrderRequest(
                client_order_id=client_order_id or fallback,
                asset_id=asset_id,
                side=Side.SELL if position.qty > 0 else Side.BUY,
                qty=abs(position.qty) if qty is None else qty,
                time_in_force=TimeInForce.GTC if crypto else TimeInForce.DAY,
            ),
            ts,
        )

    def _close_option(
        self, asset_id: int, ts: int, qty: Decimal, client_order_id: str | None
    ) -> ExchangeOrder:
        venue = self._venue
        fallback = str(uuid5(NAMESPACE, f"close|{venue.account}|{asset_id}|{ts}|{venue.seq}"))
        symbol = venue.asset(asset_id).symbol
        side = Side.SELL if venue.position(asset_id).qty > 0 else Side.BUY
        request = OptionOrderRequest(client_order_id or fallback, qty, symbol=symbol, side=side)
        return placing.submit(venue, request, ts)

    def on_bars(self, batches: Sequence[BarBatch]) -> list[ExchangeEvent]:
        """Match working orders against the bars of one step; return all events since the last drain.

        A batch holds an asset at most once, and batches of one step share their event time.
        """
        venue = self._venue
        if batches:
            self._begin(batches[0].ts)
        venue.mark(batches)
        if venue.config.matching == "bars":
            self._match(batches)
            matching.match_bars(venue, batches)
        return self._finish()

    def on_quotes(self, batches: Sequence[QuoteBatch]) -> list[ExchangeEvent]:
        """Match working orders against quotes of one event time; return all events since the last drain.

        With `matching: bars` they only move marks.
        """
        venue = self._venue
        if batches:
            self._begin(batches[0].ts)
        venue.mark_quotes(batches)
        if venue.config.matching == "quotes" and len(venue.book):
            self._match_quotes(batches)
            matching.match_marks(venue, venue.ts)
        return self._finish()

    def _begin(self, ts: int) -> None:
        """Carry out what was due before the new marks."""
        expiration.settle_before(self._venue, ts)
        if ts > self._venue.day_ends:
            rollover.roll(self._venue, ts)
        if self._venue.book.has_pending:
            # Within the bar that is being matched counts as before it, since its path is unknown.
            amending.take_effect(self._venue, ts)

    def _finish(self) -> list[ExchangeEvent]:
        venue = self._venue
        if len(venue.book):
            lifecycle.expire_due(venue, venue.ts)
        expiration.on_marks(venue, venue.ts)
        liquidation.watch(venue, venue.ts)
        return self.drain_events()

    def mark(self, batches: Sequence[BarBatch]) -> None:
        """Take marks from bars without matching, as after a restore from rows.

        Bars of before a split that has taken effect count in the shares of after it, if the corporate actions
        are known by now.
        """
        self._venue.mark(batches)
        for batch in batches:
            corporate.adjust_marks(self._venue, batch.asset_ids.tolist(), batch.ts)

    def drain_events(self) -> list[ExchangeEvent]:
        """Return events since the last drain, oldest first, and forget them."""
        events, self._venue.events = self._venue.events, []
        return events

    def _match_quotes(self, batches: Sequence[QuoteBatch]) -> None:
        for batch in batches:
            for row, asset_id in enumerate(batch.asset_ids.tolist()):
                if self._venue.book.has_working(asset_id):
                    QuoteMatcher(self._venue, self._venue.asset(asset_id), batch, row).run()

    def _match(self, batches: Sequence[BarBatch]) -> None:
        if not len(self._venue.book):
            return
        wanted = np.fromiter(sorted(self._venue.book.working_assets()), dtype=np.int64)
        for batch in batches:
            rows = np.searchsorted(batch.asset_ids, wanted)
            for asset_id, row in zip(wanted.tolist(), rows.tolist(), strict=True):
                if row < len(batch) and int(batch.asset_ids[row]) == asset_id:
                    BarMatcher(self._venue, self._venue.asset(asset_id), batch, row).run()

    def order(self, order_id: str) -> ExchangeOrder | None:
        """Return an order that is open or among the kept closed ones."""
        return self._venue.book.get(order_id)

    def order_by_client_id(self, client_order_id: str) -> ExchangeOrder | None:
        """Return an order by its client's id, if it is open or among the kept closed ones."""
        return self._venue.book.by_client_order_id(client_order_id)

    def open_orders(self) -> list[ExchangeOrder]:
        """Return open orders, held legs included, oldest first."""
        return list(self._venue.book.open_orders())

    def account(self) -> AccountView:
        """Return the account at the last marks."""
        return reporting.account_view(self._venue)

    def position(self, asset_id: int) -> HeldPosition | None:
        """Return the position in an asset, None when flat."""
        return reporting.held_position(self._venue, asset_id)

    def positions(self) -> list[HeldPosition]:
        """Return open positions in asset order."""
        held = (self.position(asset_id) for asset_id in sorted(self._venue.positions))
        return [position for position in held if position is not None]

    def snapshot(self) -> dict[str, Any]:
        """Return the whole state as a JSON-able dict."""
        return persistence.snapshot(self._venue)

    def drain_bookings(self) -> list[Activity]:
        """Return what was booked since the last call that stems from no order; empty without track_bookings.

        That is interest and borrow fees, dividends, splits, and what becomes of options.
        """
        found = self._venue.bookings
        if found:
            self._venue.bookings = []
        return found or []

    def drain_changes(self) -> Changes:
        """Return the rows changed since the last call; empty without track_changes."""
        return persistence.drain_changes(self._venue)

    @classmethod
    def restore(
        cls,
        registry: Registry,
        config: ExchangeConfig,
        state: dict[str, Any],
        *,
        is_known: Callable[[str], bool] | None = None,
        track_changes: bool = False,
        option_market: OptionMarket | None = None,
    ) -> Self:
        """Rebuild an exchange from `snapshot()`, or from stored rows under the same keys.

        Rows carry no marks: after a restore from rows call `mark` with each asset's last bar.
        """
        exchange = cls(
            registry,
            config,
            str(state["account"]["account"]),
            is_known=is_known,
            track_changes=track_changes,
            option_market=option_market,
        )
        persistence.load(exchange._venue, state)
        return exchange

    def _require(self, order_id: str) -> ExchangeOrder:
        order = self._venue.book.get(order_id)
        if order is None:
            raise errors.not_found(f"order not found for {order_id}")
        return order
