"""A source of texts over HTTP that answers as told, and workers."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from ratchet.core.sentiment import SentimentScorer
from ratchet.sentiment.store import SentimentStore
from ratchet.sentiment.worker import SentimentWorker

GOOD, BAD = "shares soar after blowout earnings beat", "shares crash on fraud probe and bankruptcy"


class Endpoint:
    """Answers in order: a status, raw bytes, or a document; the last answer is repeated."""

    def __init__(self):
        self.answers = []
        self.queries = []

    def next(self):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def endpoint():
    served = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
            served.queries.append(query)
            answer = served.next()
            self.send_response(answer if isinstance(answer, int) else 200)
            self.end_headers()
            if isinstance(answer, bytes):
                self.wfile.write(answer)
            elif not isinstance(answer, int):
                self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}/texts"
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def scorer():
    return SentimentScorer()


@pytest.fixture
def platform(open_platform):
    return open_platform(bars=5)


@pytest.fixture
def make_worker(platform, bus, db, scorer):
    def make(source, poll_s=0.01):
        store = SentimentStore(db, platform.registry)
        return SentimentWorker(bus, store, platform.registry, scorer, source, poll_s)

    return make
