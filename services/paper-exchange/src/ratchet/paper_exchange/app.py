"""The venue's public API: one app for REST, streams and the simulated clock."""

from typing import Any

from fastapi import FastAPI
from starlette.websockets import WebSocket

from ratchet.common import metrics
from ratchet.paper_exchange.errors import install_error_handlers
from ratchet.paper_exchange.oanda.app import PREFIX, create_oanda_app
from ratchet.paper_exchange.oanda.venue import OandaVenue
from ratchet.paper_exchange.routes import account, data, orders, positions, reference, sim
from ratchet.paper_exchange.simulation import Simulation
from ratchet.paper_exchange.streams.hub import Hub
from ratchet.paper_exchange.streams.market import CRYPTO_CHANNELS, STOCK_CHANNELS, MarketSession
from ratchet.paper_exchange.streams.trading import TradingSession
from ratchet.paper_exchange.venue import PaperVenue

# alpaca-py sends subscriptions as fragmented messages of 32 KiB frames.
UVICORN_OPTIONS: dict[str, Any] = {
    "ws": "websockets-sansio",
    "loop": "auto",
    "http": "auto",
    "ws_max_size": 16 * 1024 * 1024,
}


def create_app(
    venue: PaperVenue, simulation: Simulation | None = None, *, oanda: OandaVenue | None = None
) -> FastAPI:
    """Build the app; without a simulation the clock cannot be moved from outside."""
    app = FastAPI(title="Ratchet paper exchange", docs_url="/docs", redoc_url=None)
    app.state.venue = venue
    app.state.simulation = simulation
    install_error_handlers(app)
    parts = (account.router, orders.router, positions.router, reference.router, data.stocks, data.crypto)
    for router in (*parts, sim.router):
        app.include_router(router)
    _add_streams(app, venue)
    if oanda is not None:
        app.mount(PREFIX, create_oanda_app(oanda))
    return app


def _add_streams(app: FastAPI, venue: PaperVenue) -> None:
    @app.websocket("/stream")
    async def trading(socket: WebSocket) -> None:
        with metrics.EXCHANGE_STREAM_CLIENTS.labels("trading").track_inprogress():
            await TradingSession(socket, venue.trade_hub, venue.credentials).run()

    def market(path: str, hub: Hub, channels: tuple[str, ...]) -> None:
        @app.websocket(path)
        async def stream(socket: WebSocket) -> None:
            with metrics.EXCHANGE_STREAM_CLIENTS.labels("market").track_inprogress():
                await MarketSession(socket, hub, venue.credentials, channels).run()

    market("/v2/iex", venue.stock_hub, STOCK_CHANNELS)
    market("/v2/sip", venue.stock_hub, STOCK_CHANNELS)
    market("/v1beta3/crypto/us", venue.crypto_hub, CRYPTO_CHANNELS)
