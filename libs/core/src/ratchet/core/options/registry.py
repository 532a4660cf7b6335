"""A registry that knows option contracts too.

Contracts come and go, so none is listed: the id of a contract states its facts, as its OCC symbol does, and
every process that has the same assets reads the same contract from it. From the lowest bit: strike x 1000
(27 bits), right (1), days from 2000 to the expiration (15), the root's digit plus one (4), the underlying's
id (14), and the bit that marks contracts.
"""

from datetime import date, timedelta
from decimal import Decimal

from ratchet.core.assets.contracts import FIRST_CONTRACT_ID, is_contract
from ratchet.core.assets.types import Asset, AssetClass, Registry
from ratchet.core.options.contract import (
    ExerciseStyle,
    OccSymbol,
    OptionContract,
    Right,
    Settlement,
    is_option_symbol,
)

OPTIONABLE = frozenset({AssetClass.STOCK, AssetClass.LEVERAGED_ETF, AssetClass.SPECULATIVE})
"""Classes whose assets have listed options."""

VENUE = "alpaca"
_STRIKE_BITS, _DAY_BITS, _DIGIT_BITS, _ASSET_BITS = 27, 15, 4, 14
_EPOCH = date(2000, 1, 1)
_THOUSAND = Decimal(1000)
_CENT = Decimal("0.01")
_REMEMBERED = 4096


class ContractRegistry(Registry):
    """The assets of another registry, and every contract on those that have listed options.

    Contracts are found by id and by OCC symbol; they take part neither in iteration nor in the length, so
    that arrays by asset id stay as they are.
    """

    def __init__(self, registry: Registry, european: frozenset[str] = frozenset()) -> None:
        super().__init__(registry)
        self._european = european
        self._known: dict[int, Asset] = {}

    def __getitem__(self, asset_id: int) -> Asset:
        if asset_id < FIRST_CONTRACT_ID:
            return super().__getitem__(asset_id)
        found = self._known.get(asset_id)
        if found is None:
            found = self._as_asset(asset_id)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[asset_id] = found
        return found

    def __contains__(self, symbol: object) -> bool:
        return super().__contains__(symbol) or (isinstance(symbol, str) and self._id_of(symbol) is not None)

    def has(self, asset_id: int) -> bool:
        """Say whether an id names an asset or a contract on one."""
        if not is_contract(asset_id):
            return super().has(asset_id)
        try:
            self.contract(asset_id)
        except (ValueError, IndexError):
            return False
        return True

    def by_symbol(self, symbol: str) -> Asset:
        """Return the asset or the contract of an OCC symbol, or raise KeyError that names the symbol."""
        found = self._id_of(symbol)
        return super().by_symbol(symbol) if found is None else self[found]

    def contract(self, asset_id: int) -> OptionContract:
        """Return the contract of an id; ValueError or IndexError for one that states none.

        An adjusted contract is returned with the usual 100 shares: what it delivers, no symbol states.
        """
        rest = asset_id - FIRST_CONTRACT_ID
        rest, strike = rest >> _STRIKE_BITS, rest & (1 << _STRIKE_BITS) - 1
        rest, right = rest >> 1, Right.PUT if rest & 1 else Right.CALL
        rest, days = rest >> _DAY_BITS, rest & (1 << _DAY_BITS) - 1
        number, digit = rest >> _DIGIT_BITS, rest & (1 << _DIGIT_BITS) - 1
        underlying = super().__getitem__(number).symbol
        root = f"{underlying}{digit - 1}" if digit else underlying
        occ = OccSymbol(root, _EPOCH + timedelta(days=days), right, Decimal(strike) / _THOUSAND)
        if self._id_of(str(occ)) != asset_id:
            raise ValueError(f"{asset_id} is not the id of an option contract")
        if underlying in self._european:
            return OptionContract(occ, underlying, ExerciseStyle.EUROPEAN, Settlement.CASH)
        return OptionContract(occ, underlying)

    def underlying_of(self, asset_id: int) -> Asset:
        """Return the asset that a contract is on."""
        return self.by_symbol(self.contract(asset_id).underlying)

    def _id_of(self, symbol: str) -> int | None:
        """Return the id of an OCC symbol on an asset that has options, None for any other text."""
        if not is_option_symbol(symbol):
            return None
        try:
            occ = OccSymbol.parse(symbol)
        except ValueError:
            return None
        digit = int(occ.root[-1]) + 1 if occ.root[-1].isdigit() else 0
        name = occ.root[:-1] if digit else occ.root
        if not super().__contains__(name):
            return None
        asset = super().by_symbol(name)
        if asset.asset_class not in OPTIONABLE or asset.venue != VENUE or asset.id >= 1 << _ASSET_BITS:
            return None
        packed = asset.id << _DIGIT_BITS | digit
        packed = packed << _DAY_BITS | (occ.expiration - _EPOCH).days
        packed = packed << 1 | (occ.right is Right.PUT)
        return FIRST_CONTRACT_ID + (packed << _STRIKE_BITS | int(occ.strike * _THOUSAND))

    def _as_asset(self, asset_id: int) -> Asset:
        contract = self.contract(asset_id)
        underlying = super().by_symbol(contract.underlying)
        return Asset(
            id=asset_id,
            symbol=contract.symbol,
            asset_class=AssetClass.OPTION,
            phase=underlying.phase,
            venue=underlying.venue,
            universe=underlying.universe,
            calendar=underlying.calendar,
            price_increment=_CENT,
            qty_increment=Decimal(1),
            min_notional=Decimal(0),
            max_position_ratio=underlying.max_position_ratio,
            # What was paid can be lost as a whole.
            stop_loss_ratio=1.0,
            shortable=True,
            sector=underlying.sector,
        )


def with_contracts(registry: Registry) -> ContractRegistry:
    """Return the registry with contracts."""
    return registry if isinstance(registry, ContractRegistry) else ContractRegistry(registry)
