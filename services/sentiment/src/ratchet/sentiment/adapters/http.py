"""Texts from an HTTP endpoint that answers with JSON."""

from collections.abc import Iterator
from typing import Self
from urllib.parse import urlsplit

import httpx

from ratchet.common.texts import SourceError, SourceUnavailableError, Text, as_text
from ratchet.common.timestamps import to_datetime

_TIMEOUT_S = 10.0
_MAX_PAGES = 100
_REFUSED = range(400, 500)
_TOO_MANY_REQUESTS = 429


class HttpSource:
    """GET url?since=RFC3339 answers `{"texts": [{"ts", "text", "symbols"}], "next_page_token": null}`.

    A list of records alone will do, too. Further pages are asked for with `page_token`.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.name = urlsplit(url).hostname or "http"
        self._client = httpx.Client(timeout=_TIMEOUT_S, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def read(self, after: int) -> Iterator[Text]:
        """Yield texts published after an event time, in the order of the endpoint."""
        parameters = {"since": to_datetime(after).isoformat()}
        for _ in range(_MAX_PAGES):
            reply = self._get(parameters)
            records = reply.get("texts", []) if isinstance(reply, dict) else reply
            if not isinstance(records, list):
                raise SourceError(f"{self.name}: the answer holds no list of texts")
            for number, record in enumerate(records, start=1):
                text = as_text(record, f"{self.name}, record {number}")
                if text.ts > after:
                    yield text
            token = reply.get("next_page_token") if isinstance(reply, dict) else None
            if not token:
                return
            parameters["page_token"] = str(token)

    def _get(self, parameters: dict[str, str]) -> object:
        try:
            answer = self._client.get(self._url, params=parameters)
        except httpx.HTTPError as error:
            raise SourceUnavailableError(f"{self.name}: {type(error).__name__}") from error
        if answer.status_code in _REFUSED and answer.status_code != _TOO_MANY_REQUESTS:
            raise SourceError(f"{self.name}: answered {answer.status_code}")
        if not answer.is_success:
            raise SourceUnavailableError(f"{self.name}: answered {answer.status_code}")
        try:
            return answer.json()
        except ValueError as error:
            raise SourceUnavailableError(f"{self.name}: the answer is not JSON") from error
