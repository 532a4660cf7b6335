"""Where the local platform keeps its state and its secrets."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from ratchet.cli.errors import UsageError
from ratchet.common.embedded import PostgresServer, ValkeyServer
from ratchet.common.paths import default_dir

ROLES = ("viewer", "operator", "admin")
MODES = ("replay", "live")
# Commits survive the death of every process, but not a power failure: a replay can be run again, and
# waiting for the disk would take most of its time.
REPEATABLE = {"fsync": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class Home:
    """The folders under RATCHET_HOME (default: `var` in the checkout, else below the current folder)."""

    root: Path

    @classmethod
    def find(cls) -> "Home":
        """Return the home of this call; nothing is created yet."""
        given = os.environ.get("RATCHET_HOME")
        return cls(Path(given).expanduser().absolute() if given else default_dir("var"))

    @property
    def run(self) -> Path:
        """State of the running platform: lock, state.json, secrets.json."""
        return self.root / "run"

    @property
    def log(self) -> Path:
        """One log per process."""
        return self.root / "log"

    def postgres(self, mode: str) -> PostgresServer:
        """Return the embedded PostgreSQL of a mode; live books and replays never share a server."""
        return PostgresServer(
            self.root / mode / "postgres", settings=REPEATABLE if mode == "replay" else None
        )

    def valkey(self, mode: str) -> ValkeyServer:
        """Return the embedded Valkey of a mode."""
        return ValkeyServer(self.root / mode / "valkey")

    @property
    def models(self) -> Path:
        """The model registry: RATCHET_MODELS_DIR, else `models` in the home."""
        given = os.environ.get("RATCHET_MODELS_DIR")
        return Path(given).absolute() if given else self.root / "models"

    def create(self) -> None:
        """Make the folders. Raises UsageError when the home cannot be written."""
        try:
            for folder in (self.root, self.run, self.log, self.models):
                folder.mkdir(parents=True, exist_ok=True)
            self.run.chmod(0o700)
        except OSError as error:
            raise UsageError(f"cannot write to {self.root} ({error.strerror}): set RATCHET_HOME") from error


@dataclass(frozen=True, slots=True)
class Secrets:
    """Generated credentials of a local platform."""

    tokens: dict[str, str]
    rpc_token: str
    exchange_key: str
    exchange_secret: str
    oanda_token: str

    @property
    def admin_tokens(self) -> str:
        """The tokens in the form of RATCHET_ADMIN_TOKENS."""
        return ",".join(f"{role}={token}" for role, token in self.tokens.items())

    @classmethod
    def load(cls, home: Home) -> "Secrets":
        """Read the secrets of a home, generating them at the first call; the file has mode 0600."""
        path = home.run / "secrets.json"
        if not path.exists():
            fresh = {
                "tokens": {role: secrets.token_urlsafe(24) for role in ROLES},
                "rpc_token": secrets.token_urlsafe(24),
                "exchange_key": "PK" + secrets.token_hex(9).upper(),
                "exchange_secret": secrets.token_urlsafe(30),
            }
            write_private(path, json.dumps(fresh, indent=2))
        try:
            known = json.loads(path.read_text())
            if "oanda_token" not in known:
                # Also for a home from before there was a second venue.
                known["oanda_token"] = f"{secrets.token_hex(16)}-{secrets.token_hex(16)}"
                write_private(path, json.dumps(known, indent=2))
            return cls(**known)
        except (TypeError, ValueError) as error:
            raise UsageError(f"{path} is damaged ({error}): delete it, new secrets are generated") from error


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
    fresh.replace(path)
