"""Wiring of the sentiment service."""

import threading
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from ratchet.common.platform import load_platform
from ratchet.common.runtime import MainLoop, ServiceRuntime
from ratchet.common.texts import FileSource, TextSource
from ratchet.core.sentiment import SentimentScorer
from ratchet.sentiment.adapters.http import HttpSource
from ratchet.sentiment.servicer import Servicer
from ratchet.sentiment.store import SentimentStore
from ratchet.sentiment.worker import SentimentWorker
from ratchet.v1.sentiment_pb2_grpc import add_SentimentServicer_to_server


class SentimentSettings(BaseSettings):
    """RATCHET_SENTIMENT_SOURCE: a file or an http(s) address; default: the dataset's texts, if any."""

    model_config = SettingsConfigDict(env_prefix="RATCHET_SENTIMENT_", frozen=True, env_ignore_empty=True)

    source: str = ""


def open_source(named: str, texts: Path | None) -> TextSource | None:
    """Return the source that is configured; SourceError if it cannot be read."""
    if named.startswith(("http://", "https://")):
        return HttpSource(named)
    path = Path(named) if named else texts
    return FileSource(path) if path else None


def setup(runtime: ServiceRuntime) -> MainLoop:
    """Add the service's parts to the runtime and return its main loop."""
    settings = runtime.settings
    platform = load_platform(settings.config_dir, settings.dataset)
    texts = platform.dataset.texts if platform.dataset else None
    source = open_source(SentimentSettings().source, texts)
    store = SentimentStore(runtime.db, platform.registry)
    scorer = SentimentScorer()
    worker = SentimentWorker(runtime.bus, store, platform.registry, scorer, source)
    servicer = Servicer(store, platform.registry, scorer)
    runtime.add_grpc("ratchet.v1.Sentiment", lambda server: add_SentimentServicer_to_server(servicer, server))

    def main_loop(stop: threading.Event) -> None:
        if settings.mode == "live":
            worker.run_live(stop)
            return
        worker.run_replay()
        while not stop.wait(1.0):
            runtime.beat()

    return main_loop
