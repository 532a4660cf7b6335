"""The journal: pages by time, ranges by id, single entries and the stream."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, StreamingResponse

from ratchet.paper_exchange.oanda import requests as read
from ratchet.paper_exchange.oanda.errors import NotFoundError, invalid
from ratchet.paper_exchange.oanda.routes import DeskDep
from ratchet.paper_exchange.oanda.streams import journal_stream
from ratchet.paper_exchange.oanda.times import parse_time
from ratchet.paper_exchange.oanda.wire import transaction_json

router = APIRouter(prefix="/accounts/{account_id}/transactions")
MAX_PAGE = 1_000
_ORDER_KINDS = (
    "MARKET", "LIMIT", "STOP", "MARKET_IF_TOUCHED", "TAKE_PROFIT", "STOP_LOSS", "TRAILING_STOP_LOSS",
)  # fmt: skip
_MODIFIED = ("ORDER_CLIENT_EXTENSIONS_MODIFY", "TRADE_CLIENT_EXTENSIONS_MODIFY", "CLIENT_CONFIGURE")
_ORDERS = (
    *(f"{kind}_ORDER{end}" for kind in _ORDER_KINDS for end in ("", "_REJECT")),
    "ORDER_FILL",
    "ORDER_CANCEL",
    "ORDER_CANCEL_REJECT",
    *(f"{name}{end}" for name in _MODIFIED[:2] for end in ("", "_REJECT")),
)
_FUNDING = ("TRANSFER_FUNDS", "DAILY_FINANCING")
_ADMIN = ("CREATE", "CLIENT_CONFIGURE", "CLIENT_CONFIGURE_REJECT", "MARGIN_CALL_ENTER", "MARGIN_CALL_EXIT")
GROUPS = {"ORDER": _ORDERS, "FUNDING": _FUNDING, "ADMIN": _ADMIN}
_KNOWN = frozenset((*_ORDERS, *_FUNDING, *_ADMIN))

Types = Annotated[str | None, Query(alias="type")]


def types_of(text: str | None) -> list[str] | None:
    """Return the transaction types of a filter; OandaError names an unknown one."""
    if not text:
        return None
    found: list[str] = []
    for name in text.split(","):
        if name in GROUPS:
            found += GROUPS[name]
        elif name in _KNOWN:
            found.append(name)
        else:
            raise invalid("type", name, ", ".join((*GROUPS, *sorted(_KNOWN))))
    return found


@router.get("")
def pages(
    request: Request,
    desk: DeskDep,
    types: Types = None,
    start: Annotated[str | None, Query(alias="from")] = None,
    end: Annotated[str | None, Query(alias="to")] = None,
    page_size: Annotated[str | None, Query(alias="pageSize")] = None,
) -> JSONResponse:
    """Addresses of the pages of a time range."""
    size = read.whole("pageSize", page_size, 100, 1, MAX_PAGE)
    with desk.account.exchange() as exchange:
        created, now = exchange.book.created_ts, max(exchange.book.ts, desk.account.clock)
    first = created if start is None else parse_time("from", start)
    last = now if end is None else parse_time("to", end)
    wanted = types_of(types)
    ids = desk.account.store.ids_between(first, last, wanted)
    base = f"{request.base_url}v3/accounts/{desk.account.id}/transactions/idrange"
    suffix = f"&type={types}" if types else ""
    chunks = [ids[at : at + size] for at in range(0, len(ids), size)]
    return desk.reply(
        {
            "from": desk.times.text(first),
            "to": desk.times.text(last),
            "pageSize": size,
            "type": types.split(",") if types else [],
            "count": len(ids),
            "pages": [f"{base}?from={chunk[0]}&to={chunk[-1]}{suffix}" for chunk in chunks],
        }
    )


@router.get("/idrange")
def id_range(
    desk: DeskDep,
    types: Types = None,
    first: Annotated[str | None, Query(alias="from")] = None,
    last: Annotated[str | None, Query(alias="to")] = None,
) -> JSONResponse:
    """Entries with ids in [from, to], at most a thousand."""
    if first is None or last is None:
        raise invalid("from" if first is None else "to", None, "the id of a transaction")
    low, high = read.whole("from", first, 0, 1, 2**62), read.whole("to", last, 0, 1, 2**62)
    return _entries(desk, low, high, types)


@router.get("/sinceid")
def since_id(
    desk: DeskDep, types: Types = None, after: Annotated[str | None, Query(alias="id")] = None
) -> JSONResponse:
    """Entries after an id, at most a thousand."""
    if after is None:
        raise invalid("id", None, "the id of a transaction")
    return _entries(desk, read.whole("id", after, 0, 0, 2**62) + 1, 2**62, types)


def _entries(desk: DeskDep, low: int, high: int, types: str | None) -> JSONResponse:
    found = desk.account.store.transactions(low, high, types_of(types), MAX_PAGE)
    rows = [transaction_json(entry, desk.account.id, desk.times) for entry in found]
    return desk.reply({"transactions": rows})


@router.get("/stream")
async def stream(desk: DeskDep) -> StreamingResponse:
    """The journal as it is written, one JSON object a line, with heartbeats."""
    return journal_stream(desk.venue, desk.account, desk.times)


@router.get("/{entry_id}")
def transaction(desk: DeskDep, entry_id: str) -> JSONResponse:
    """One entry."""
    number = read.whole("transactionID", entry_id, 0, 1, 2**62)
    found = desk.account.store.transactions(number, number, None)
    if not found:
        raise NotFoundError(f"The transaction ID specified does not exist: {entry_id!r}")
    return desk.reply({"transaction": transaction_json(found[0], desk.account.id, desk.times)})
