"""Whose bids and asks matter: what is held or worked, what was signalled, and what there is room for."""

from collections.abc import Iterable, Sequence

from ratchet.core.assets import Asset


class Interest:
    """Ranks assets by who needs their quotes; one caller at a time, bounded by the registry."""

    def __init__(self) -> None:
        self._needed: dict[str, frozenset[int]] = {}
        self._signalled: dict[int, int] = {}

    def note_portfolio(self, portfolio: str, asset_ids: Iterable[int]) -> None:
        """Take the assets that a portfolio holds or has working orders in, instead of those before."""
        self._needed[portfolio] = frozenset(asset_ids)

    def note_signals(self, asset_ids: Iterable[int], ts: int) -> None:
        """Take the assets of a batch of signals of event time `ts` (ns, UTC): proposals are made of them."""
        for asset_id in asset_ids:
            self._signalled[asset_id] = max(ts, self._signalled.get(asset_id, 0))

    def choose(self, assets: Sequence[Asset], room: int) -> tuple[Asset, ...]:
        """Return at most `room` of the assets, by id: needed ones first, then those signalled last."""
        needed = frozenset().union(*self._needed.values())

        def rank(asset: Asset) -> tuple[bool, int, int]:
            return (asset.id not in needed, -self._signalled.get(asset.id, 0), asset.id)

        return tuple(sorted(sorted(assets, key=rank)[:room], key=lambda asset: asset.id))
