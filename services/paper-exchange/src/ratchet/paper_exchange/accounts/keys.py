"""API keys of accounts: only a hash of the secret is kept."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key with its secret, which is shown once."""

    key_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it is kept."""

    key_id: str
    account: str
    secret_sha256: str
    created_ns: int

    def matches(self, secret: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self.secret_sha256, fingerprint(self.key_id, secret))


def issue() -> IssuedKey:
    """Make a key; the secret has 240 random bits."""
    return IssuedKey(f"PK{secrets.token_hex(9).upper()}", secrets.token_urlsafe(30))


def fingerprint(key_id: str, secret: str) -> str:
    """Return what is kept of a secret. One round suffices: nobody guesses a secret of 240 random bits."""
    return hashlib.sha256(f"{key_id}:{secret}".encode()).hexdigest()
