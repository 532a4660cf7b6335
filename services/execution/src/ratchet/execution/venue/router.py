"""One broker out of several: each asset's orders go to the venue that the registry names for it.

A venue that cannot be asked stops its own assets only. Lists then hold what the others said and name who is
missing (`failed_venues`), so that nothing is concluded from a silence. The venue's order ids carry its name,
`oanda:123`, but for the first venue's, whose ids stay as they are.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeVar

from ratchet.common.logging import get_logger
from ratchet.core.assets import Asset, Registry
from ratchet.execution.sending.denials import Denial
from ratchet.execution.venue.broker import (
    AccountUpdate,
    Broker,
    BrokerAccount,
    BrokerActivity,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    BrokerQuote,
    BrokerRefusedError,
    BrokerUnreachableError,
    OrderNotFoundError,
    OrderRequest,
    ReplaceRequest,
    Update,
    UpdateStream,
    VenueList,
    activities_of,
    option_quotes_of,
    replace_at,
)

_log = get_logger("router")
T = TypeVar("T")
_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class Venue:
    """A venue's account and its updates."""

    broker: Broker
    updates: UpdateStream


class BrokerRouter:
    """Broker and UpdateStream over several venues, the first of which is the default.

    `locate` finds the venue of an order by its client_order_id, where the ledger knows; others are looked for
    at every venue. `on_change` is called with whether every stream is connected.
    """

    def __init__(
        self,
        venues: Mapping[str, Venue],
        registry: Registry,
        locate: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        if not venues:
            raise ValueError("a router needs at least one venue")
        self._venues = dict(venues)
        self._registry = registry
        self._locate = locate
        self._default = next(iter(venues))
        self._failing: dict[str, str] = {}
        self._accounts: dict[str, BrokerAccount] = {}
        self._placed: OrderedDict[str, str] = OrderedDict()
        self.on_change: Callable[[bool], None] = lambda _: None

    @property
    def connected(self) -> bool:
        """Whether updates of every venue can arrive."""
        return all(venue.updates.connected for venue in self._venues.values())

    def is_down(self, asset: Asset) -> bool:
        """Whether the venue of an asset does not answer, or its updates cannot arrive."""
        venue = self._venues.get(asset.venue)
        return venue is None or not venue.updates.connected or asset.venue in self._failing

    @property
    def failing(self) -> dict[str, str]:
        """Venues whose last answer was none, with the reason."""
        return dict(self._failing)

    def start(self, handler: Callable[[Update], None]) -> None:
        """Deliver every venue's updates."""
        for name, venue in self._venues.items():
            venue.updates.on_change = lambda _: self.on_change(self.connected)
            venue.updates.start(self._named_handler(name, handler))

    def stop(self) -> None:
        """Stop every stream."""
        for venue in self._venues.values():
            venue.updates.stop()

    def submit(self, request: OrderRequest) -> BrokerOrder:
        """Place an order at its asset's venue."""
        name = self._venue_of(request.symbol)
        self._placed[request.client_order_id] = name
        if len(self._placed) > _REMEMBERED:
            self._placed.popitem(last=False)
        return self._order(name, self._ask(name, lambda venue: venue.broker.submit(request)))

    def cancel(self, broker_order_id: str) -> None:
        """Cancel an order at the venue that its id names."""
        name, own = self._split(broker_order_id)
        self._ask(name, lambda venue: venue.broker.cancel(own))

    def replace(self, broker_order_id: str, change: ReplaceRequest) -> BrokerOrder:
        """Replace an order at the venue that its id names."""
        name, own = self._split(broker_order_id)
        self._placed[change.client_order_id] = name
        return self._order(name, self._ask(name, lambda venue: replace_at(venue.broker, own, change)))

    def get_by_client_id(self, client_order_id: str) -> BrokerOrder:
        """Look an order up; it is not found when every venue that may have it says so itself."""
        known = self._placed.get(client_order_id) or self._locate(client_order_id)
        names = [known] if known in self._venues else list(self._venues)
        not_found: OrderNotFoundError | None = None
        silent: BrokerUnreachableError | None = None
        for name in names:
            try:
                found = self._ask(name, lambda venue: venue.broker.get_by_client_id(client_order_id))
            except OrderNotFoundError as error:
                not_found = error
            except BrokerUnreachableError as error:
                silent = error
            else:
                return self._order(name, found)
        if silent is not None:
            raise silent
        raise not_found or OrderNotFoundError("", f"no venue has {client_order_id}", 404)

    def list_orders(self, since_ns: int | None = None, *, open_only: bool = False) -> list[BrokerOrder]:
        """List the orders of every venue that answers."""
        lists, failed = self._ask_all(lambda venue: venue.broker.list_orders(since_ns, open_only=open_only))
        rows = [self._order(name, row) for name, found in lists for row in found]
        return VenueList(sorted(rows, key=lambda row: row.created_ns), failed)

    def positions(self) -> list[BrokerPosition]:
        """List the positions of every venue that answers."""
        lists, failed = self._ask_all(lambda venue: venue.broker.positions())
        return VenueList([row for _, found in lists for row in found], failed)

    def account(self) -> BrokerAccount:
        """Add the accounts up, which are in one currency; one that does not answer counts as last seen."""
        found, failed = self._ask_all(lambda venue: venue.broker.account())
        self._accounts.update(found)
        missing = sorted(failed - self._accounts.keys())
        if missing:
            raise BrokerUnreachableError(f"account: {missing[0]}: {self._failing.get(missing[0], '')}")
        accounts = list(self._accounts.values())
        return BrokerAccount(
            account_number="+".join(account.account_number for account in accounts),
            cash=sum((account.cash for account in accounts), Decimal(0)),
            equity=sum((account.equity for account in accounts), Decimal(0)),
            trading_blocked=any(account.trading_blocked for account in accounts),
            failed=failed,
        )

    def fills(self, since_ns: int) -> list[BrokerFill]:
        """List the executions of every venue that answers."""
        lists, failed = self._ask_all(lambda venue: venue.broker.fills(since_ns))
        rows = [self._fill(name, row) for name, found in lists for row in found]
        return VenueList(sorted(rows, key=lambda row: row.ts), failed)

    def activities(self, since_ns: int) -> list[BrokerActivity]:
        """List what every venue that answers has booked beside executions."""
        lists, failed = self._ask_all(lambda venue: activities_of(venue.broker, since_ns))
        rows = [
            replace(row, activity_id=self._join(name, row.activity_id))
            for name, found in lists
            for row in found
        ]
        return VenueList(sorted(rows, key=lambda row: row.ts), failed)

    def option_quotes(self, symbols: Sequence[str]) -> list[BrokerQuote]:
        """Quote option contracts, each at its venue."""
        by_venue: dict[str, list[str]] = {}
        for symbol in symbols:
            by_venue.setdefault(self._venue_of(symbol), []).append(symbol)
        return [row for name, own in by_venue.items() for row in self._quotes(name, own)]

    def _quotes(self, name: str, symbols: Sequence[str]) -> list[BrokerQuote]:
        return self._ask(name, lambda venue: option_quotes_of(venue.broker, symbols))

    def _venue_of(self, symbol: str) -> str:
        name = self._registry.by_symbol(symbol).venue
        if name not in self._venues:
            raise BrokerRefusedError(Denial.VENUE_UNKNOWN, f"no broker is configured for venue {name!r}", 0)
        return name

    def _ask(self, name: str, call: Callable[[Venue], T]) -> T:
        try:
            answer = call(self._venues[name])
        except BrokerUnreachableError as error:
            self._failing[name] = str(error)
            raise
        except BrokerRefusedError:
            self._failing.pop(name, None)
            raise
        self._failing.pop(name, None)
        return answer

    def _ask_all(self, call: Callable[[Venue], T]) -> tuple[list[tuple[str, T]], frozenset[str]]:
        """Ask every venue; BrokerUnreachableError only when none has answered."""
        found: list[tuple[str, T]] = []
        failed: dict[str, BrokerUnreachableError] = {}
        for name in self._venues:
            try:
                found.append((name, self._ask(name, call)))
            except BrokerUnreachableError as error:
                _log.warning("venue not reachable", venue=name, reason=str(error))
                failed[name] = error
        if not found:
            raise next(iter(failed.values()))
        return found, frozenset(failed)

    def _named_handler(self, name: str, handler: Callable[[Update], None]) -> Callable[[Update], None]:
        def named(update: Update) -> None:
            # Venues number their updates each for themselves.
            venue = "" if name == self._default else name
            if isinstance(update, AccountUpdate):
                handler(replace(update, venue=venue))
                return
            fill = None if update.fill is None else self._fill(name, update.fill)
            handler(replace(update, order=self._order(name, update.order), fill=fill, venue=venue))

        return named

    def _order(self, name: str, row: BrokerOrder) -> BrokerOrder:
        if name == self._default:
            return row
        successor = self._join(name, row.replaced_by) if row.replaced_by else ""
        return replace(row, broker_order_id=self._join(name, row.broker_order_id), replaced_by=successor)

    def _fill(self, name: str, row: BrokerFill) -> BrokerFill:
        if name == self._default:
            return row
        return replace(
            row,
            execution_id=self._join(name, row.execution_id),
            broker_order_id=self._join(name, row.broker_order_id),
        )

    def _join(self, name: str, own: str) -> str:
        return own if name == self._default else f"{name}:{own}"

    def _split(self, broker_order_id: str) -> tuple[str, str]:
        name, colon, own = broker_order_id.partition(":")
        if colon and name in self._venues and name != self._default:
            return name, own
        return self._default, broker_order_id
