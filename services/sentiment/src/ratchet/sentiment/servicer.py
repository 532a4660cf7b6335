"""The gRPC API of sentiment."""

from collections.abc import Callable

import grpc

from ratchet.common.timestamps import to_datetime, to_ns
from ratchet.core.assets import Registry
from ratchet.core.sentiment import SentimentScorer
from ratchet.sentiment.store import SentimentStore
from ratchet.v1 import sentiment_pb2 as pb
from ratchet.v1.sentiment_pb2_grpc import SentimentServicer

_DEFAULT_LIMIT, _MAX_LIMIT = 1_000, 10_000
_MAX_TEXTS, _MAX_CHARACTERS = 1_000, 10_000
_FAR_FUTURE_NS = 4_102_444_800_000_000_000


class Servicer(SentimentServicer):
    """Answers from the database; scores texts on demand.

    `known_until` returns the event time (ns, UTC) after which nothing is known yet, in a replay.
    """

    def __init__(
        self,
        store: SentimentStore,
        registry: Registry,
        scorer: SentimentScorer,
        known_until: Callable[[], int] | None = None,
    ) -> None:
        self._store = store
        self._registry = registry
        self._scorer = scorer
        self._known_until = known_until or (lambda: _FAR_FUTURE_NS)

    def GetSentiment(
        self, request: pb.GetSentimentRequest, context: grpc.ServicerContext
    ) -> pb.GetSentimentResponse:
        """Return the scores of a symbol in [start_ns, end_ns)."""
        if request.symbol not in self._registry:
            context.abort(
                grpc.StatusCode.NOT_FOUND, f"symbol {request.symbol!r} is not in the asset registry"
            )
        if request.limit > _MAX_LIMIT:
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"limit {request.limit} is too large; allowed: 1 to {_MAX_LIMIT}",
            )
        end_ns = min(request.end_ns or _FAR_FUTURE_NS, self._known_until() + 1_000)
        start, end = to_datetime(request.start_ns), to_datetime(end_ns)
        rows = self._store.between(request.symbol, start, end, request.limit or _DEFAULT_LIMIT)
        return pb.GetSentimentResponse(
            points=[
                pb.SentimentPoint(ts_ns=to_ns(ts), score=score, mentions=mentions, source=source)
                for ts, score, mentions, source in rows
            ]
        )

    def Score(self, request: pb.ScoreRequest, context: grpc.ServicerContext) -> pb.ScoreResponse:
        """Return the score in [-1, 1] of each text."""
        longest = max(map(len, request.texts), default=0)
        if len(request.texts) > _MAX_TEXTS or longest > _MAX_CHARACTERS:
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"{len(request.texts)} texts of up to {longest} characters are too many; "
                f"allowed: {_MAX_TEXTS} of {_MAX_CHARACTERS}",
            )
        return pb.ScoreResponse(scores=[self._scorer.score(text) for text in request.texts])
