"""Orders, trades, positions, the account and its journal as OANDA's JSON."""

from decimal import Decimal
from typing import Any

from ratchet.core.fx import FxExchange, FxOrder, FxTrade, Instrument, PositionTotals, TradeState, Transaction
from ratchet.core.fx.describe import money_text, order_fields, price_text, ratio_text
from ratchet.core.fx.valuation import AccountValue, home_value, margin_of, unrealized
from ratchet.core.orders.money import ZERO, canonical
from ratchet.paper_exchange.oanda.times import TimeFormat

Json = dict[str, Any]
USER_ID = 1_000_001
ZERO_TEXT = "0.0000"
_WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


class Wire:
    """Writes one account's records in one format of times."""

    def __init__(self, exchange: FxExchange, times: TimeFormat) -> None:
        self._exchange = exchange
        self._book = exchange.book
        self._times = times

    def transaction(self, entry: Transaction) -> Json:
        """Return one entry of the journal."""
        return transaction_json(entry, self._book.account, self._times)

    def order(self, order: FxOrder) -> Json:
        """Return an order."""
        body = {
            "id": str(order.id),
            "createTime": self._times.text(order.created_ts),
            "state": order.state.value,
            **self._times.with_texts(order_fields(order, self._exchange.instruments[order.instrument])),
        }
        if order.trailing_value is not None:
            instrument = self._exchange.instruments[order.instrument]
            body["trailingStopValue"] = price_text(instrument, order.trailing_value)
        if order.filled_by:
            body |= {
                "fillingTransactionID": str(order.filled_by),
                "filledTime": self._times.text(order.filled_ts),
            }
        if order.cancelled_by:
            body["cancellingTransactionID"] = str(order.cancelled_by)
            body["cancelledTime"] = self._times.text(order.cancelled_ts)
        for name, value in (
            ("tradeOpenedID", order.opened_trade),
            ("tradeReducedID", order.reduced_trade),
            ("replacedByOrderID", order.replaced_by),
        ):
            if value:
                body[name] = str(value)
        if order.closed_trades:
            body["tradeClosedIDs"] = [str(trade_id) for trade_id in order.closed_trades]
        return body

    def trade(self, trade: FxTrade, *, summary: bool = False) -> Json:
        """Return a trade; a summary names its dependent orders, else they are shown."""
        instrument = self._exchange.instruments[trade.instrument]
        body: Json = {
            "id": str(trade.id),
            "instrument": trade.instrument,
            "price": price_text(instrument, trade.price),
            "openTime": self._times.text(trade.open_ts),
            "state": trade.state.value,
            "initialUnits": canonical(trade.initial_units),
            "initialMarginRequired": money_text(trade.initial_margin),
            "currentUnits": canonical(trade.units),
            "realizedPL": money_text(trade.realized_pl),
            "financing": money_text(trade.financing),
        }
        if trade.state is TradeState.OPEN:
            body["unrealizedPL"] = money_text(unrealized(self._book, trade))
            body["marginUsed"] = money_text(margin_of(self._book, trade.instrument, trade.units))
        else:
            body["closeTime"] = self._times.text(trade.close_ts)
        closed = abs(trade.initial_units) - abs(trade.units)
        if closed:
            average = (trade.closed_notional / closed).quantize(instrument.tick)
            body["averageClosePrice"] = price_text(instrument, average)
            body["closingTransactionIDs"] = [str(entry_id) for entry_id in trade.closing_ids]
        if trade.extensions:
            body["clientExtensions"] = dict(trade.extensions)
        return body | self._dependents(trade, summary)

    def _dependents(self, trade: FxTrade, summary: bool) -> Json:
        body: Json = {}
        for name, order_id in (
            ("takeProfitOrder", trade.take_profit_id),
            ("stopLossOrder", trade.stop_loss_id),
            ("trailingStopLossOrder", trade.trailing_stop_id),
        ):
            order = self._book.orders.get(order_id)
            if order is not None and summary:
                body[f"{name}ID"] = str(order_id)
            elif order is not None:
                body[name] = self.order(order)
        return body

    def position(self, totals: PositionTotals) -> Json:
        """Return what is held in an instrument and what it has brought."""
        trades = self._book.trades_of(totals.instrument)
        sides = {
            "long": ([trade for trade in trades if trade.units > 0], totals.long_pl, totals.long_financing),
            "short": (
                [trade for trade in trades if trade.units < 0],
                totals.short_pl,
                totals.short_financing,
            ),
        }
        pl, financing = totals.long_pl + totals.short_pl, totals.long_financing + totals.short_financing
        body: Json = {
            "instrument": totals.instrument,
            "pl": money_text(pl),
            "resettablePL": money_text(pl),
            "financing": money_text(financing),
            "commission": ZERO_TEXT,
            "guaranteedExecutionFees": ZERO_TEXT,
            "unrealizedPL": money_text(sum((unrealized(self._book, trade) for trade in trades), ZERO)),
        }
        if trades:
            net = sum((trade.units for trade in trades), ZERO)
            body["marginUsed"] = money_text(margin_of(self._book, totals.instrument, net))
        for name, (held, side_pl, side_financing) in sides.items():
            body[name] = self._side(totals.instrument, held, side_pl, side_financing)
        return body

    def _side(self, name: str, trades: list[FxTrade], pl: Decimal, financing: Decimal) -> Json:
        units = sum((trade.units for trade in trades), ZERO)
        body: Json = {
            "units": canonical(units),
            "pl": money_text(pl),
            "resettablePL": money_text(pl),
            "financing": money_text(financing),
            "guaranteedExecutionFees": ZERO_TEXT,
            "unrealizedPL": money_text(sum((unrealized(self._book, trade) for trade in trades), ZERO)),
        }
        if trades:
            instrument = self._exchange.instruments[name]
            average = sum((trade.units * trade.price for trade in trades), ZERO) / units
            body["averagePrice"] = price_text(instrument, average.quantize(instrument.tick))
            body["tradeIDs"] = [str(trade.id) for trade in trades]
        return body

    def summary(self) -> Json:
        """Return the account without its orders, trades and positions."""
        book = self._book
        body: Json = {
            "id": book.account,
            "alias": book.alias or "Primary",
            "currency": book.config.home_currency,
            "createdByUserID": USER_ID,
            "createdTime": self._times.text(book.created_ts),
            "guaranteedStopLossOrderMode": "DISABLED",
            "hedgingEnabled": False,
            "balance": money_text(book.balance),
            "pl": money_text(book.pl),
            "resettablePL": money_text(book.pl),
            "resettablePLTime": "0",
            "financing": money_text(book.financing),
            "commission": ZERO_TEXT,
            "guaranteedExecutionFees": ZERO_TEXT,
            "marginRate": canonical(book.own_margin_rate or book.config.default_margin_rate),
            "openTradeCount": len(book.trades),
            "openPositionCount": len(book.held()),
            "pendingOrderCount": len(book.orders),
            "lastTransactionID": str(book.last_id),
        }
        if book.last_fill_ts:
            body["lastOrderFillTimestamp"] = self._times.text(book.last_fill_ts)
        if book.margin_call_ts:
            body["marginCallEnterTime"] = self._times.text(book.margin_call_ts)
            body["marginCallExtensionCount"] = 0
        return body | value_fields(self._exchange.value())

    def account(self) -> Json:
        """Return the account with everything that is open."""
        return self.summary() | {
            "orders": [self.order(order) for order in self._exchange.pending_orders()],
            "trades": [self.trade(trade, summary=True) for trade in self._exchange.open_trades()],
            "positions": [self.position(totals) for totals in self._exchange.totals()],
        }

    def state(self) -> Json:
        """Return what prices alone change: for the polling of changes."""
        held = [self.position(self._book.totals_of(name)) for name in self._book.held()]
        return value_fields(self._exchange.value()) | {
            "orders": [
                {"id": str(order.id), "trailingStopValue": self.order(order)["trailingStopValue"]}
                for order in self._exchange.pending_orders()
                if order.trailing_value is not None
            ],
            "trades": [
                {
                    "id": str(trade.id),
                    "unrealizedPL": money_text(unrealized(self._book, trade)),
                    "marginUsed": money_text(margin_of(self._book, trade.instrument, trade.units)),
                }
                for trade in self._exchange.open_trades()
            ],
            "positions": [
                {
                    "instrument": row["instrument"],
                    "netUnrealizedPL": row["unrealizedPL"],
                    "longUnrealizedPL": row["long"]["unrealizedPL"],
                    "shortUnrealizedPL": row["short"]["unrealizedPL"],
                    "marginUsed": row["marginUsed"],
                }
                for row in held
            ],
        }

    def instrument(self, instrument: Instrument) -> Json:
        """Return an instrument with its margin rate and financing."""
        rates, days = (
            self._exchange.config.financing_of(instrument.name),
            self._exchange.config.financing_days,
        )
        return {
            "name": instrument.name,
            "type": instrument.type,
            "displayName": instrument.display_name,
            "pipLocation": instrument.pip_location,
            "displayPrecision": instrument.display_precision,
            "tradeUnitsPrecision": instrument.trade_units_precision,
            "minimumTradeSize": canonical(instrument.minimum_trade_size),
            "maximumTrailingStopDistance": canonical(instrument.maximum_trailing_distance),
            "minimumTrailingStopDistance": canonical(instrument.tick),
            "maximumPositionSize": "0",
            "maximumOrderUnits": canonical(instrument.maximum_order_units),
            "marginRate": canonical(self._book.margin_rate(instrument.name)),
            "financing": {
                "longRate": canonical(rates.long),
                "shortRate": canonical(rates.short),
                "financingDaysOfWeek": [
                    {"dayOfWeek": name, "daysCharged": days.get(day, 0)} for day, name in enumerate(_WEEKDAYS)
                ],
            },
            "tags": [],
        }

    def units_available(self, instrument: Instrument) -> Json:
        """Return how many units could be bought and sold now, by what the fill may do."""
        value, net = self._exchange.value(), self._book.net_units(instrument.name)
        rate = self._book.margin_rate(instrument.name)
        per_unit = home_value(self._book, instrument.name, Decimal(1)) * rate
        opening = int(value.margin_available / per_unit)
        flipped = int((value.margin_available + abs(net) * per_unit) / per_unit) + int(abs(net))
        longs: dict[str, Decimal | int] = {"reduce": max(-net, ZERO), "open": flipped if net < 0 else opening}
        shorts: dict[str, Decimal | int] = {"reduce": max(net, ZERO), "open": flipped if net > 0 else opening}

        def sides(key: str) -> Json:
            return {"long": canonical(Decimal(longs[key])), "short": canonical(Decimal(shorts[key]))}

        plain = {"long": str(opening), "short": str(opening)}
        return {
            "default": sides("open"),
            "reduceFirst": sides("open"),
            "reduceOnly": sides("reduce"),
            "openOnly": plain,
        }


