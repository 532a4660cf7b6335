"""The dataset's own option quotes, as of any time."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from ratchet.common.datasets.option_quotes import QuoteColumns
from ratchet.core.options import OccSymbol, OptionContract
from ratchet.core.options.expirations import expiration_close
from ratchet.core.options.quotes import OptionQuote, QuoteSource
from ratchet.core.orders.money import from_float


@dataclass(frozen=True, slots=True)
class _Series:
    times: NDArray[np.int64]
    rows: NDArray[np.intp]


class RecordedQuotes:
    """Quotes by OCC symbol; one without an ask is left out, one without a bid has a bid of 0."""

    def __init__(self, columns: QuoteColumns | None = None) -> None:
        self._columns = columns
        self._series: dict[str, _Series] = {}
        # By underlying: the contract and the end of its last session.
        self._names: dict[str, list[tuple[str, int]]] = {}
        if columns is not None:
            order = np.lexsort((columns.ts, columns.symbols))
            names, first = np.unique(columns.symbols[order], return_index=True)
            borders = np.append(first, len(order))
            for number, name in enumerate(names.tolist()):
                rows = order[borders[number] : borders[number + 1]]
                self._series[name] = _Series(columns.ts[rows], rows)
                occ = OccSymbol.parse(name)
                last = expiration_close(occ.expiration)
                self._names.setdefault(occ.root, []).append((name, last))

    def known(self, underlying: str, ts: int) -> set[str]:
        """Return the contracts on an underlying that have a quote at ts (ns, UTC) and a session left."""
        return {
            symbol
            for symbol, last in self._names.get(underlying, ())
            if int(self._series[symbol].times[0]) <= ts < last
        }

    def at(self, contracts: Sequence[OptionContract], ts: int) -> dict[str, OptionQuote]:
        """Return the last quote at or before ts (ns, UTC) of each contract that has one."""
        found: dict[str, OptionQuote] = {}
        if not self._series:
            return found
        for contract in contracts:
            series = self._series.get(contract.symbol)
            if series is None:
                continue
            index = int(np.searchsorted(series.times, ts, side="right")) - 1
            if index >= 0:
                found[contract.symbol] = self._quote(contract, int(series.rows[index]))
        return found

    def _quote(self, contract: OptionContract, row: int) -> OptionQuote:
        columns = self._columns
        if columns is None:
            raise AssertionError("a series has columns")
        bid = float(columns.bid[row])
        return OptionQuote(
            contract,
            int(columns.ts[row]),
            from_float(bid) if bid > 0 else Decimal(0),
            int(columns.bid_size[row]),
            from_float(columns.ask[row]),
            int(columns.ask_size[row]),
            QuoteSource.RECORDED,
        )
