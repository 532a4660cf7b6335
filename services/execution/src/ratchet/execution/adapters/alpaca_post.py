"""POST of an order over a connection that is kept, without the layers of an SDK in between.

alpaca-py goes through requests, which builds a session's settings anew for each call; an order has no time
for that. The connection pool underneath is the same.
"""

import json
from collections.abc import Mapping
from typing import Any

import certifi
import requests
import urllib3
from alpaca.common.exceptions import APIError
from requests.utils import get_environ_proxies, select_proxy

_OK, _REFUSED = 200, 300


class OrderPost:
    """Posts JSON bodies to one address; never repeats one, never follows a redirect."""

    def __init__(
        self, url: str, key: str, secret: str, *, connect_timeout_s: float, read_timeout_s: float
    ) -> None:
        self._url = f"{url.rstrip('/')}/v2/orders"
        self._headers = {
            "APCA-API-KEY-ID": key,
            "APCA-API-SECRET-KEY": secret,
            "Content-Type": "application/json",
        }
        options: dict[str, Any] = {
            "maxsize": 1,
            "retries": False,
            "timeout": urllib3.Timeout(connect_timeout_s, read_timeout_s),
            "cert_reqs": "CERT_REQUIRED",
            "ca_certs": certifi.where(),
        }
        proxy = select_proxy(self._url, get_environ_proxies(self._url, no_proxy=None))
        self._pool: urllib3.PoolManager = (
            urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
        )

    def send(self, body: Mapping[str, Any]) -> Any:
        """Return the answer's JSON; APIError for a status other than 2xx, HTTPError without an answer."""
        response = self._pool.urlopen(
            "POST", self._url, body=json.dumps(body).encode(), headers=self._headers, redirect=False
        )
        if _OK <= response.status < _REFUSED:
            return json.loads(response.data)
        raise _refusal(response.status, response.headers, response.data.decode("utf-8", "replace"))

    def close(self) -> None:
        """Close the connection."""
        self._pool.clear()


def _refusal(status: int, headers: Mapping[str, str], text: str) -> APIError:
    """Return the error that alpaca-py makes of the same answer."""
    seen = requests.Response()
    seen.status_code = status
    seen.headers.update(headers)
    refusal: APIError = APIError(text, requests.HTTPError(response=seen))  # type: ignore[no-untyped-call]
    return refusal
