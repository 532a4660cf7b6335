"""Sends orders, and finds out what became of requests that have no answer.

Nothing here repeats a write blindly: after a lost answer the venue is asked by client_order_id, and only its
own "no such order" permits the same order to be sent again, under the same id. And that only counts when the
request can no longer be on its way: `is_settled`.
"""

from dataclasses import dataclass
from enum import StrEnum

from ratchet.common.logging import get_logger
from ratchet.core.orders import OrderStatus
from ratchet.execution.crash import crash_point
from ratchet.execution.venue.broker import (
    Broker,
    BrokerNotReachedError,
    BrokerOrder,
    BrokerRefusedError,
    BrokerUnreachableError,
    DuplicateOrderError,
    OrderNotFoundError,
    OrderRequest,
    ReplaceRequest,
    replace_at,
)

_log = get_logger("sender")


class Outcome(StrEnum):
    """What is known after asking the venue."""

    KNOWN = "known"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Answer:
    """The venue's answer on one order: `order` when it has it, `code` and `message` when it refused.

    `is_write` tells an answer to a request that changes something from one to a look-up; `is_sent` is
    False for a request that the venue cannot have seen.
    """

    client_order_id: str
    outcome: Outcome
    order: BrokerOrder | None = None
    code: str = ""
    message: str = ""
    is_write: bool = False
    is_sent: bool = True

    @property
    def status(self) -> OrderStatus:
        """The state that the order takes."""
        if self.order is not None:
            return self.order.status
        return _STATUS[self.outcome]


_STATUS = {
    Outcome.REFUSED: OrderStatus.REJECTED,
    Outcome.UNKNOWN: OrderStatus.UNKNOWN,
    Outcome.EXPIRED: OrderStatus.EXPIRED,
}


class Sender:
    """One attempt at a time; the caller decides when to ask again, and has made sure that it leads."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def send(self, request: OrderRequest) -> Answer:
        """Place an order whose commit is durable; any failure to get an answer makes it UNKNOWN."""
        try:
            placed = self._broker.submit(request)
        except DuplicateOrderError:
            # An earlier attempt did arrive.
            return self.look_up(request.client_order_id)
        except BrokerRefusedError as error:
            return Answer(
                request.client_order_id,
                Outcome.REFUSED,
                code=error.code,
                message=error.message,
                is_write=True,
            )
        except BrokerUnreachableError as error:
            _log.warning("order unknown", client_order_id=request.client_order_id, reason=str(error))
            return Answer(
                request.client_order_id,
                Outcome.UNKNOWN,
                message=str(error),
                is_write=True,
                is_sent=not isinstance(error, BrokerNotReachedError),
            )
        crash_point("after_send")
        return _known(placed, is_write=True)

    def resolve(self, request: OrderRequest, *, is_valid: bool, is_settled: bool = True) -> Answer:
        """Ask what became of an order: adopt it, or send it again or expire it if the venue never had it.

        An order that the venue does not know stays UNKNOWN until it `is_settled`.
        """
        answer = self.look_up(request.client_order_id)
        if answer.outcome is not Outcome.REFUSED:
            return answer
        if not is_settled:
            return Answer(request.client_order_id, Outcome.UNKNOWN, message="may still be on its way")
        if is_valid:
            return self.send(request)
        return Answer(
            request.client_order_id, Outcome.EXPIRED, message="never reached the venue and is no longer valid"
        )

    def cancel(self, client_order_id: str, broker_order_id: str) -> Answer:
        """Ask for a cancel: KNOWN when the venue has taken it, REFUSED, or UNKNOWN without an answer."""
        try:
            self._broker.cancel(broker_order_id)
        except BrokerRefusedError as error:
            return Answer(
                client_order_id, Outcome.REFUSED, code=error.code, message=error.message, is_write=True
            )
        except BrokerUnreachableError as error:
            _log.warning("cancel unknown", client_order_id=client_order_id, reason=str(error))
            return Answer(client_order_id, Outcome.UNKNOWN, message=str(error), is_write=True)
        return Answer(client_order_id, Outcome.KNOWN, is_write=True)

    def replace(self, broker_order_id: str, change: ReplaceRequest) -> Answer:
        """Ask for a replacement; the answer is about the new order."""
        key = change.client_order_id
        try:
            placed = replace_at(self._broker, broker_order_id, change)
        except BrokerRefusedError as error:
            return Answer(key, Outcome.REFUSED, code=error.code, message=error.message, is_write=True)
        except BrokerUnreachableError as error:
            _log.warning("replace unknown", client_order_id=key, reason=str(error))
            return Answer(key, Outcome.UNKNOWN, message=str(error), is_write=True)
        return _known(placed, is_write=True)

    def look_up(self, client_order_id: str) -> Answer:
        """Return KNOWN, REFUSED for the venue's own "not found", or UNKNOWN for everything else."""
        try:
            return _known(self._broker.get_by_client_id(client_order_id))
        except OrderNotFoundError as error:
            return Answer(client_order_id, Outcome.REFUSED, code=error.code, message=error.message)
        except (BrokerRefusedError, BrokerUnreachableError) as error:
            return Answer(client_order_id, Outcome.UNKNOWN, message=str(error))


def _known(order: BrokerOrder, *, is_write: bool = False) -> Answer:
    return Answer(order.client_order_id, Outcome.KNOWN, order, is_write=is_write)
