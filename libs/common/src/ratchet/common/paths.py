"""Where configuration, migrations and state lie: in the checkout, or in the folder the process runs in."""

from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[5]


def default_dir(relative: str) -> Path:
    """Return a folder of the checkout if this package runs from one, else the same below the current one.

    The folder need not exist, so that every command finds the same state from any folder.
    """
    inside = (_CHECKOUT / "config").is_dir() and (_CHECKOUT / "pyproject.toml").is_file()
    return (_CHECKOUT if inside else Path.cwd()) / relative
