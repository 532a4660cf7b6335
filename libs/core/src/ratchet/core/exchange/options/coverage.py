"""What options bind: the cheapest grouping of what is held in one underlying, and what it adds to margin."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from ratchet.core.exchange.options.book import OptionBook
from ratchet.core.options.contract import OptionContract
from ratchet.core.options.levels import effective_level, kinds_of_level
from ratchet.core.options.margin import GroupKind, OptionLeg, Partition, StockLeg, cheapest_partition
from ratchet.core.orders.money import ZERO

_KEPT = 256
Change = tuple[OptionContract, int]


class Coverage:
    """Partitions of one account, kept as long as what they depend on stays the same."""

    def __init__(self, book: OptionBook) -> None:
        self._book = book
        self._known: dict[tuple[object, ...], Partition] = {}

    @property
    def level(self) -> int:
        """The account's trading level in force."""
        book = self._book
        return effective_level(book.config.trading_level, book.venue.settings.max_options_trading_level)

    def partition(
        self,
        underlying_id: int,
        share_rate: Decimal = ZERO,
        changes: Iterable[Change] = (),
        kinds: frozenset[GroupKind] | None = None,
    ) -> Partition:
        """Return the cheapest grouping of what is held in an underlying, after `changes` in contracts.

        share_rate: margin that shares require, as a share of their price. kinds: the groups that count, all
        those of the highest level if None.
        """
        book = self._book
        legs = [*book.legs(underlying_id), *(OptionLeg(*change, ZERO) for change in changes)]
        price = book.venue.mark_price(underlying_id) or ZERO
        held = book.venue.position(underlying_id).qty
        stock = StockLeg(int(held), price, price * share_rate)
        config = book.config.margin
        allowed = kinds_of_level(3, allow_naked=config.allow_naked) if kinds is None else kinds
        totals: dict[str, int] = {}
        for leg in legs:
            totals[leg.contract.symbol] = totals.get(leg.contract.symbol, 0) + leg.qty
        key = (tuple(sorted(totals.items())), allowed, stock if stock.shares > 0 else None)
        found = self._known.get(key)
        if found is None:
            found = cheapest_partition(config, legs, stock, allowed)
            # What a naked short requires moves with prices, which the key leaves out.
            if not found.uncovered and not config.allow_naked:
                if len(self._known) >= _KEPT:
                    self._known.clear()
                self._known[key] = found
        return found

    def bound(self, partition: Partition) -> Decimal:
        """Return what the options of a grouping bind beyond their shares' own requirement."""
        return partition.requirement - partition.stock_requirement

    def pending(self, underlying_id: int, but_for: Sequence[str] = ()) -> list[Change]:
        """Return what working orders may still take from coverage: sales, and packages as a whole.

        A purchase that is not filled yet covers nothing. `but_for`: ids of orders to leave out.
        """
        book = self._book
        found: list[Change] = []
        for asset_id in sorted(book.venue.book.working_assets()):
            if not book.is_option(asset_id):
                continue
            contract = book.contract(asset_id)
            if book.underlying_id(contract) != underlying_id:
                continue
            for order in book.venue.book.working(asset_id):
                counts = order.side.sign < 0 or bool(order.ratio_qty)
                if counts and not order.legs and order.id not in but_for and order.parent_id not in but_for:
                    found.append((contract, order.side.sign * int(order.remaining_qty)))
        return found

    def locked_shares(self, underlying_id: int) -> int:
        """Return the shares that stand behind short calls, those of working orders too."""
        changes = self.pending(underlying_id)
        if not changes and underlying_id not in self._book.underlyings():
            return 0
        return self.partition(underlying_id, changes=changes).locked_shares
