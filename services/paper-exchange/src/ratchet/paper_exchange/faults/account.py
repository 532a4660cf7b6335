"""What faults do to one account's orders and trade updates."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ratchet.core.assets import Asset
from ratchet.core.exchange import ExchangeOrder
from ratchet.paper_exchange.faults.base import Occasion
from ratchet.paper_exchange.faults.board import FaultBoard
from ratchet.paper_exchange.faults.matching import PartialFills, RejectOrders
from ratchet.paper_exchange.faults.updates import UpdateFault
from ratchet.paper_exchange.streams.hub import Delivery


class AccountFaults:
    """Asks the board on behalf of one account; costs nothing while no fault is switched on."""

    def __init__(self, board: FaultBoard, label: str, asset_of: Callable[[int], Asset]) -> None:
        self._board = board
        self._label = label
        self._asset_of = asset_of

    def rejects(self, order: ExchangeOrder) -> bool:
        """Return whether an order that was taken is to be rejected."""
        return self._board.is_used and self._board.first(RejectOrders, self._occasion(order)) is not None

    def fill_limit(self, order: ExchangeOrder, qty: Decimal) -> Decimal:
        """Return what a match may fill of a quantity."""
        if self._board.is_used:
            for fault in self._board.fired(PartialFills, self._occasion(order)):
                qty = fault.limit(qty, self._asset_of(order.asset_id).qty_increment)
        return qty

    def deliveries(self, updates: list[dict[str, Any]]) -> list[Delivery] | None:
        """Return how trade updates go out, None for at once."""
        return [self._delivery(update) for update in updates] if self._board.is_used else None

    def _delivery(self, update: dict[str, Any]) -> Delivery:
        event, symbol = update["event"], update["order"]["symbol"]
        occasion = Occasion(self._label, stream="trading", event=event, symbol=symbol)
        fault = self._board.first(UpdateFault, occasion)  # type: ignore[type-abstract]
        return Delivery(update) if fault is None else fault.delivery(update)

    def _occasion(self, order: ExchangeOrder) -> Occasion:
        return Occasion(self._label, symbol=self._asset_of(order.asset_id).symbol)
