"""The environment that the platform's processes share."""

import os
from collections.abc import Mapping
from pathlib import Path

from ratchet.cli.home import Home, Secrets
from ratchet.cli.platform.services import HOST, Ports

# Eleven processes share a few cores: none may start a thread per core of its own.
FRUGAL = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "PYTHONUNBUFFERED": "1",
}
# A broker of one's own replaces the paper exchange.
BROKER = ("RATCHET_ALPACA_URL", "RATCHET_ALPACA_DATA_URL", "RATCHET_ALPACA_STREAM_URL")
FOREX_BROKER = ("RATCHET_OANDA_URL", "RATCHET_OANDA_STREAM_URL")


def uses_paper_exchange() -> bool:
    """Tell whether orders go to the paper exchange, which is so unless RATCHET_ALPACA_URL names a broker."""
    return not os.environ.get("RATCHET_ALPACA_URL")


def platform_environment(
    home: Home,
    secrets: Secrets,
    ports: Ports,
    *,
    database_url: str,
    redis_url: str,
    mode: str,
    speed: str,
    dataset: Path | None,
    config_dir: Path,
) -> dict[str, str]:
    """Return what every process is given on top of this command's own environment."""
    found = {
        **{name: value for name, value in FRUGAL.items() if name not in os.environ},
        **ports.environment(),
        # Without cached bytecode each of them would compile pandas and numba again.
        "PYTHONDONTWRITEBYTECODE": "",
        "RATCHET_DATABASE_URL": database_url,
        "RATCHET_REDIS_URL": redis_url,
        "RATCHET_CONFIG_DIR": str(config_dir),
        "RATCHET_MODELS_DIR": str(home.models),
        "RATCHET_HOST": HOST,
        "RATCHET_MODE": mode,
        "RATCHET_REPLAY_SPEED": speed,
        "RATCHET_ADMIN_TOKENS": os.environ.get("RATCHET_ADMIN_TOKENS") or secrets.admin_tokens,
        "RATCHET_RPC_TOKEN": os.environ.get("RATCHET_RPC_TOKEN") or secrets.rpc_token,
    }
    if dataset is not None:
        found["RATCHET_DATASET"] = str(dataset)
    if uses_paper_exchange():
        found |= {
            "RATCHET_ALPACA_KEY": secrets.exchange_key,
            "RATCHET_ALPACA_SECRET": secrets.exchange_secret,
        }
    else:
        found = keep_own(found, BROKER)
    if uses_paper_exchange() and not os.environ.get("RATCHET_OANDA_URL"):
        found["RATCHET_OANDA_TOKEN"] = secrets.oanda_token
    else:
        found = keep_own(found, FOREX_BROKER)
    return found


def keep_own(found: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    """Leave variables to the caller's own environment."""
    return {name: value for name, value in found.items() if name not in names}
