"""The app under /v3: the same port as the rest of the exchange, with OANDA's errors."""

from fastapi import FastAPI

from ratchet.paper_exchange.oanda.errors import install_error_handlers
from ratchet.paper_exchange.oanda.routes import accounts, orders, positions, prices, trades, transactions
from ratchet.paper_exchange.oanda.venue import OandaVenue

PREFIX = "/v3"


def create_oanda_app(venue: OandaVenue) -> FastAPI:
    """Build the app, to be mounted at PREFIX."""
    app = FastAPI(title="Ratchet forex venue", docs_url="/docs", redoc_url=None)
    app.state.oanda = venue
    install_error_handlers(app)
    for part in (accounts, orders, trades, positions, prices, transactions):
        app.include_router(part.router)
    return app
