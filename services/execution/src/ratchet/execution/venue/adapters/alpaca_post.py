"""Requests about one order over a connection that is kept, without the layers of an SDK in between.

alpaca-py goes through requests, which builds a session's settings anew for each call; an order has no time
for that. The connection pool underneath is the same.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import certifi
import requests
import urllib3
from alpaca.common.exceptions import APIError
from requests.utils import get_environ_proxies, select_proxy

_OK, _REFUSED = 200, 300


class OrderCalls:
    """Calls one venue; never repeats one, never follows a redirect.

    APIError for a status other than 2xx, HTTPError without an answer.
    """

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

        # Known once, where no proxy has to be told the whole address.
        self._host = None if proxy else self._pool.connection_from_url(self._url)
        self._path = urlsplit(self._url).path if self._host else self._url

    def send(self, body: Mapping[str, Any]) -> Any:
        """POST an order; return the answer's JSON."""
        return json.loads(self._call("POST", "", json.dumps(body).encode()))

    def cancel(self, order_id: str) -> None:
        """DELETE an order by the venue's id."""
        self._call("DELETE", f"/{quote(order_id, safe='')}")

    def look_up(self, client_order_id: str) -> Any:
        """GET an order by its client's id; return the answer's JSON."""
        query = urlencode({"client_order_id": client_order_id})
        return json.loads(self._call("GET", f":by_client_order_id?{query}"))

    def _call(self, method: str, rest: str, body: bytes | None = None) -> bytes:
        ask = self._host.urlopen if self._host else self._pool.urlopen
        response = ask(method, self._path + rest, body=body, headers=self._headers, redirect=False)
        if _OK <= response.status < _REFUSED:
            return response.data
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
