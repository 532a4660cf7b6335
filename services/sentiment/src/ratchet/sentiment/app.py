"""Wiring of the sentiment service."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ratchet.common.bus import Bus
from ratchet.common.platform import load_platform
from ratchet.common.runtime import MainLoop, ServiceRuntime
from ratchet.common.settings import Settings
from ratchet.common.streams import bars_stream
from ratchet.common.texts import FileSource, TextSource
from ratchet.core.sentiment import SentimentScorer
from ratchet.sentiment.adapters.http import HttpSource
from ratchet.sentiment.admin import build_router
from ratchet.sentiment.servicer import Servicer
from ratchet.sentiment.store import SentimentStore
from ratchet.sentiment.worker import POLL_S, SentimentWorker
from ratchet.v1.sentiment_pb2_grpc import add_SentimentServicer_to_server


class SentimentSettings(Settings):
    """RATCHET_SENTIMENT_SOURCE: a file or an http(s) address; default: the dataset's texts, if any.

    RATCHET_SENTIMENT_POLL_SECONDS: how often it is asked in live mode.
    """

    sentiment_source: str = ""
    sentiment_poll_seconds: Annotated[float, Field(gt=0, le=86_400)] = POLL_S


def open_source(named: str, texts: Path | None) -> TextSource | None:
    """Return the source that is configured; SourceError if a file cannot be read."""
    if named.startswith(("http://", "https://")):
        return HttpSource(named)
    path = Path(named) if named else texts
    if path is None:
        return None
    source = FileSource(path)
    source.check()
    return source


def setup(runtime: ServiceRuntime) -> MainLoop:
    """Add the service's parts to the runtime and return its main loop."""
    settings, own = runtime.settings, SentimentSettings()
    platform = load_platform(settings.config_dir, settings.dataset)
    registry = platform.registry
    texts = platform.dataset.texts if platform.dataset else None
    source = open_source(own.sentiment_source, texts)
    store = SentimentStore(runtime.db, registry)
    scorer = SentimentScorer()
    worker = SentimentWorker(runtime.bus, store, registry, scorer, source, own.sentiment_poll_seconds)
    replay = settings.mode == "replay"
    known_until = _event_time(runtime.bus, registry.universes) if replay else None
    servicer = Servicer(store, registry, scorer, known_until)
    runtime.add_grpc("ratchet.v1.Sentiment", lambda server: add_SentimentServicer_to_server(servicer, server))
    runtime.add_routes(build_router(store, source.name if source else ""))
    runtime.add_check("source", lambda: worker.trouble)

    def main_loop(stop: threading.Event) -> None:
        if not replay:
            worker.run_live(stop)
            return
        worker.run_replay()
        while not stop.wait(1.0):
            runtime.beat()

    return main_loop


def _event_time(bus: Bus, universes: tuple[str, ...]) -> Callable[[], int]:
    """Return how far a replay has come: what is later is in the database already, but not known yet."""

    def known_until() -> int:
        newest = (bus.last(bars_stream(universe)) for universe in universes)
        return max((entry.ts for entry in newest if entry), default=0)

    return known_until
