"""Alpaca's quotes of option contracts, from its market data API, and time-outs for alpaca-py's sessions."""

from collections.abc import Sequence
from typing import Any

import requests
from alpaca.common.exceptions import APIError
from alpaca.common.rest import RESTClient
from requests.adapters import HTTPAdapter

from ratchet.execution.venue.adapters import alpaca_wire as wire
from ratchet.execution.venue.broker import BrokerQuote

_PAGE = 100
# The loop that trades waits for them, and lives without them.
_CONNECT_S, _READ_S = 1.0, 2.0
_REFUSED = frozenset({400, 404, 422})


class TimeoutAdapter(HTTPAdapter):
    """Gives every request a time-out, (connect, read) in seconds, that the SDK does not."""

    def __init__(self, connect_s: float, read_s: float) -> None:
        self._timeout_s = (connect_s, read_s)
        super().__init__(max_retries=0)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        """Send with the time-out."""
        kwargs["timeout"] = self._timeout_s
        return super().send(request, **kwargs)


class OptionQuotes:
    """Reads the last quotes of contracts; one thread at a time."""

    def __init__(self, url: str, key: str, secret: str) -> None:
        self._client = RESTClient(
            base_url=url.rstrip("/"), api_key=key, secret_key=secret, api_version="v1beta1", raw_data=True
        )
        # Private by name, but the documented way: the constructor has no argument for them.
        self._client._retry = 0  # noqa: SLF001
        for scheme in ("http://", "https://"):
            self._client._session.mount(scheme, TimeoutAdapter(_CONNECT_S, _READ_S))  # noqa: SLF001

    def latest(self, symbols: Sequence[str]) -> list[BrokerQuote]:
        """Return the quotes that the venue has; APIError and transport errors pass through."""
        found: list[BrokerQuote] = []
        for first in range(0, len(symbols), _PAGE):
            found += self._page(symbols[first : first + _PAGE])
        return found

    def close(self) -> None:
        """Close the connections."""
        self._client._session.close()  # noqa: SLF001

    def _page(self, symbols: Sequence[str]) -> list[BrokerQuote]:
        try:
            answer: Any = self._client.get("/options/quotes/latest", {"symbols": ",".join(symbols)})
        except APIError as error:
            if error.status_code not in _REFUSED:
                raise
            if len(symbols) == 1:
                return []
            # One that the venue does not know must not hide the others.
            return [row for symbol in symbols for row in self._page([symbol])]
        return [wire.parse_option_quote(name, row) for name, row in answer["quotes"].items()]
