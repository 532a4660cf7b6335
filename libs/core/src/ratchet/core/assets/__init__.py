"""Assets: what can be traded, in which class, by which rules."""

from ratchet.core.assets.contracts import is_contract, multiplier_of
from ratchet.core.assets.pips import pip_size
from ratchet.core.assets.types import Asset, AssetClass, Registry

__all__ = ["Asset", "AssetClass", "Registry", "is_contract", "multiplier_of", "pip_size"]
