"""`ratchet data`: importing, pulling, listing and checking datasets, and choosing one for a run."""

from ratchet.cli.data.choice import ChosenDataset, choose_dataset
from ratchet.cli.data.commands import data_app

__all__ = ["ChosenDataset", "choose_dataset", "data_app"]
