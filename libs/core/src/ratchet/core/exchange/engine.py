"""The paper exchange: one account, Alpaca's rules, matching on bars.

Orders submitted at t fill at the earliest on the asset's next bar. Everything is a function of the calls
made: no clock, no chance, no I/O, so a replay and a backtest see the same executions.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Self
from uuid import UUID, uuid5

import numpy as np

from ratchet.core.assets.types import AssetClass, Registry
from ratchet.core.exchange import admission, errors, lifecycle, persistence
from ratchet.core.exchange.config import ExchangeConfig
from ratchet.core.exchange.simulation import BarMatcher
from ratchet.core.exchange.types import (
    AccountView,
    Changes,
    ExchangeEvent,
    ExchangeOrder,
    ExchangeStatus,
    HeldPosition,
    OrderRequest,
    ReplaceRequest,
)
from ratchet.core.exchange.venue import Venue
from ratchet.core.market.batch import BarBatch
from ratchet.core.orders.ids import NAMESPACE, exchange_order_id
from ratchet.core.orders.money import ZERO, floor_to
from ratchet.core.orders.types import Side, TimeInForce


class Exchange:
    """One account's matching engine. Not thread-safe: the caller serialises calls.

    `is_known` looks a client order id up in the caller's durable store; without it all ids are remembered.
    With `track_changes` the caller must drain changes regularly.
    """

    def __init__(
        self,
        registry: Registry,
        config: ExchangeConfig | None = None,
        account: str = "paper",
        *,
        is_known: Callable[[str], bool] | None = None,
        track_changes: bool = False,
    ) -> None:
        self._venue = Venue(registry, config or ExchangeConfig(), account, is_known, track_changes)

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
        venue = self._venue
        if not 0 <= request.asset_id < len(venue.registry):
            raise errors.invalid(f"asset {request.asset_id} not found")
        asset = venue.asset(request.asset_id)
        admission.check_shape(request, asset)
        if venue.book.is_used(request.client_order_id):
            raise errors.duplicate_client_order_id()
        order = lifecycle.new_order(venue, request, asset, ts)
        admission.check_bracket(venue, request, asset)
        admission.check_account(venue, order, asset)
        return lifecycle.place(venue, order, request)

    def cancel(self, order_id: str, ts: int) -> ExchangeOrder:
        """Cancel an order and its group; canceling a canceled one again succeeds, as at Alpaca."""
        order = self._require(order_id)
        if order.is_open:
            return lifecycle.close(self._venue, order, ExchangeStatus.CANCELED, ts)
        if order.status is ExchangeStatus.CANCELED:
            return order
        raise errors.unprocessable(f'order is already in "{order.status}" state')

    def cancel_all(self, ts: int) -> list[ExchangeOrder]:
        """Cancel every open order; return the canceled ones."""
        canceled = []
        for order in self.open_orders():
            current = self._require(order.id)
            if current.is_open:
                lifecycle.close(self._venue, current, ExchangeStatus.CANCELED, ts)
            canceled.append(self._require(order.id))
        return canceled

    def replace(self, order_id: str, change: ReplaceRequest, ts: int) -> ExchangeOrder:
        """Replace a working order by a new one with a new id; the old one ends as replaced."""
        venue, old = self._venue, self._require(order_id)
        asset = venue.asset(old.asset_id)
        new = self._replacement(old, change, ts)
        admission.check_price(asset, "limit_price", change.limit_price)
        admission.check_price(asset, "stop_price", change.stop_price)
        funds = admission.buying_power(venue) + old.reserve
        held_back = old.remaining_qty if old.side is Side.SELL and old.is_working else ZERO
        admission.check_funds(venue, new, asset, funds, venue.available_qty(asset.id) + held_back)
        return lifecycle.supersede(venue, old, new, ts)

    def close_position(
        self,
        asset_id: int,
        ts: int,
        qty: Decimal | None = None,
        percentage: Decimal | None = None,
        client_order_id: str | None = None,
    ) -> ExchangeOrder:
        """Sell a position at the market: all of it, a quantity, or a percentage in (0, 100]."""
        venue = self._venue
        position, asset = venue.position(asset_id), venue.asset(asset_id)
        if not position.qty:
            raise errors.not_found("position does not exist")
        if percentage is not None:
            qty = floor_to(position.qty * percentage / 100, asset.qty_increment)
        crypto = asset.asset_class is AssetClass.CRYPTO
        fallback = str(uuid5(NAMESPACE, f"close|{venue.account}|{asset_id}|{ts}|{venue.seq}"))
        return self.submit(
            OrderRequest(
                client_order_id=client_order_id or fallback,
                asset_id=asset_id,
                side=Side.SELL,
                qty=position.qty if qty is None else qty,
                time_in_force=TimeInForce.GTC if crypto else TimeInForce.DAY,
            ),
            ts,
        )

    def on_bars(self, batches: Sequence[BarBatch]) -> list[ExchangeEvent]:
        """Match working orders against the bars of one step; return all events since the last drain.

        A batch holds an asset at most once, and batches of one step share their event time.
        """
        venue = self._venue
        venue.mark(batches)
        if len(venue.book):
            self._match(batches)
            lifecycle.expire_due(venue, venue.ts)
        return self.drain_events()

    def mark(self, batches: Sequence[BarBatch]) -> None:
        """Take marks from bars without matching, as after a restore from rows."""
        self._venue.mark(batches)

    def drain_events(self) -> list[ExchangeEvent]:
        """Return events since the last drain, oldest first, and forget them."""
        events, self._venue.events = self._venue.events, []
        return events

    def _match(self, batches: Sequence[BarBatch]) -> None:
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
        venue = self._venue
        value = venue.market_value()
        return AccountView(
            account=venue.account,
            cash=venue.cash,
            equity=venue.cash + value,
            buying_power=admission.buying_power(venue),
            long_market_value=value,
            accrued_fees=venue.fees_paid,
            position_count=len(venue.positions),
        )

    def position(self, asset_id: int) -> HeldPosition | None:
        """Return the position in an asset, None when flat."""
        venue, position = self._venue, self._venue.positions.get(asset_id)
        if position is None:
            return None
        return HeldPosition(
            asset_id=asset_id,
            qty=position.qty,
            qty_available=venue.available_qty(asset_id),
            avg_entry_price=position.avg_entry_price,
            cost_basis=position.cost,
            mark=venue.mark_price(asset_id) or position.avg_entry_price,
            mark_ts=int(venue.mark_ts[asset_id]),
            opened_ts=position.opened_ts,
        )

    def positions(self) -> list[HeldPosition]:
        """Return open positions in asset order."""
        held = (self.position(asset_id) for asset_id in sorted(self._venue.positions))
        return [position for position in held if position is not None]

    def snapshot(self) -> dict[str, Any]:
        """Return the whole state as a JSON-able dict."""
        return persistence.snapshot(self._venue)

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
    ) -> Self:
        """Rebuild an exchange from `snapshot()`, or from stored rows under the same keys.

        Rows carry no marks: after a restore from rows call `mark` with each asset's last bar.
        """
        exchange = cls(
            registry, config, str(state["account"]["account"]), is_known=is_known, track_changes=track_changes
        )
        persistence.load(exchange._venue, state)
        return exchange

    def _require(self, order_id: str) -> ExchangeOrder:
        order = self._venue.book.get(order_id)
        if order is None:
            raise errors.not_found(f"order not found for {order_id}")
        return order

    def _replacement(self, old: ExchangeOrder, change: ReplaceRequest, ts: int) -> ExchangeOrder:
        if old.status not in {ExchangeStatus.NEW, ExchangeStatus.PARTIALLY_FILLED} or old.qty is None:
            raise errors.unprocessable(f"cannot replace order in {old.status} status")
        client_order_id = change.client_order_id or str(uuid5(UUID(old.id), "replace"))
        if self._venue.book.is_used(client_order_id):
            raise errors.duplicate_client_order_id()
        if change.qty is not None and change.qty <= old.filled_qty:
            raise errors.unprocessable("qty must be > filled_qty")
        tif = change.time_in_force or old.time_in_force
        asset = self._venue.asset(old.asset_id)
        limit = change.limit_price if change.limit_price is not None else old.limit_price
        new = replace(
            old,
            qty=change.qty if change.qty is not None else old.qty,
            limit_price=limit,
            stop_price=change.stop_price if change.stop_price is not None else old.stop_price,
            time_in_force=tif,
        )
        if new == old:
            raise errors.unprocessable("order parameters are not changed")
        return replace(
            new,
            id=exchange_order_id(self._venue.account, client_order_id),
            client_order_id=client_order_id,
            unit_reserve=limit if limit is not None else old.unit_reserve,
            created_ts=ts,
            updated_ts=ts,
            expires_ts=lifecycle.expiry(self._venue, asset, tif, ts),
            replaces=old.id,
            rested=False,
        )
