"""What one execution costs: crypto commissions and the regulatory fees on sales of US equities.

Sources: SEC fee-rate advisories under section 31 of the Securities Exchange Act; FINRA By-Laws, schedule A,
section 1 (Trading Activity Fee). Both are passed on by the broker, rounded up to the cent per execution.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from ratchet.core.assets.types import Asset, AssetClass
from ratchet.core.exchange.config import EQUITIES, ExchangeConfig
from ratchet.core.orders.money import MONEY_QUANTUM, ZERO, ceil_to, notional
from ratchet.core.orders.types import Side

_CENT = Decimal("0.01")
_MILLION = Decimal(1_000_000)
_MAX_ROUNDING = Decimal("1.01")


def _ns(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * 1_000_000_000


# First UTC day of validity, dollars per million dollars sold.
_SEC_PER_MILLION: tuple[tuple[int, Decimal], ...] = (
    (_ns(2013, 5, 25), Decimal("17.40")),
    (_ns(2014, 3, 18), Decimal("22.10")),
    (_ns(2015, 2, 14), Decimal("18.40")),
    (_ns(2016, 2, 16), Decimal("21.80")),
    (_ns(2017, 7, 4), Decimal("23.10")),
    (_ns(2018, 5, 22), Decimal("13.00")),
    (_ns(2019, 4, 16), Decimal("20.70")),
    (_ns(2020, 2, 18), Decimal("22.10")),
    (_ns(2021, 2, 25), Decimal("5.10")),
    (_ns(2022, 5, 14), Decimal("22.90")),
    (_ns(2023, 2, 27), Decimal("8.00")),
    (_ns(2024, 5, 22), Decimal("27.80")),
    (_ns(2025, 5, 14), Decimal("0.00")),
    (_ns(2026, 4, 4), Decimal("20.60")),
)
# First UTC day of validity, dollars per share sold, cap per execution.
_TAF_PER_SHARE: tuple[tuple[int, Decimal, Decimal], ...] = (
    (_ns(2012, 7, 1), Decimal("0.000119"), Decimal("5.95")),
    (_ns(2022, 1, 1), Decimal("0.000130"), Decimal("6.49")),
    (_ns(2023, 1, 1), Decimal("0.000145"), Decimal("7.27")),
    (_ns(2024, 1, 1), Decimal("0.000166"), Decimal("8.30")),
    (_ns(2026, 1, 1), Decimal("0.000195"), Decimal("9.79")),
)
_SEC_STARTS = [row[0] for row in _SEC_PER_MILLION]
_TAF_STARTS = [row[0] for row in _TAF_PER_SHARE]


@dataclass(frozen=True, slots=True)
class Fee:
    """A fee in the quote currency, or in units of the asset when in_base."""

    amount: Decimal = ZERO
    in_base: bool = False


_FREE = Fee()


def fee_for(
    asset: Asset,
    side: Side,
    qty: Decimal,
    price: Decimal,
    ts: int,
    config: ExchangeConfig,
    is_maker: bool = False,
) -> Fee:
    """Return the fee of one execution at event time ts (ns, UTC).

    The exchange and the bookkeeping both call this, so that they agree to the last digit.
    """
    if asset.asset_class is AssetClass.CRYPTO:
        return _crypto_fee(asset, side, qty, price, config, is_maker)
    if asset.asset_class in EQUITIES and side is Side.SELL and config.fees.regulatory:
        return Fee(sec_fee(notional(qty, price), ts) + taf_fee(qty, ts))
    if asset.asset_class is AssetClass.OPTION:
        return Fee(option_fee(side, qty, config))
    return _FREE


def option_fee(side: Side, qty: Decimal, config: ExchangeConfig) -> Decimal:
    """Return the regulatory and clearing fees of an execution in contracts, rounded up to the cent."""
    if not config.fees.regulatory:
        return ZERO
    fees = config.options.fees
    rate = fees.regulatory + fees.clearing + (fees.trading_activity if side is Side.SELL else ZERO)
    return ceil_to(qty * rate, _CENT)


def _crypto_fee(
    asset: Asset, side: Side, qty: Decimal, price: Decimal, config: ExchangeConfig, is_maker: bool
) -> Fee:
    rate = (config.fees.crypto_maker_bps if is_maker else config.fees.crypto_taker_bps) / 10_000
    if rate == 0:
        return _FREE
    if side is Side.BUY:
        exact = qty * rate
        rounded = ceil_to(exact, asset.qty_increment)
        # A position must stay a multiple of the increment, else dust is left that cannot be sold. Where the
        # increment is too coarse to carve the fee out of the coin, it is taken in the quote currency.
        if rounded <= exact * _MAX_ROUNDING:
            return Fee(rounded, in_base=True)
    return Fee(ceil_to(notional(qty, price) * rate, MONEY_QUANTUM))


def sec_fee(sold: Decimal, ts: int) -> Decimal:
    """Return the SEC's section 31 fee on money received from a sale; 0 before the table begins."""
    row = bisect_right(_SEC_STARTS, ts) - 1
    return ceil_to(sold * _SEC_PER_MILLION[row][1] / _MILLION, _CENT) if row >= 0 else ZERO


def taf_fee(shares: Decimal, ts: int) -> Decimal:
    """Return FINRA's Trading Activity Fee on shares sold; 0 before the table begins."""
    row = bisect_right(_TAF_STARTS, ts) - 1
    if row < 0:
        return ZERO
    _, rate, cap = _TAF_PER_SHARE[row]
    return min(ceil_to(shares * rate, _CENT), cap)
