"""Parent orders, what they see and what they ask for. Times are event times in ns since the epoch, UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from ratchet.core.orders import Intent, Order, Side, TimeInForce
from ratchet.core.orders.money import ZERO, is_multiple

NS_PER_S = 1_000_000_000
SINGLE_LEG = Decimal(1)


class EndReason(StrEnum):
    """Why a parent order has ended."""

    FILLED = "PARENT_FILLED"
    DEADLINE = "PARENT_DEADLINE"
    CHILD_ENDED = "PARENT_CHILD_ENDED"
    CHILDREN_REJECTED = "PARENT_CHILDREN_REJECTED"
    BELOW_MINIMUM = "PARENT_BELOW_MINIMUM"
    STOPPED = "PARENT_STOPPED"
    HEDGED_OUT = "PARENT_HEDGED_OUT"
    UNBALANCED = "PARENT_UNBALANCED"


@dataclass(frozen=True, slots=True)
class Instrument:
    """What is needed of an asset to price and size an order in it."""

    asset_id: int
    price_increment: Decimal
    qty_increment: Decimal
    min_notional: Decimal = ZERO

    def __post_init__(self) -> None:
        for name in ("price_increment", "qty_increment"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} {getattr(self, name)} must be positive")


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg of a multi-leg order: `ratio` units of the asset for each unit of the parent."""

    instrument: Instrument
    side: Side
    ratio: Decimal = SINGLE_LEG
    limit_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ParentOrder:
    """An order that an algorithm works through children.

    `limit_price` is the worst price of any child. From `deadline_ts` on nothing is placed. `can_replace`
    says that the venue changes the price of a working order in place; else it is cancelled and placed anew.
    A market view older than `max_market_age_ns` is not used. After `max_rejects` refused children no more
    are tried. `legs` are set for multi-leg orders only; `qty` then counts packages and `side` is ignored.
    """

    id: str
    instrument: Instrument
    side: Side
    qty: Decimal
    intent: Intent
    start_ts: int
    deadline_ts: int
    limit_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    can_replace: bool = False
    max_market_age_ns: int = 120 * NS_PER_S
    max_rejects: int = 3
    reference_price: Decimal | None = None
    reason: str = ""
    signal_id: str = ""
    legs: tuple[Leg, ...] = ()

    def __post_init__(self) -> None:
        if not self.qty.is_finite() or self.qty <= 0:
            raise ValueError(f"qty {self.qty} must be a positive number")
        if not is_multiple(self.qty, self.instrument.qty_increment):
            raise ValueError(f"qty {self.qty} is not a multiple of {self.instrument.qty_increment}")
        if self.deadline_ts <= self.start_ts:
            raise ValueError(f"deadline_ts {self.deadline_ts} must be after start_ts {self.start_ts}")
        _check_limit(self.limit_price, self.instrument)
        for leg in self.legs:
            _check_leg(leg, self.qty)
        if len({leg.instrument.asset_id for leg in self.legs}) != len(self.legs):
            raise ValueError("legs must be in different assets")


def _check_limit(price: Decimal | None, instrument: Instrument) -> None:
    if price is None:
        return
    if not price.is_finite() or price <= 0:
        raise ValueError(f"limit_price {price} must be a positive number")
    if not is_multiple(price, instrument.price_increment):
        raise ValueError(f"limit_price {price} is not a multiple of {instrument.price_increment}")


def _check_leg(leg: Leg, units: Decimal) -> None:
    if leg.ratio <= 0 or not is_multiple(units * leg.ratio, leg.instrument.qty_increment):
        raise ValueError(
            f"legs: ratio {leg.ratio} of asset {leg.instrument.asset_id} must be positive and give "
            f"a multiple of {leg.instrument.qty_increment} for {units} packages"
        )
    _check_limit(leg.limit_price, leg.instrument)


@dataclass(frozen=True, slots=True)
class MarketView:
    """The market of one asset at event time `ts`; a bid or ask of None means that side is empty.

    From a bar alone: bid = ask = last = its close.
    """

    ts: int
    last: Decimal
    bid: Decimal | None = None
    ask: Decimal | None = None
    volume: Decimal = ZERO

    @property
    def mid(self) -> Decimal | None:
        """Midpoint of bid and ask; None unless both are there and not crossed."""
        if self.bid is None or self.ask is None or self.bid > self.ask:
            return None
        return (self.bid + self.ask) / 2


Markets = Mapping[int, MarketView]


@dataclass(frozen=True, slots=True)
class Place:
    """Send this new child order; it is PENDING_NEW until the caller reports what became of it.

    `legs` are set for a native multi-leg order only.
    """

    order: Order
    legs: tuple[Leg, ...] = ()


@dataclass(frozen=True, slots=True)
class Replace:
    """Change the limit price of a working child, for what is left of it."""

    client_order_id: str
    limit_price: Decimal


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel a working child."""

    client_order_id: str


@dataclass(frozen=True, slots=True)
class Done:
    """The parent has ended: no child works and none will follow."""

    reason: EndReason


Action = Place | Replace | Cancel | Done


@dataclass(frozen=True, slots=True)
class Memory:
    """What an algorithm remembers between two steps; each algorithm says what its fields mean to it."""

    stage: str = ""
    count: int = 0
    ts: int = 0