def transaction_json(entry: Transaction, account: str, times: TimeFormat) -> Json:
    """Return one entry of an account's journal."""
    return {
        "id": str(entry.id),
        "time": times.text(entry.ts),
        "userID": USER_ID,
        "accountID": account,
        "batchID": str(entry.batch),
        "requestID": str(entry.batch),
        **times.with_texts(entry.body),
        "type": entry.type,
    }


def value_fields(value: AccountValue) -> Json:
    """Return the fields of an account that depend on prices."""
    unrealized_pl, nav = money_text(value.unrealized_pl), money_text(value.nav)
    used, worth = money_text(value.margin_used), money_text(value.position_value)
    call = value.margin_used / value.nav if value.nav > 0 else Decimal(0)
    return {
        "unrealizedPL": unrealized_pl,
        "NAV": nav,
        "marginUsed": used,
        "marginAvailable": money_text(value.margin_available),
        "positionValue": worth,
        "marginCloseoutUnrealizedPL": unrealized_pl,
        "marginCloseoutNAV": nav,
        "marginCloseoutMarginUsed": used,
        "marginCloseoutPercent": ratio_text(value.closeout_percent),
        "marginCloseoutPositionValue": worth,
        "withdrawalLimit": money_text(max(min(value.margin_available, value.balance), ZERO)),
        "marginCallMarginUsed": used,
        "marginCallPercent": ratio_text(call),
    }
