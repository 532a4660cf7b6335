"""Datasets: folders of bars, replayed as validated batches."""

from typing import TYPE_CHECKING

from ratchet.core.lazy import on_demand

if TYPE_CHECKING:
    from ratchet.common.datasets.config import DatasetConfig
    from ratchet.common.datasets.dataset import Dataset, Series
    from ratchet.common.datasets.errors import DatasetError
    from ratchet.common.datasets.home import data_home, known_datasets
    from ratchet.common.datasets.replay import OnQuarantine, QuarantinedBar, Replay
    from ratchet.common.datasets.symbols import Listing
else:
    # pyarrow and numba come with them; a service that trades live needs a few of the modules only.
    __getattr__ = on_demand(
        __name__,
        {
            "Dataset": "dataset",
            "DatasetConfig": "config",
            "DatasetError": "errors",
            "Listing": "symbols",
            "OnQuarantine": "replay",
            "QuarantinedBar": "replay",
            "Replay": "replay",
            "Series": "dataset",
            "data_home": "home",
            "known_datasets": "home",
        },
    )

__all__ = [
    "Dataset",
    "DatasetConfig",
    "DatasetError",
    "Listing",
    "OnQuarantine",
    "QuarantinedBar",
    "Replay",
    "Series",
    "data_home",
    "known_datasets",
]
