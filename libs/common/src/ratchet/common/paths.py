"""Where configuration and migrations lie: in the checkout, or in the folder the process runs in."""

from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[5]


def default_dir(relative: str) -> Path:
    """Return a folder of the checkout if this package runs from one, else the same below the current one."""
    inside = _CHECKOUT / relative
    return inside if inside.is_dir() else Path(relative).absolute()
