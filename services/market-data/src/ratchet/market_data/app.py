"""Wiring of the market data service."""

import threading
from collections.abc import Callable

from ratchet.common.errors import ConfigError
from ratchet.common.platform import Platform, load_platform
from ratchet.common.runtime import MainLoop, ServiceRuntime
from ratchet.market_data.admin import build_router
from ratchet.market_data.servicer import Servicer
from ratchet.market_data.store import BarStore
from ratchet.v1.market_data_pb2_grpc import add_MarketDataServicer_to_server

Progress = Callable[[], dict[str, object]]


def setup(runtime: ServiceRuntime) -> MainLoop:
    """Add the service's parts to the runtime and return its main loop."""
    settings = runtime.settings
    platform = load_platform(settings.config_dir, settings.dataset)
    prepare = _live if settings.mode == "live" else _replay
    store, progress, work = prepare(runtime, platform)
    servicer = Servicer(runtime.bus, store, platform.registry)
    runtime.add_grpc(
        "ratchet.v1.MarketData", lambda server: add_MarketDataServicer_to_server(servicer, server)
    )
    runtime.add_routes(build_router(store, progress))

    def main_loop(stop: threading.Event) -> None:
        work(stop)
        # The API stays up after the last bar.
        while not stop.wait(1.0):
            runtime.beat()

    return main_loop


def _replay(runtime: ServiceRuntime, platform: Platform) -> tuple[BarStore, Progress, MainLoop]:
    from ratchet.market_data.replay import LockstepReplay

    dataset = platform.dataset
    if dataset is None:
        raise ConfigError("RATCHET_DATASET is not set: a replay needs the folder of a dataset")
    store = BarStore(runtime.db, platform.registry, dataset.name)
    replay = LockstepReplay(runtime.bus, store, platform.registry, dataset, runtime.settings.speed_factor)

    def work(stop: threading.Event) -> None:
        replay.run(stop)

    return store, replay.progress, work


def _live(runtime: ServiceRuntime, platform: Platform) -> tuple[BarStore, Progress, MainLoop]:
    # alpaca-py takes a second to import, which a replay need not wait for.
    from ratchet.market_data.adapters.alpaca import VENUE, alpaca_quotes, alpaca_sources
    from ratchet.market_data.adapters.oanda_quotes import oanda_quotes
    from ratchet.market_data.live import LiveFeed
    from ratchet.market_data.publisher import LivePublisher
    from ratchet.market_data.quotes.feed import QuoteFeed
    from ratchet.market_data.settings import LiveSettings

    settings = LiveSettings()
    sources = alpaca_sources(platform.registry, settings)
    store = BarStore(runtime.db, platform.registry, VENUE)
    publisher = LivePublisher(runtime.bus, store, platform.registry)
    feed = LiveFeed(runtime.bus, publisher, sources, settings)
    runtime.add_check(VENUE, feed.trouble)
    if settings.live_quote_symbols:
        quoted = [*alpaca_quotes(sources), *oanda_quotes(platform.registry, settings)]
        if settings.ccxt_exchange:
            # Too heavy to import for nothing.
            from ratchet.market_data.adapters.ccxt_quotes import ccxt_quotes

            quoted += ccxt_quotes(platform.registry, settings)
        quotes = QuoteFeed(runtime.bus, platform.registry, quoted, settings)
        # Bars are decided on without quotes too, so that they do not keep the service from being ready.
        runtime.add_task("quotes", quotes.run)
    return store, feed.progress, feed.run
