"""Addresses of a library's exchange, led elsewhere: to a proxy, or to a server of the tests."""

from typing import Any
from urllib.parse import urlsplit


def redirected(urls: Any, base: str) -> Any:
    """Return ccxt's tree of addresses with scheme and host replaced; web sockets stay web sockets."""
    if isinstance(urls, dict):
        return {key: redirected(value, base) for key, value in urls.items()}
    if isinstance(urls, list):
        return [redirected(value, base) for value in urls]
    if not isinstance(urls, str):
        return urls
    root = base.rstrip("/")
    if urls.startswith("ws"):
        root = "ws" + root.removeprefix("http")
    # `{hostname}` in a host is no valid host to every parser, so only the path is taken.
    path = urlsplit(urls.replace("{hostname}", "host")).path
    return root + path
