"""Who may use the venue: one account's key and secret, in the forms that Alpaca takes."""

import base64
import binascii
import hmac
from dataclasses import dataclass

from fastapi import Request

from ratchet.paper_exchange.errors import UnauthorizedError


@dataclass(frozen=True, slots=True)
class Credentials:
    """An API key and its secret."""

    key: str
    secret: str

    def matches(self, key: str, secret: str) -> bool:
        """Compare in constant time."""
        same_key = hmac.compare_digest(self.key.encode(), key.encode())
        return hmac.compare_digest(self.secret.encode(), secret.encode()) and same_key

    def require(self, request: Request) -> None:
        """Check the APCA headers or HTTP basic authorisation; raise UnauthorizedError."""
        headers = request.headers
        key, secret = headers.get("apca-api-key-id", ""), headers.get("apca-api-secret-key", "")
        if not key and (basic := headers.get("authorization", "")).lower().startswith("basic "):
            key, secret = _basic(basic[6:])
        if not key or not secret:
            raise UnauthorizedError(
                "request is not authorized: APCA-API-KEY-ID and APCA-API-SECRET-KEY are required"
            )
        if not self.matches(key, secret):
            raise UnauthorizedError("request is not authorized")


def _basic(text: str) -> tuple[str, str]:
    try:
        key, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return key, secret
