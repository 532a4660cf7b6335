"""The venue's public API: one app for REST, streams and the simulation."""

from typing import Any

from fastapi import FastAPI
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from ratchet.common import metrics
from ratchet.paper_exchange.desk import Desk, keyholder
from ratchet.paper_exchange.desk import build_router as build_desk
from ratchet.paper_exchange.errors import install_error_handlers
from ratchet.paper_exchange.express import Express
from ratchet.paper_exchange.faults.base import Occasion
from ratchet.paper_exchange.faults.connections import StreamRefuse
from ratchet.paper_exchange.gate import Gate
from ratchet.paper_exchange.limits import Limits, RateLimiter
from ratchet.paper_exchange.oanda.app import PREFIX, create_oanda_app
from ratchet.paper_exchange.oanda.venue import OandaVenue
from ratchet.paper_exchange.routes import (
    account,
    calendars,
    corporate,
    data,
    option_data,
    options,
    orders,
    positions,
    reference,
    sim,
    single,
    watchlists,
)
from ratchet.paper_exchange.simulation import Simulation
from ratchet.paper_exchange.streams.feed import Source
from ratchet.paper_exchange.streams.market import MarketSession
from ratchet.paper_exchange.streams.tap import Connections, Tap
from ratchet.paper_exchange.streams.trading import TradingSession
from ratchet.paper_exchange.venue import PaperVenue

# alpaca-py sends subscriptions as fragmented messages of 32 KiB frames.
UVICORN_OPTIONS: dict[str, Any] = {
    "ws": "websockets-sansio",
    "loop": "auto",
    "http": "auto",
    "ws_max_size": 16 * 1024 * 1024,
    "ws_ping_interval": 10.0,
    "ws_ping_timeout": 60.0,
    # A client that trades once a minute need not connect anew for each order.
    "timeout_keep_alive": 90,
}


class PaperApp(FastAPI):
    """The app behind its gate, which stands before all other middleware: some faults need the connection."""

    gate: Gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http":
            await self.gate(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(
    venue: PaperVenue,
    simulation: Simulation | None = None,
    limits: Limits | None = None,
    *,
    oanda: OandaVenue | None = None,
) -> FastAPI:
    """Build the app; without a simulation the clock cannot be moved from outside."""
    limits = limits or Limits()
    app = PaperApp(title="Ratchet paper exchange", docs_url="/docs", redoc_url=None)
    limiter = RateLimiter(limits.requests_per_minute) if limits.requests_per_minute else None
    app.gate = Gate(Express(super(PaperApp, app).__call__), venue.accounts, venue.faults, limiter)
    app.state.venue = venue
    app.state.simulation = simulation
    install_error_handlers(app)
    trading = (account.router, orders.router, positions.router, reference.router, calendars.router)
    market = (data.stocks, data.crypto, single.router, corporate.router)
    traded = (options.router, option_data.router)
    for router in (*trading, watchlists.router, *traded, *market, sim.router):
        app.include_router(router)
    if simulation is not None:
        app.include_router(build_desk(Desk(venue, keyholder, keyholder)), prefix="/sim/v1")
    _add_streams(app, venue, limits)
    if oanda is not None:
        app.mount(PREFIX, create_oanda_app(oanda))
    return app


def _add_streams(app: FastAPI, venue: PaperVenue, limits: Limits) -> None:
    connections = Connections(venue.faults)
    venue.accounts.on_closed(lambda label: connections.close_all(label, 1008))

    async def opened(socket: WebSocket, stream: str) -> Tap | None:
        fault = venue.faults.first(StreamRefuse, Occasion(stream=stream))
        if fault is None:
            return connections.open(stream)
        await socket.send_denial_response(JSONResponse({"message": "service unavailable"}, fault.status))
        return None

    @app.websocket("/stream")
    async def trading(socket: WebSocket) -> None:
        tap = await opened(socket, "trading")
        if tap is None:
            return
        try:
            with metrics.EXCHANGE_STREAM_CLIENTS.labels("trading").track_inprogress():
                await TradingSession(socket, venue.accounts, tap, limits).run()
        finally:
            connections.leave(tap)

    def market(path: str, name: str, feed: Source) -> None:
        @app.websocket(path)
        async def stream(socket: WebSocket) -> None:
            tap = await opened(socket, name)
            if tap is None:
                return
            try:
                with metrics.EXCHANGE_STREAM_CLIENTS.labels("market").track_inprogress():
                    await MarketSession(socket, venue.accounts, feed, tap, connections, limits).run()
            finally:
                connections.leave(tap)

    market("/v2/iex", "stocks", venue.stock_feed)
    market("/v2/sip", "stocks", venue.stock_feed)
    market("/v1beta3/crypto/us", "crypto", venue.crypto_feed)
    # The path of before 2023, which ccxt still uses.
    market("/v1beta2/crypto", "crypto", venue.crypto_feed)
    market("/v1beta1/indicative", "options", venue.options.feed)
    market("/v1beta1/opra", "options", venue.options.feed)
