"""The data home: where named datasets lie."""

import os
from pathlib import Path

from ratchet.common.datasets.config import CONFIG_NAME
from ratchet.common.datasets.errors import DatasetError
from ratchet.common.datasets.readers import SUFFIXES
from ratchet.common.paths import default_dir


def data_home() -> Path:
    """Return the folder of named datasets: RATCHET_DATA_DIR, else var/datasets."""
    stated = os.environ.get("RATCHET_DATA_DIR")
    return Path(stated).expanduser().absolute() if stated else default_dir("var") / "datasets"


def known_datasets() -> list[str]:
    """Return the names of the datasets in the data home, sorted."""
    home = data_home()
    if not home.is_dir():
        return []
    return sorted(entry.name for entry in home.iterdir() if entry.is_dir() and _holds_bars(entry))


def find_dataset(path: Path | str) -> Path:
    """Return the path of a dataset given by path or by name; DatasetError lists the known names."""
    given = Path(path).expanduser()
    if given.exists():
        return given.absolute()
    named = data_home() / str(path)
    if given.name == str(path) and named.is_dir():
        return named
    known = ", ".join(known_datasets()) or "none yet (see ratchet data pull and ratchet data import)"
    raise DatasetError(
        f"dataset {str(path)!r} is neither a file or folder nor known; known in {data_home()}: {known}"
    )


def _holds_bars(folder: Path) -> bool:
    if folder.name.startswith("."):
        return False
    return (folder / CONFIG_NAME).is_file() or any(file.name.endswith(SUFFIXES) for file in folder.iterdir())
