"""A broker whose every request is counted, and whose wish for a pause is heard."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from ratchet.execution.sending.throttle import Throttle
from ratchet.execution.venue.broker import (
    Broker,
    BrokerAccount,
    BrokerActivity,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    BrokerQuote,
    BrokerThrottledError,
    OrderRequest,
    ReplaceRequest,
    activities_of,
    option_quotes_of,
    replace_at,
)

T = TypeVar("T")


class PacedBroker:
    """The port over another broker and a throttle; deciding what may go now is the engine's affair."""

    def __init__(self, broker: Broker, throttle: Throttle) -> None:
        self._broker = broker
        self._throttle = throttle

    def submit(self, request: OrderRequest) -> BrokerOrder:
        """Place an order."""
        return self._count(lambda: self._broker.submit(request))

    def cancel(self, broker_order_id: str) -> None:
        """Ask for a cancel."""
        self._count(lambda: self._broker.cancel(broker_order_id))

    def replace(self, broker_order_id: str, change: ReplaceRequest) -> BrokerOrder:
        """Ask for a replacement."""
        return self._count(lambda: replace_at(self._broker, broker_order_id, change))

    def get_by_client_id(self, client_order_id: str) -> BrokerOrder:
        """Look an order up."""
        return self._count(lambda: self._broker.get_by_client_id(client_order_id))

    def list_orders(self, since_ns: int | None = None, *, open_only: bool = False) -> list[BrokerOrder]:
        """List orders."""
        return self._count(lambda: self._broker.list_orders(since_ns, open_only=open_only))

    def positions(self) -> list[BrokerPosition]:
        """List positions."""
        return self._count(self._broker.positions)

    def account(self) -> BrokerAccount:
        """Read the account."""
        return self._count(self._broker.account)

    def fills(self, since_ns: int) -> list[BrokerFill]:
        """List executions."""
        return self._count(lambda: self._broker.fills(since_ns))

    def activities(self, since_ns: int) -> list[BrokerActivity]:
        """List what was booked beside executions."""
        return self._count(lambda: activities_of(self._broker, since_ns))

    def option_quotes(self, symbols: Sequence[str]) -> list[BrokerQuote]:
        """Quote option contracts."""
        return self._count(lambda: option_quotes_of(self._broker, symbols))

    def _count(self, call: Callable[[], T]) -> T:
        self._throttle.spend()
        try:
            return call()
        except BrokerThrottledError as error:
            self._throttle.pause(error.retry_after_s)
            raise
