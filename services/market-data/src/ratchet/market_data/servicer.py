"""The gRPC API of market data."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NoReturn

import grpc

from ratchet.common.bus import Bus
from ratchet.common.streams import BARS_PREFIX
from ratchet.common.timestamps import to_datetime, to_ns
from ratchet.core.assets import AssetClass, Registry
from ratchet.core.timeframes import timeframe_ns
from ratchet.market_data.store import BarRow, BarStore
from ratchet.v1 import market_data_pb2 as pb
from ratchet.v1.market_data_pb2_grpc import MarketDataServicer

_DEFAULT_LIMIT, _MAX_LIMIT = 1_000, 10_000
_STREAM_WAIT_MS = 1_000
_TOKEN_DIGITS = 19


class Servicer(MarketDataServicer):
    """Answers from the database and the streams; `clock` is the event time that may be known (ns, UTC)."""

    def __init__(self, bus: Bus, store: BarStore, registry: Registry) -> None:
        self._bus = bus
        self._store = store
        self._registry = registry

    def GetBars(self, request: pb.GetBarsRequest, context: grpc.ServicerContext) -> pb.GetBarsResponse:
        """Return bars of a symbol with start in [start_ns, end_ns), by pages."""
        self._check_symbol(request.symbol, context)
        try:
            timeframe_ns(request.timeframe)
        except ValueError as error:
            _refuse(context, str(error))
        limit = request.limit or _DEFAULT_LIMIT
        if limit > _MAX_LIMIT:
            _refuse(context, f"limit {limit} is too large; allowed: 1 to {_MAX_LIMIT}")
        # A replay stores bars ahead of their release; nobody may see them earlier.
        known = self._known_until()
        start, end = _page_start(request, context), request.end_ns or known + 1
        if request.end_ns and request.end_ns < request.start_ns:
            _refuse(context, f"end_ns {request.end_ns} is before start_ns {request.start_ns}")
        rows = self._store.bars(
            request.symbol,
            request.timeframe,
            to_datetime(start),
            to_datetime(end),
            to_datetime(known),
            limit + 1,
        )
        page = [_bar(row) for row in rows[:limit]]
        token = str(page[-1].ts_ns + 1_000) if len(rows) > limit else ""
        return pb.GetBarsResponse(bars=page, next_page_token=token)

    def GetLatest(self, request: pb.GetLatestRequest, context: grpc.ServicerContext) -> pb.GetLatestResponse:
        """Return the newest finished bar of each symbol that has one."""
        for symbol in request.symbols:
            self._check_symbol(symbol, context)
        known = to_datetime(self._known_until())
        found = (self._store.latest(symbol, known) for symbol in request.symbols)
        return pb.GetLatestResponse(bars=[_bar(row) for row in found if row])

    def StreamBars(
        self, request: pb.StreamBarsRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.BarBatch]:
        """Yield batches of the universes (all if none is named) from now on."""
        for universe in request.universes:
            if universe not in self._registry.universes:
                _refuse(
                    context, f"universe {universe!r} is unknown; known: {', '.join(self._registry.universes)}"
                )
        wanted = {BARS_PREFIX + universe for universe in request.universes or self._registry.universes}
        cursors: dict[str, str] = {}
        for stream in wanted:
            newest = self._bus.last(stream)
            cursors[stream] = newest.entry_id if newest else "0"
        # Tells the client that it misses nothing from here on.
        context.send_initial_metadata(())
        while context.is_active():
            for stream in sorted(wanted):
                for entry in self._bus.tail(stream, cursors[stream], block_ms=_STREAM_WAIT_MS // len(wanted)):
                    cursors[stream] = entry.entry_id
                    yield entry.parse(pb.BarBatch)

    def GetOptionChain(
        self, request: pb.GetOptionChainRequest, context: grpc.ServicerContext
    ) -> pb.GetOptionChainResponse:
        """Return the newest quotes of an underlying's contracts that have not expired."""
        self._check_symbol(request.underlying, context)
        rows = self._store.option_chain(request.underlying, to_datetime(self._known_until()))
        return pb.GetOptionChainResponse(
            contracts=[
                pb.OptionContract(
                    symbol=row[0],
                    underlying=request.underlying,
                    expiry_ns=to_ns(datetime(row[1].year, row[1].month, row[1].day, tzinfo=UTC)),
                    right=row[2],
                    strike=row[3],
                    bid=row[4] or 0.0,
                    ask=row[5] or 0.0,
                    implied_volatility=row[6] or 0.0,
                    ts_ns=to_ns(row[7]),
                )
                for row in rows
            ]
        )

    def ListAssets(
        self, request: pb.ListAssetsRequest, context: grpc.ServicerContext
    ) -> pb.ListAssetsResponse:
        """Return the registry, or one class of it."""
        allowed = [asset_class.value for asset_class in AssetClass]
        if request.asset_class and request.asset_class not in allowed:
            _refuse(context, f"asset_class {request.asset_class!r} is unknown; allowed: {', '.join(allowed)}")
        enabled = self._store.enabled_symbols()
        return pb.ListAssetsResponse(
            assets=[
                pb.AssetInfo(
                    id=asset.id,
                    symbol=asset.symbol,
                    asset_class=asset.asset_class.value,
                    universe=asset.universe,
                    phase=asset.phase,
                    enabled=asset.symbol in enabled,
                )
                for asset in self._registry
                if request.asset_class in ("", asset.asset_class.value)
            ]
        )

    def _check_symbol(self, symbol: str, context: grpc.ServicerContext) -> None:
        if symbol not in self._registry:
            context.abort(grpc.StatusCode.NOT_FOUND, f"symbol {symbol!r} is not in the asset registry")

    def _known_until(self) -> int:
        newest = (self._bus.last(BARS_PREFIX + universe) for universe in self._registry.universes)
        return max((entry.ts for entry in newest if entry), default=0)


def _page_start(request: pb.GetBarsRequest, context: grpc.ServicerContext) -> int:
    token = request.page_token
    if token and not (token.isdecimal() and len(token) <= _TOKEN_DIGITS):
        _refuse(context, f"page_token {request.page_token!r} is not one that this method has returned")
    return int(token) if token else request.start_ns


def _refuse(context: grpc.ServicerContext, message: str) -> NoReturn:
    context.abort(grpc.StatusCode.INVALID_ARGUMENT, message)
    raise AssertionError("abort raises")


def _bar(row: BarRow) -> pb.Bar:
    symbol, start, open_, high, low, close, volume = row
    return pb.Bar(
        symbol=symbol, ts_ns=to_ns(start), open=open_, high=high, low=low, close=close, volume=volume
    )
