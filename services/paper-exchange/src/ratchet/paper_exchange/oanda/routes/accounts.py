"""Accounts: what they are worth, what they may trade, and what has changed since a transaction."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from ratchet.core.fx import Transaction
from ratchet.paper_exchange.oanda import requests as read
from ratchet.paper_exchange.oanda.errors import invalid
from ratchet.paper_exchange.oanda.routes import DeskDep, Json, JsonBody, authorized
from ratchet.paper_exchange.oanda.store import Filter

router = APIRouter()
MAX_CHANGES = 10_000


@router.get("/accounts", dependencies=[Depends(authorized)])
def accounts(request: Request) -> JSONResponse:
    """The accounts that the token may use."""
    return JSONResponse({"accounts": [{"id": item, "tags": []} for item in request.state.accounts]})


@router.get("/accounts/{account_id}")
def account(desk: DeskDep) -> JSONResponse:
    """The account with its open trades, pending orders and positions."""
    with desk.account.exchange() as exchange:
        return desk.reply({"account": desk.wire(exchange).account()})


@router.get("/accounts/{account_id}/summary")
def summary(desk: DeskDep) -> JSONResponse:
    """The account's money."""
    with desk.account.exchange() as exchange:
        return desk.reply({"account": desk.wire(exchange).summary()})


@router.get("/accounts/{account_id}/instruments")
def instruments(desk: DeskDep, instruments: str | None = None) -> JSONResponse:
    """What the account may trade."""
    listed = [desk.instrument(name) for name in instruments.split(",")] if instruments else None
    with desk.account.exchange() as exchange:
        wire = desk.wire(exchange)
        return desk.reply({"instruments": [wire.instrument(item) for item in listed or exchange.instruments]})


@router.patch("/accounts/{account_id}/configuration")
def configuration(desk: DeskDep, body: JsonBody) -> JSONResponse:
    """Change the alias or raise the margin rate."""
    alias = read.text("alias", body["alias"]) if "alias" in body else None
    rate = read.number("marginRate", body.get("marginRate"))
    outcome = desk.account.change(lambda exchange, ts: exchange.configure(alias, rate, ts))
    name = "clientConfigureRejectTransaction" if outcome.rejected else "clientConfigureTransaction"
    return desk.outcome(outcome, {name: outcome.transactions[0]}, 200)


@router.get("/accounts/{account_id}/changes")
def changes(
    desk: DeskDep, since: Annotated[str | None, Query(alias="sinceTransactionID")] = None
) -> JSONResponse:
    """What happened after a transaction, and what prices alone have changed."""
    with desk.account.exchange() as exchange:
        first = read.whole("sinceTransactionID", since, -1, 0, exchange.last_id)
        if first < 0:
            raise invalid("sinceTransactionID", since, f"0 to {exchange.last_id}")
        entries = desk.account.store.transactions(first + 1, exchange.last_id, None, MAX_CHANGES)
        wire = desk.wire(exchange)
        touched = _Touched(entries)
        store = desk.account.store
        orders = {item.id: wire.order(item) for item in store.orders(touched.filter(touched.orders))}
        trades = {
            item.id: wire.trade(item, summary=True) for item in store.trades(touched.filter(touched.trades))
        }
        positions = [
            wire.position(exchange.book.totals_of(name))
            for name in sorted({row["instrument"] for row in trades.values()})
        ]
        found = {
            name: [orders[key] for key in ids if key in orders] for name, ids in touched.order_lists.items()
        }
        found |= {
            name: [trades[key] for key in ids if key in trades] for name, ids in touched.trade_lists.items()
        }
        found |= {"positions": positions, "transactions": [wire.transaction(entry) for entry in entries]}
        return desk.reply({"changes": found, "state": wire.state()})


class _Touched:
    """Ids of the orders and trades that some transactions are about."""

    def __init__(self, entries: list[Transaction]) -> None:
        self.order_lists: dict[str, list[int]] = {
            name: [] for name in ("ordersCreated", "ordersCancelled", "ordersFilled", "ordersTriggered")
        }
        self.trade_lists: dict[str, list[int]] = {
            name: [] for name in ("tradesOpened", "tradesReduced", "tradesClosed")
        }
        self.financed: list[int] = []
        for entry in entries:
            self._note(entry)

    @property
    def orders(self) -> list[int]:
        return [key for ids in self.order_lists.values() for key in ids]

    @property
    def trades(self) -> list[int]:
        return [key for ids in self.trade_lists.values() for key in ids] + self.financed

    @staticmethod
    def filter(ids: list[int]) -> Filter:
        return Filter(ids=tuple(ids), count=max(len(ids), 1))

    def _note(self, entry: Transaction) -> None:
        body: Json = entry.body
        if entry.type.endswith("_ORDER"):
            self.order_lists["ordersCreated"].append(entry.id)
        elif entry.type == "ORDER_CANCEL":
            self.order_lists["ordersCancelled"].append(int(body["orderID"]))
        elif entry.type == "ORDER_FILL":
            self.order_lists["ordersFilled"].append(int(body["orderID"]))
            self._note_fill(body)
        elif entry.type == "DAILY_FINANCING":
            rows: list[dict[str, Any]] = body["positionFinancings"]
            self.financed += [int(part["tradeID"]) for row in rows for part in row["openTradeFinancings"]]

    def _note_fill(self, body: Json) -> None:
        if "tradeOpened" in body:
            self.trade_lists["tradesOpened"].append(int(body["tradeOpened"]["tradeID"]))
        if "tradeReduced" in body:
            self.trade_lists["tradesReduced"].append(int(body["tradeReduced"]["tradeID"]))
        closed = (int(row["tradeID"]) for row in body.get("tradesClosed", ()))
        self.trade_lists["tradesClosed"].extend(closed)
