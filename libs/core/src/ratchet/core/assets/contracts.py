"""Ids of option contracts: they lie above every id of a registry, so that an id alone tells what it names."""

FIRST_CONTRACT_ID = 1 << 62
CONTRACT_MULTIPLIER = 100
"""Shares that the price of an option is stated for once; 100 also in contracts that were adjusted."""


def is_contract(asset_id: int) -> bool:
    """Say whether an id is that of an option contract, not of an asset of the registry."""
    return asset_id >= FIRST_CONTRACT_ID


def multiplier_of(asset_id: int) -> int:
    """Return what turns a price of an asset or contract into money for one unit."""
    return CONTRACT_MULTIPLIER if asset_id >= FIRST_CONTRACT_ID else 1
