"""What a client may ask of the account; each request leaves its transactions, refusals included."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from ratchet.core.assets.types import Registry
from ratchet.core.fx import admission, lifecycle
from ratchet.core.fx.book import FxBook
from ratchet.core.fx.config import FxConfig
from ratchet.core.fx.describe import money_text
from ratchet.core.fx.filling import immediate_refusal
from ratchet.core.fx.instruments import Instrument
from ratchet.core.fx.records import FxOrder, FxOrderRequest, Transaction
from ratchet.core.fx.simulation import match_at_quote
from ratchet.core.fx.types import CancelReason, Closeout, OrderKind, RejectReason
from ratchet.core.fx.valuation import value_of
from ratchet.core.sessions.catalog import get_calendar


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a request caused: its transactions, and why it was rejected if it was."""

    transactions: tuple[Transaction, ...]
    rejected: RejectReason | None = None
    order: FxOrder | None = None

    def first(self, *kinds: str) -> Transaction | None:
        """Return the first transaction whose type ends with one of the texts."""
        return next((entry for entry in self.transactions if entry.type.endswith(kinds)), None)

    def ending(self, kind: str, order_id: int) -> Transaction | None:
        """Return the ORDER_FILL or ORDER_CANCEL of one order; its linked orders may have ended as well."""
        of_order = (entry for entry in self.transactions if entry.body.get("orderID") == str(order_id))
        return next((entry for entry in of_order if entry.type == kind), None)


