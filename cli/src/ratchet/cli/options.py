"""Checks of options that several commands share."""

import os
import sys
from pathlib import Path

from rich.console import Console

from ratchet.cli.errors import UsageError
from ratchet.common.paths import default_dir

PIPE_COLUMNS = 140


def make_console() -> Console:
    """Return a console on stdout; a file or pipe has long lines rather than cut tables."""
    wide = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(highlight=False, width=PIPE_COLUMNS if wide else None)


def portfolio() -> str:
    """Return the portfolio that the platform trades."""
    return os.environ.get("RATCHET_PORTFOLIO") or "main"


def config_dir() -> Path:
    """Return RATCHET_CONFIG_DIR, else the checkout's configuration."""
    given = os.environ.get("RATCHET_CONFIG_DIR")
    return Path(given).expanduser().absolute() if given else default_dir("config")


def summary_path(path: Path | None) -> Path | None:
    """Return the file of --summary; UsageError when its folder does not exist or it is a folder."""
    if path is None:
        return None
    found = path.expanduser().absolute()
    if not found.parent.is_dir():
        raise UsageError(f"--summary {path}: the folder {found.parent} does not exist")
    if found.is_dir():
        raise UsageError(f"--summary {path}: is a folder")
    return found
