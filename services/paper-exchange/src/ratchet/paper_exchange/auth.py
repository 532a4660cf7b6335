"""Who may use the venue: an account's key and secret, in the forms that Alpaca takes."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Credentials:
    """An API key and its secret."""

    key: str
    secret: str

    def matches(self, key: str, secret: str) -> bool:
        """Compare in constant time."""
        same_key = hmac.compare_digest(self.key.encode(), key.encode())
        return hmac.compare_digest(self.secret.encode(), secret.encode()) and same_key


def presented(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return the key and secret of a request: the APCA headers, or HTTP basic authorisation; "" if absent."""
    key, secret = headers.get("apca-api-key-id", ""), headers.get("apca-api-secret-key", "")
    if not key and (basic := headers.get("authorization", "")).lower().startswith("basic "):
        return _basic(basic[6:])
    return key, secret


def _basic(text: str) -> tuple[str, str]:
    try:
        key, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return key, secret
