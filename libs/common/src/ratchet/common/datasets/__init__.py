"""Datasets: folders of bars, replayed as validated batches."""

from ratchet.common.datasets.config import DatasetConfig
from ratchet.common.datasets.dataset import Dataset, Series
from ratchet.common.datasets.errors import DatasetError
from ratchet.common.datasets.home import data_home, known_datasets
from ratchet.common.datasets.replay import OnQuarantine, QuarantinedBar, Replay
from ratchet.common.datasets.symbols import Listing

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
