"""Protective stops that rest at the broker: which to place, which to take back.

A held position has at most one. It covers the whole position, follows the stop price that the exits
remember, and never moves away from the price. While another order works in its asset it is taken back, for
the venue holds back its quantity; afterwards it is placed anew. The exit rules go on watching every bar: a
resting stop only makes the exit faster, it replaces none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.exits import ExitStates
from ratchet.core.exits.config import RestingStopConfig
from ratchet.core.orders import Intent, Order, OrderStatus, OrderType, Side, TimeInForce
from ratchet.core.orders.ids import client_order_id, proposal_id
from ratchet.core.orders.money import floor_to, from_float
from ratchet.core.portfolio import PositionView

PROTECTIVE_STOP = "PROTECTIVE_STOP"

_SETTLED = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED})


def is_protective(order: Order) -> bool:
    """Say whether an order is a resting protective stop."""
    return order.reason == PROTECTIVE_STOP


@dataclass(frozen=True, slots=True)
class Protection:
    """What to do about protective stops: first take back `cancels`, after all else place `orders`."""

    cancels: tuple[Order, ...] = ()
    orders: tuple[Order, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.cancels or self.orders)


class Protector:
    """Plans the protective stops of one portfolio; holds nothing between calls."""

    def __init__(self, registry: Registry, config: RestingStopConfig) -> None:
        self._registry = registry
        self._config = config

    def plan(
        self, positions: Iterable[PositionView], orders: Sequence[Order], states: ExitStates, ts: int
    ) -> Protection:
        """Return what to change at `ts` (ns, UTC), given all working orders, those of this step included.

        A stop whose last request has no answer yet is left alone.
        """
        if not self._config.enabled:
            return Protection()
        resting = {order.asset_id: order for order in orders if is_protective(order)}
        busy = {order.asset_id for order in orders if not is_protective(order)}
        held = {position.asset_id: position for position in positions if position.qty}
        wanted = {
            asset_id: stop
            for asset_id, position in sorted(held.items())
            if asset_id not in busy and (stop := self._stop(position, states, ts)) is not None
        }
        cancels = [
            order
            for asset_id, order in sorted(resting.items())
            if order.status in _SETTLED and not self._keeps(order, asset_id in busy, wanted.get(asset_id))
        ]
        gone = {order.asset_id for order in cancels}
        placed = [stop for asset_id, stop in wanted.items() if asset_id in gone or asset_id not in resting]
        return Protection(tuple(cancels), tuple(placed))

    def _keeps(self, order: Order, is_busy: bool, wanted: Order | None) -> bool:
        if is_busy or wanted is None or wanted.side is not order.side:
            return False
        if wanted.qty != order.remaining_qty or wanted.stop_price is None or order.stop_price is None:
            return False
        tightened = (wanted.stop_price - order.stop_price) * -order.side.sign
        return tightened < order.stop_price * from_float(self._config.step_ratio)

    def _stop(self, position: PositionView, states: ExitStates, ts: int) -> Order | None:
        asset = self._registry[position.asset_id]
        qty = floor_to(abs(position.qty), asset.qty_increment)
        level = _stop_price(position, asset, states)
        if level is None or not qty or qty * level < asset.min_notional:
            return None
        side = Side.SELL if position.qty > 0 else Side.BUY
        is_crypto = asset.asset_class is AssetClass.CRYPTO
        is_whole = qty == qty.to_integral_value()
        return Order(
            client_order_id=client_order_id(str(proposal_id(asset.symbol, ts, PROTECTIVE_STOP))),
            asset_id=asset.id,
            side=side,
            qty=qty,
            intent=Intent.EXIT,
            created_ts=ts,
            updated_ts=ts,
            type=OrderType.STOP_LIMIT if is_crypto else OrderType.STOP,
            # Fractions of a share are day orders only; they are placed anew each session.
            time_in_force=TimeInForce.GTC if is_crypto or is_whole else TimeInForce.DAY,
            limit_price=self._limit(asset, side, level) if is_crypto else None,
            stop_price=level,
            reference_price=from_float(position.mark),
            reason=PROTECTIVE_STOP,
        )

    def _limit(self, asset: Asset, side: Side, stop: Decimal) -> Decimal:
        beyond = stop * (1 + side.sign * from_float(self._config.limit_offset_ratio))
        return _to_tick(beyond, asset.price_increment, side)


def _stop_price(position: PositionView, asset: Asset, states: ExitStates) -> Decimal | None:
    """Return the stop rounded towards the price, None if unknown or if the price is already beyond it."""
    level = states.stop_price(position.asset_id)
    is_long = position.qty > 0
    if not level or (level >= position.mark if is_long else level <= position.mark):
        return None
    rounded = _to_tick(from_float(level), asset.price_increment, Side.BUY if is_long else Side.SELL)
    return rounded if (rounded < from_float(position.mark)) == is_long else None


def _to_tick(price: Decimal, tick: Decimal, side: Side) -> Decimal:
    """Round up for a buy, down for a sell."""
    return (price / tick).to_integral_value(ROUND_CEILING if side is Side.BUY else ROUND_FLOOR) * tick
