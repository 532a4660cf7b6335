"""Wiring of the signal service."""

from ratchet.common.platform import load_platform
from ratchet.common.rpc import connect
from ratchet.common.runtime import MainLoop, ServiceRuntime
from ratchet.core.sentiment.window import HOUR_NS
from ratchet.signal.admin import build_router
from ratchet.signal.loop import SignalLoop
from ratchet.signal.predictor import RemotePredictor
from ratchet.signal.sentiment import MAX_AGE_S, SentimentView, keep_fresh
from ratchet.signal.servicer import Servicer
from ratchet.signal.store import SignalStore
from ratchet.signal.worker import UniverseWorker
from ratchet.v1.signals_pb2_grpc import add_SignalsServicer_to_server

_REPLAY_CHUNK_NS = 30 * 24 * HOUR_NS


def setup(runtime: ServiceRuntime) -> MainLoop:
    """Add the service's parts to the runtime and return its main loop."""
    settings = runtime.settings
    platform = load_platform(settings.config_dir, settings.dataset)
    replay = settings.mode == "replay"
    store = SignalStore(runtime.db, platform.registry)
    channel = connect(settings.inference_target, settings)
    predictors: dict[str, RemotePredictor] = {}
    views: dict[str, SentimentView] = {}

    def make_worker(universe: str) -> UniverseWorker:
        assets = platform.registry.of_universe(universe)
        predict = RemotePredictor(channel, universe, runtime.stop, wait=replay, on_wait=runtime.beat)
        predictors[universe] = predict
        chunk_ns = _REPLAY_CHUNK_NS if replay else 0
        views[universe] = sentiment = SentimentView(store, assets, chunk_ns, max_age_s=MAX_AGE_S)
        return UniverseWorker(assets, platform.strategies, store, predict, sentiment)

    loop = SignalLoop(
        runtime.bus,
        store,
        platform.registry.universes,
        make_worker,
        settings.instance,
        writes_later=not replay,
    )
    servicer = Servicer(runtime.bus, store, platform.registry)
    runtime.add_grpc("ratchet.v1.Signals", lambda server: add_SignalsServicer_to_server(servicer, server))
    runtime.add_routes(build_router(store))
    runtime.add_check("bars", loop.trouble)
    runtime.add_check("inference", lambda: _first_trouble(predictors))
    runtime.add_task("leases", loop.keep_leases)
    if not replay:
        runtime.add_task("sentiment", lambda stop: keep_fresh(views.values(), stop))
    return loop.run


def _first_trouble(predictors: dict[str, RemotePredictor]) -> str | None:
    return next((predict.trouble for predict in list(predictors.values()) if predict.trouble), None)
