"""The venue around one account: every change is committed before anyone hears of it."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID, uuid5

import numpy as np

from ratchet.common import metrics
from ratchet.common.errors import DatabaseUnavailableError
from ratchet.core.assets import Asset, Registry
from ratchet.core.exchange import (
    Changes,
    CorporateAction,
    Exchange,
    ExchangeConfig,
    ExchangeEvent,
    ExchangeOrder,
    ExchangeStatus,
    OrderRejected,
    OrderRequest,
    ReplaceRequest,
)
from ratchet.core.exchange.errors import duplicate_client_order_id
from ratchet.core.market import BarBatch
from ratchet.core.orders.ids import NAMESPACE
from ratchet.core.portfolio.activities import REPLAYED_TYPES, told_type
from ratchet.paper_exchange.accounts.book import DEFAULT, Accounts
from ratchet.paper_exchange.auth import Credentials
from ratchet.paper_exchange.bars.history import BarHistory, last_batches
from ratchet.paper_exchange.bars.query import MarketData
from ratchet.paper_exchange.equity import EquityPast
from ratchet.paper_exchange.errors import ApiError, KnownIdError, NotFoundError, UnprocessableError
from ratchet.paper_exchange.faults.account import AccountFaults
from ratchet.paper_exchange.faults.board import FaultBoard
from ratchet.paper_exchange.options.desk import OptionDesk
from ratchet.paper_exchange.options.recorded import RecordedQuotes
from ratchet.paper_exchange.store import WAIT_S, Place, Store
from ratchet.paper_exchange.streams.feed import Feed
from ratchet.paper_exchange.streams.hub import Hub
from ratchet.paper_exchange.wire.account import settings_of
from ratchet.paper_exchange.wire.assets import Listing
from ratchet.paper_exchange.wire.orders import update_json

R = TypeVar("R")
HistoryOf = Callable[[Callable[[], int]], BarHistory]


class PaperVenue:
    """One account's exchange, its durable rows, its clock and its listeners; safe for threads.

    An exchange's own account leads: its `followers` are matched with it at each step, before it, so that a
    step that it has committed is one that all have. Market data streams and faults are shared.

    State in memory is rebuilt from the rows whenever a commit did not certainly succeed, or the server may
    have lost it since, so that both never differ.
    """

    def __init__(
        self,
        registry: Registry,
        config: ExchangeConfig,
        account: str,
        credentials: Credentials,
        store: Store,
        history_of: HistoryOf,
        *,
        own: "PaperVenue | None" = None,
        label: str = DEFAULT,
        option_quotes: RecordedQuotes | None = None,
    ) -> None:
        """`own` is the exchange's own account, None for itself; `label` what people call this one."""
        self.registry = registry
        self.config = config
        self.account = account
        self.credentials = credentials
        self.store = store
        self.label = label
        self.followers: tuple[PaperVenue, ...] = ()
        self.listing: Listing = own.listing if own else Listing(registry)
        self.faults: FaultBoard = own.faults if own else FaultBoard()
        self._befalls = AccountFaults(self.faults, label, self.asset)
        self.trade_hub = Hub(self._befalls.deliveries)
        self.stock_hub: Hub = own.stock_hub if own else Hub()
        self.crypto_hub: Hub = own.crypto_hub if own else Hub()
        self.account_id = str(uuid5(NAMESPACE, f"account|{account}"))
        self.configuration: dict[str, Any] = {}
        self.corporate_actions: tuple[CorporateAction, ...] = ()
        self.created_ns = 0
        self.activities_ts = 0
        self.place = Place()
        self.history = history_of(lambda: self.place.clock)
        self.data = MarketData(self.history, self.half_spread)
        self.stock_feed, self.crypto_feed = (
            Feed(hub, self.listing, self.data, self.half_spread, crypto=crypto)
            for hub, crypto in ((self.stock_hub, False), (self.crypto_hub, True))
        )
        self.options: OptionDesk = OptionDesk(
            self, own.options if own else None, option_quotes or RecordedQuotes()
        )
        self.past = EquityPast(store, self.history, config.starting_cash, self.options.value)
        self._history_of = history_of
        self._own = own
        self.accounts: Accounts = own.accounts if own else Accounts(self, store.accounts())
        # When each asset's last bar ended.
        self._seen = np.zeros(len(registry), dtype=np.int64)
        self._lock = threading.RLock()
        self._stale = True
        # The client_order_id of the order that is being placed.
        self._placing = ""
        self._are_others_loaded = own is not None
        self._exchange = self._new_exchange()

    @property
    def now(self) -> int:
        """The simulated time in ns UTC."""
        return self.place.clock

    def half_spread(self, asset: Asset) -> float:
        """Return half the quoted spread of an asset as a fraction of its price."""
        return float(self.config.half_spread(asset.asset_class))

    @contextmanager
    def exchange(self) -> Iterator[Exchange]:
        """Lock and yield the exchange as it is durable."""
        with self._lock:
            self._stale = self._stale or self.store.is_behind
            if self._stale:
                self.reload(self.place)
            yield self._exchange

    @contextmanager
    def at_once(self) -> Iterator[bool]:
        """Yield whether the exchange is free and as it is durable, and if so, keep it: nobody has to wait."""
        is_free = self._lock.acquire(blocking=False)
        try:
            yield is_free and not self._stale and not self.store.is_behind
        finally:
            if is_free:
                self._lock.release()

    def reload(self, announced: Place | None = None) -> Place:
        """Rebuild everything from the rows, or create the account if there is none.

        `announced` is a later place that was reached by steps which changed nothing.
        """
        with self._lock:
            stored = self.store.load(self.config.closed_orders_kept)
            place = Place() if stored is None else stored.place
            if stored is None:
                self._exchange = self._new_exchange()
                self.store.create(self._exchange.snapshot()["account"], self.config.starting_cash, place)
            else:
                self.created_ns = stored.created_ns
                self.configuration = stored.configuration
                cash = stored.starting_cash
                self.past = EquityPast(self.store, self.history, cash, self.options.value)
                self._exchange = self._restored(stored.state)
            self._exchange.configure(settings_of(self.configuration))
            self._exchange.on_corporate_actions(self.corporate_actions)
            if announced is not None:
                # Numbers of updates that were told and are lost are not used again.
                told = max(announced.trade_updates, place.trade_updates)
                step, clock = max((announced.step_seq, announced.clock), (place.step_seq, place.clock))
                place = Place(step, clock, told)
            self.place = place
            # Perhaps nothing was booked then, but the reader of this may have missed what was.
            self.activities_ts = place.clock
            self._seen[:] = 0
            if place.clock:
                marks = last_batches(self.history, self.registry)
                self._note(marks)
                for batch in marks:
                    self._exchange.mark([batch])
            self._stale = False
            if not self._are_others_loaded:
                self.accounts.load()
                self._are_others_loaded = True
            return self.place

    def follow(self, account: str, label: str) -> "PaperVenue":
        """Return a further account, which is matched with this one from now on."""
        store = self.store.further(account, label)
        venue = PaperVenue(
            self.registry,
            self.config,
            account,
            self.credentials,
            store,
            self._history_of,
            own=self,
            label=label,
        )
        venue.corporate_actions = self.corporate_actions
        self.followers = (*self.followers, venue)
        return venue

    def unfollow(self, venue: "PaperVenue") -> None:
        """Match an account no longer."""
        with self._lock:
            self.followers = tuple(other for other in self.followers if other is not venue)

    def open_account(self, label: str, cash: Decimal | None) -> "PaperVenue":
        """Make a further account at this one's place; it is durable when this returns."""
        with self.exchange():
            account = f"{self.account}/{label}"
            place = replace(self.place, trade_updates=0)
            row = Exchange(self.registry, _with_cash(self.config, cash), account).snapshot()["account"]
            self.store.further(account, label).create(row, cash or self.config.starting_cash, place)
            venue = self.follow(account, label)
            venue.reload(place)
            return venue

    def reset(self, cash: Decimal | None) -> None:
        """Forget orders, positions and history, durably, and begin anew at the present place."""
        with self.exchange():
            starting = cash or self.past.starting_cash
            place = replace(self.place, trade_updates=0)
            row = Exchange(self.registry, _with_cash(self.config, starting), self.account).snapshot()[
                "account"
            ]
            self._stale = True
            self.store.reset(row, starting, place)
            self.reload(place)

    def submit(self, request: OrderRequest) -> ExchangeOrder:
        """Take an order; it is durable when this returns. OrderRejected or ForbiddenError say why not."""
        return self.place_by(request.client_order_id, lambda exchange: exchange.submit(request, self.now))

    def place_by(self, client_order_id: str, action: Callable[[Exchange], ExchangeOrder]) -> ExchangeOrder:
        """Take an order by an action of the exchange; it is durable when this returns.

        Whether its id was used by an order that memory has forgotten, the rows say when it is written, or
        are asked when it is refused for something else.
        """
        with self.exchange() as exchange:
            self._placing = client_order_id
            try:
                order = self.change(lambda: action(exchange))
            except DatabaseUnavailableError:
                settled = self.order_by_client_id(client_order_id)
                if settled is None:
                    raise
                order = settled
            except KnownIdError as error:
                raise duplicate_client_order_id() from error
            except (OrderRejected, ApiError) as error:
                if self.store.is_known(client_order_id):
                    raise duplicate_client_order_id() from error
                raise
            finally:
                self._placing = ""
            metrics.EXCHANGE_ORDERS_TOTAL.labels(order.status.value).inc()
            if self._befalls.rejects(order):
                self.change(lambda: exchange.reject(order.id, self.now))
            return order

    def replace(self, order_id: str, change: ReplaceRequest) -> ExchangeOrder:
        """Replace an order; durable when this returns."""
        with self.exchange() as exchange:
            self._require_kept(order_id, "cannot replace order in {} status")
            return self.change(lambda: exchange.replace(order_id, change, self.now))

    def cancel(self, order_id: str) -> None:
        """Cancel an order; durable when this returns."""
        with self.exchange() as exchange:
            if self._require_kept(order_id, 'order is already in "{}" state'):
                self.change(lambda: exchange.cancel(order_id, self.now))

    def cancel_all(self) -> list[ExchangeOrder]:
        """Cancel every open order; durable when this returns."""
        with self.exchange() as exchange:
            return self.change(lambda: exchange.cancel_all(self.now))

    def close_position(
        self, asset: Asset, qty: Decimal | None = None, percentage: Decimal | None = None
    ) -> ExchangeOrder:
        """Close a position at the market; the order is durable when this returns."""
        with self.exchange() as exchange:
            return self.change(lambda: exchange.close_position(asset.id, self.now, qty, percentage))

    def asset(self, asset_id: int) -> Asset:
        """Return an asset of the registry, or an option contract that was traded here."""
        if asset_id < len(self.registry):
            return self.registry[asset_id]
        with self.exchange() as exchange:
            return exchange.asset(asset_id)

    def order(self, order_id: str) -> ExchangeOrder | None:
        """Return an order by id, however old."""
        with self.exchange() as exchange:
            kept = exchange.order(order_id)
        if kept is not None:
            return kept
        return self.store.order("order_id", order_id) if _is_uuid(order_id) else None

    def order_by_client_id(self, client_order_id: str) -> ExchangeOrder | None:
        """Return an order by its client's id, however old."""
        with self.exchange() as exchange:
            kept = exchange.order_by_client_id(client_order_id)
        return kept or self.store.order("client_order_id", client_order_id)

    def configure(self, changes: dict[str, Any]) -> None:
        """Change the account's configuration durably."""
        with self.exchange():
            configuration = {**self.configuration, **changes}
            self.store.configure(configuration)
            self.configuration = configuration
            self._exchange.configure(settings_of(configuration))

    def step(self, batches: Sequence[BarBatch], seq: int, wait_s: float | None = None) -> list[ExchangeEvent]:
        """Match one step's bars and advance the clock; return what happened to orders, already durable.

        The followers are matched first, and their events returned too. Nothing is written for a step that
        changes nothing, except the first. DatabaseUnavailableError: the step did not happen, or its outcome
        is unknown; `place` after `reload` tells.
        """
        with self.exchange() as exchange:
            others: list[ExchangeEvent] = []
            for venue in self.followers:
                others += (venue.step_once if seq else venue.step)(batches, seq, wait_s)
            ts = batches[0].ts
            try:
                events = exchange.on_bars(batches if seq else [self._unseen(batch) for batch in batches])
                place = Place(seq, max(ts, self.now), self.place.trade_updates + len(events))
                changes = exchange.drain_changes()
                if any(_is_replayed(row) for row in changes.activities):
                    self.activities_ts = ts
                if changes or events or not self.created_ns:
                    self._commit(changes, events, place, wait_s)
                else:
                    self.place = place
            except BaseException:
                self._stale = True
                raise
            self._note(batches)
            if self._own is None:
                self.stock_feed.publish(batches)
                self.crypto_feed.publish(batches)
                self.options.feed.publish(batches)
            return others + events

    def step_once(
        self, batches: Sequence[BarBatch], seq: int, wait_s: float | None = WAIT_S
    ) -> list[ExchangeEvent]:
        """Like `step`, but nothing for a step that is durable already."""
        with self.exchange():
            return [] if seq <= self.place.step_seq else self.step(batches, seq, wait_s)

    def wait_for_listeners(self) -> None:
        """Let stream clients that lag behind catch up, unless they do not read at all."""
        trades = (venue.trade_hub for venue in (self, *self.followers))
        for hub in (*trades, self.stock_hub, self.crypto_hub, self.options.feed.hub):
            hub.wait_for_room()

    def set_clock(self, clock: int) -> None:
        """Move the clock forward between bars, durably, for the followers too."""
        with self.exchange():
            for venue in self.followers:
                venue.set_clock(clock)
            place = Place(self.place.step_seq, max(clock, self.now), self.place.trade_updates)
            self._commit(Changes(), [], place, WAIT_S)

    def change(self, action: Callable[[], R]) -> R:
        """Run one change of the exchange and commit it; a refused one leaves no trace."""
        result = action()
        events = self._exchange.drain_events()
        place = Place(self.place.step_seq, self.now, self.place.trade_updates + len(events))
        try:
            self._commit(self._exchange.drain_changes(), events, place, WAIT_S, is_step=False)
        except BaseException:
            self._stale = True
            raise
        return result

    def _commit(
        self,
        changes: Changes,
        events: Sequence[ExchangeEvent],
        place: Place,
        wait_s: float | None,
        *,
        is_step: bool = True,
    ) -> None:
        first = place.trade_updates - len(events) + 1
        updates = [self._update(number, event) for number, event in enumerate(events, start=first)]
        self.store.commit(changes, place, updates, wait_s, is_step=is_step, placing=self._placing)
        self.place = place
        self.created_ns = self.created_ns or place.clock
        metrics.EXCHANGE_FILLS_TOTAL.inc(sum(event.is_execution for event in events))
        if updates:
            self.trade_hub.publish([update["data"] for update in updates])

    def _update(self, number: int, event: ExchangeEvent) -> dict[str, Any]:
        data = update_json(event, self._exchange.asset, self._exchange.order)
        return {"ts": event.ts, "data": {**data, "sequence": number}}

    def _note(self, batches: Sequence[BarBatch]) -> None:
        for batch in batches:
            self._seen[batch.asset_ids] = batch.ts

    def _unseen(self, batch: BarBatch) -> BarBatch:
        """Return the bars that were not matched yet: without step numbers, an entry may come twice."""
        rows = self._seen[batch.asset_ids] < batch.ts
        return replace(
            batch,
            asset_ids=batch.asset_ids[rows],
            open=batch.open[rows],
            high=batch.high[rows],
            low=batch.low[rows],
            close=batch.close[rows],
            volume=batch.volume[rows],
        )

    def _is_known(self, client_order_id: str) -> bool:
        return client_order_id != self._placing and self.store.is_known(client_order_id)

    def _require_kept(self, order_id: str, message: str) -> bool:
        """Return whether memory has the order; raise for one that is unknown or closed long ago."""
        if self._exchange.order(order_id) is not None:
            return True
        old = self.store.order("order_id", order_id) if _is_uuid(order_id) else None
        if old is None:
            raise NotFoundError(f"order not found for {order_id}")
        if old.status is ExchangeStatus.CANCELED and "already" in message:
            return False
        raise UnprocessableError(message.format(old.status.value))

    def _new_exchange(self) -> Exchange:
        exchange = Exchange(
            self.registry,
            self.config,
            self.account,
            is_known=self._is_known,
            track_changes=True,
            option_market=self.options.market,
        )
        exchange.limit_fills(self._befalls.fill_limit)
        return exchange

    def _restored(self, state: dict[str, Any]) -> Exchange:
        exchange = Exchange.restore(
            self.registry,
            self.config,
            state,
            is_known=self._is_known,
            track_changes=True,
            option_market=self.options.market,
        )
        exchange.limit_fills(self._befalls.fill_limit)
        return exchange


def _with_cash(config: ExchangeConfig, cash: Decimal | None) -> ExchangeConfig:
    return config if cash is None else config.model_copy(update={"starting_cash": cash})


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _is_replayed(row: Mapping[str, object]) -> bool:
    return told_type(str(row["type"]), str(row["order_id"])) in REPLAYED_TYPES
