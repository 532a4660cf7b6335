"""Wiring of the paper exchange as a service of the platform."""

import threading

from ratchet.common.datasets.corporate_actions import load_corporate_actions
from ratchet.common.datasets.option_quotes import load_option_quotes
from ratchet.common.errors import ConfigError
from ratchet.common.http_server import HttpServer
from ratchet.common.leases import AdvisoryLeaderLock
from ratchet.common.platform import load_platform
from ratchet.common.runtime import MainLoop, ServiceRuntime
from ratchet.paper_exchange.admin import build_router
from ratchet.paper_exchange.app import UVICORN_OPTIONS, create_app
from ratchet.paper_exchange.auth import Credentials
from ratchet.paper_exchange.bars.sql import SqlHistory
from ratchet.paper_exchange.consumer import BarConsumer
from ratchet.paper_exchange.oanda.setup import platform_venue
from ratchet.paper_exchange.options.recorded import RecordedQuotes
from ratchet.paper_exchange.settings import PaperSettings
from ratchet.paper_exchange.store import Store
from ratchet.paper_exchange.venue import PaperVenue

NAME = "paper-exchange"


def setup(runtime: ServiceRuntime) -> MainLoop:
    """Add the service's parts to the runtime and return its main loop."""
    settings = PaperSettings()
    key, secret = settings.alpaca_key.get_secret_value(), settings.alpaca_secret.get_secret_value()
    if not key or not secret:
        raise ConfigError(
            "RATCHET_ALPACA_KEY and RATCHET_ALPACA_SECRET must be set: clients of the paper exchange use them"
        )
    platform = load_platform(settings.config_dir, settings.dataset)
    registry, db = platform.registry, runtime.db
    leader = AdvisoryLeaderLock(db, f"paper:{settings.portfolio}", settings.instance)
    # Execution commits an order before it sends it, and asks about one that has no answer in its books.
    store = Store(db, settings.portfolio, registry, leader, is_durable=False)
    venue = PaperVenue(
        registry,
        platform.exchange,
        settings.portfolio,
        Credentials(key, secret),
        store,
        lambda clock: SqlHistory(db, registry, clock),
        option_quotes=RecordedQuotes(load_option_quotes(platform.dataset)),
    )
    venue.corporate_actions = load_corporate_actions(platform.dataset, registry)
    oanda = platform_venue(settings, platform, db, leader, lambda clock: SqlHistory(db, registry, clock))
    consumer = BarConsumer(runtime.bus, venue, registry.universes, settings.instance, oanda)
    # Bound at once, so that a taken port is told before anything else; served when the account is loaded.
    server = HttpServer(
        create_app(venue, limits=settings.limits, oanda=oanda),
        settings.host,
        settings.api_port,
        variable="RATCHET_PAPER_PORT",
        **UVICORN_OPTIONS,
    )
    listening = threading.Event()
    runtime.add_check("api", lambda: None if listening.is_set() else "the public API does not listen yet")
    runtime.add_routes(build_router(venue, runtime))

    def serve(stop: threading.Event) -> None:
        place = venue.reload(consumer.last_announced())
        if oanda is not None:
            oanda.start(place.step_seq, place.clock)
            oanda.open()
        server.start()
        listening.set()
        runtime.log.info("api_started", port=server.port, account=venue.account, step=venue.place.step_seq)
        consumer.run(stop)

    def main_loop(stop: threading.Event) -> None:
        try:
            if leader.acquire(stop, on_wait=runtime.beat):
                serve(stop)
        finally:
            server.stop()
            leader.release()

    return main_loop