class FxDesk:
    """The account's book and the requests that change it.

    With `fills_at_quote`, an order that the present quote would fill has been filled when its request
    returns, as at OANDA; without, it waits for the next bar, so that a replay cannot trade at a known price.
    """

    def __init__(
        self, registry: Registry, config: FxConfig, account: str, track_changes: bool, fills_at_quote: bool
    ) -> None:
        self._book = FxBook(registry, config, account, track_changes)
        self._fills_at_quote = fills_at_quote

    def open_account(self, ts: int) -> None:
        """Create the account and fund it, once; every other call does it if need be."""
        book = self._book
        if book.last_id:
            return
        book.created_ts = book.ts = book.rolled_ts = ts
        book.balance = book.config.starting_balance
        book.begin()
        book.record("CREATE", ts, {"homeCurrency": book.config.home_currency, "accountNumber": 1})
        balance = money_text(book.balance)
        body = {"amount": balance, "fundingReason": "CLIENT_FUNDING", "accountBalance": balance}
        book.record("TRANSFER_FUNDS", ts, body)

    def submit(self, request: FxOrderRequest, ts: int) -> Outcome:
        """Take an order at event time ts, or record why not; market orders may be cancelled at once."""
        self.open_account(ts)
        book, mark = self._book, self._begin()
        reason = admission.why_rejected(book, request, ts)
        if reason is not None:
            lifecycle.reject(book, request, reason, ts)
            return Outcome(self._since(mark), reason)
        order, _ = lifecycle.place(book, request, ts)
        self._settle(order, ts)
        return Outcome(self._since(mark), order=order)

    def cancel(self, specifier: str, ts: int) -> Outcome:
        """Cancel a pending order by its id or @client id."""
        mark = self._begin()
        order = self._book.find_order(specifier)
        if order is None:
            return self._no_order(specifier, ts, mark)
        lifecycle.cancel(self._book, order, CancelReason.CLIENT_REQUEST, ts)
        return Outcome(self._since(mark), order=order)

    def replace(self, specifier: str, request: FxOrderRequest, ts: int) -> Outcome:
        """Cancel a pending order and take another one of the same type in its place."""
        book, mark = self._book, self._begin()
        old = book.find_order(specifier)
        if old is None:
            return self._no_order(specifier, ts, mark)
        if request.kind is not old.kind or (old.is_dependent and book.find_trade(request.trade) is None):
            reason: RejectReason | None = RejectReason.REPLACING_ORDER_INVALID
        else:
            reason = admission.why_rejected(book, request, ts, replaced=old)
        if reason is not None:
            lifecycle.reject(book, request, reason, ts)
            return Outcome(self._since(mark), reason)
        lifecycle.cancel(book, old, CancelReason.CLIENT_REQUEST_REPLACED, ts, replaced_by=book.last_id + 2)
        order, _ = lifecycle.place(book, request, ts, replaces=old)
        self._settle(order, ts)
        return Outcome(self._since(mark), order=order)

    def close_trade(self, specifier: str, units: Decimal | None, ts: int) -> Outcome:
        """Close a trade, or some units (unsigned) of it, at the market."""
        book, mark = self._book, self._begin()
        trade = book.find_trade(specifier)
        if trade is None:
            return self._refuse_closing(RejectReason.TRADE_DOESNT_EXIST, {"tradeID": specifier}, ts, mark)
        size = abs(trade.units) if units is None else units
        reason = self._closing_problem(size, trade.units, trade.instrument)
        if reason is not None:
            if reason is RejectReason.CLOSEOUT_POSITION_UNITS_EXCEED_POSITION_SIZE:
                reason = RejectReason.CLOSE_TRADE_UNITS_EXCEED_TRADE_SIZE
            return self._refuse_closing(reason, {"tradeID": str(trade.id)}, ts, mark)
        signed = -size if trade.units > 0 else size
        order, _ = lifecycle.place_closing(
            book, trade.instrument, signed, ts, Closeout.TRADE, asked=_asked(units), trade_id=trade.id
        )
        self._settle(order, ts)
        return Outcome(self._since(mark), order=order)

    def close_position(self, instrument: str, side: Closeout, units: Decimal | None, ts: int) -> Outcome:
        """Close the long or short side of a position, or some units (unsigned) of it, at the market."""
        book, mark = self._book, self._begin()
        net = book.net_units(instrument)
        if net == 0 or (net > 0) != (side is Closeout.LONG):
            reason: RejectReason | None = RejectReason.CLOSEOUT_POSITION_DOESNT_EXIST
        else:
            size = abs(net) if units is None else units
            reason = self._closing_problem(size, net, instrument)
        if reason is not None:
            return self._refuse_closing(reason, {"instrument": instrument}, ts, mark)
        signed = -size if net > 0 else size
        order, _ = lifecycle.place_closing(book, instrument, signed, ts, side, asked=_asked(units))
        self._settle(order, ts)
        return Outcome(self._since(mark), order=order)

    def extend_order(
        self, specifier: str, own: dict[str, str] | None, trade: dict[str, str] | None, ts: int
    ) -> Outcome:
        """Change a pending order's client extensions, and those that its trade will have."""
        book, mark = self._book, self._begin()
        order = book.find_order(specifier)
        if order is None:
            return self._no_order(specifier, ts, mark, "ORDER_CLIENT_EXTENSIONS_MODIFY_REJECT")
        holder = book.order_by_client_id((own or {}).get("id", ""))
        if holder is not None and holder.id != order.id:
            body = {"orderID": str(order.id), "rejectReason": RejectReason.CLIENT_ORDER_ID_ALREADY_EXISTS}
            book.record("ORDER_CLIENT_EXTENSIONS_MODIFY_REJECT", ts, body)
            return Outcome(self._since(mark), RejectReason.CLIENT_ORDER_ID_ALREADY_EXISTS)
        fields: dict[str, Any] = {"orderID": str(order.id)}
        if order.client_id:
            fields["clientOrderID"] = order.client_id
        if own is not None:
            order = replace(order, extensions={**order.extensions, **own})
            fields["clientExtensionsModify"] = own
        if trade is not None:
            order = replace(order, trade_extensions={**order.trade_extensions, **trade})
            fields["tradeClientExtensionsModify"] = trade
        book.put_order(order)
        book.record("ORDER_CLIENT_EXTENSIONS_MODIFY", ts, fields)
        return Outcome(self._since(mark), order=order)

    def extend_trade(self, specifier: str, extensions: dict[str, str], ts: int) -> Outcome:
        """Change an open trade's client extensions."""
        book, mark = self._book, self._begin()
        trade = book.find_trade(specifier)
        if trade is None:
            body = {"tradeID": specifier, "rejectReason": RejectReason.TRADE_DOESNT_EXIST.value}
            book.record("TRADE_CLIENT_EXTENSIONS_MODIFY_REJECT", ts, body)
            return Outcome(self._since(mark), RejectReason.TRADE_DOESNT_EXIST)
        book.put_trade(replace(trade, extensions={**trade.extensions, **extensions}))
        book.record(
            "TRADE_CLIENT_EXTENSIONS_MODIFY",
            ts,
            {"tradeID": str(trade.id), "tradeClientExtensionsModify": extensions},
        )
        return Outcome(self._since(mark))

    def configure(self, alias: str | None, margin_rate: Decimal | None, ts: int) -> Outcome:
        """Change the account's alias or raise its margin rate; the venue's own rates remain the least."""
        book, mark = self._book, self._begin()
        reason = self._configuration_problem(alias, margin_rate)
        fields: dict[str, Any] = {}
        if alias is not None:
            fields["alias"] = alias
        if margin_rate is not None:
            fields["marginRate"] = f"{margin_rate:f}"
        if reason is not None:
            book.record("CLIENT_CONFIGURE_REJECT", ts, {**fields, "rejectReason": reason.value})
            return Outcome(self._since(mark), reason)
        book.alias = book.alias if alias is None else alias
        book.own_margin_rate = book.own_margin_rate if margin_rate is None else margin_rate
        book.record("CLIENT_CONFIGURE", ts, fields)
        return Outcome(self._since(mark))

    def is_open(self, instrument: Instrument, ts: int) -> bool:
        """Say whether an instrument's market trades at ts."""
        return get_calendar(instrument.calendar).is_open(ts)

    def _begin(self) -> int:
        self._book.begin()
        return len(self._book.events)

    def _since(self, mark: int) -> tuple[Transaction, ...]:
        return tuple(self._book.events[mark:])

    def _settle(self, order: FxOrder, ts: int) -> None:
        """Cancel a market order at once that the venue would not fill, and fill what fills at the quote."""
        is_market = order.kind is OrderKind.MARKET
        reason: CancelReason | None = None
        if not self.is_open(self._book.instruments[order.instrument], ts):
            reason = CancelReason.MARKET_HALTED
        elif is_market:
            reason = immediate_refusal(self._book, order, ts)
        if reason is None and self._fills_at_quote:
            match_at_quote(self._book, order, ts)
        elif reason is not None and is_market:
            lifecycle.cancel(self._book, order, reason, ts)

    def _no_order(self, specifier: str, ts: int, mark: int, kind: str = "ORDER_CANCEL_REJECT") -> Outcome:
        name = "clientOrderID" if specifier.startswith("@") else "orderID"
        reason = RejectReason.ORDER_DOESNT_EXIST
        self._book.record(kind, ts, {name: specifier.removeprefix("@"), "rejectReason": reason.value})
        return Outcome(self._since(mark), reason)

    def _closing_problem(self, size: Decimal, held: Decimal, name: str) -> RejectReason | None:
        violation = next(admission.units_violations(size, self._book.instruments[name]), None)
        if violation is not None or size < 0:
            return violation or RejectReason.UNITS_INVALID
        if size > abs(held):
            return RejectReason.CLOSEOUT_POSITION_UNITS_EXCEED_POSITION_SIZE
        return None

    def _refuse_closing(self, reason: RejectReason, fields: dict[str, str], ts: int, mark: int) -> Outcome:
        self._book.record("MARKET_ORDER_REJECT", ts, {**fields, "rejectReason": reason.value})
        return Outcome(self._since(mark), reason)

    def _configuration_problem(self, alias: str | None, margin_rate: Decimal | None) -> RejectReason | None:
        if alias is None and margin_rate is None:
            return RejectReason.CLIENT_CONFIGURE_DATA_MISSING
        if margin_rate is None:
            return None
        if not margin_rate.is_finite() or not 0 < margin_rate <= 1:
            return RejectReason.MARGIN_RATE_INVALID
        book, before = self._book, self._book.own_margin_rate
        book.own_margin_rate = margin_rate
        value = value_of(book, book.balance, book.trades.values())
        book.own_margin_rate = before
        return RejectReason.MARGIN_RATE_WOULD_TRIGGER_CLOSEOUT if value.must_close else None


def _asked(units: Decimal | None) -> str:
    return "ALL" if units is None else f"{units:f}"
