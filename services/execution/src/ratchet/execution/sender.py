"""Sends orders, and finds out what became of those that were sent without an answer.

Nothing here repeats a POST blindly: after a lost answer the venue is asked by client_order_id, and only its
own "no such order" permits the same order to be sent again, under the same id.
"""

from dataclasses import dataclass
from enum import StrEnum

from ratchet.common.logging import get_logger
from ratchet.core.orders import OrderStatus
from ratchet.execution.broker import (
    Broker,
    BrokerOrder,
    BrokerRefusedError,
    BrokerUnreachableError,
    DuplicateOrderError,
    OrderNotFoundError,
    OrderRequest,
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
    """The venue's answer on one order: `order` when it has it, `code` and `message` when it refused."""

    client_order_id: str
    outcome: Outcome
    order: BrokerOrder | None = None
    code: str = ""
    message: str = ""

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
    """One attempt at a time; the caller decides when to ask again."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def send(self, request: OrderRequest) -> Answer:
        """Place an order whose commit is durable; any failure to get an answer makes it UNKNOWN."""
        try:
            return _known(self._broker.submit(request))
        except DuplicateOrderError:
            # An earlier attempt did arrive.
            return self._look_up(request.client_order_id)
        except BrokerRefusedError as error:
            return Answer(request.client_order_id, Outcome.REFUSED, code=error.code, message=error.message)
        except BrokerUnreachableError as error:
            _log.warning("order unknown", client_order_id=request.client_order_id, reason=str(error))
            return Answer(request.client_order_id, Outcome.UNKNOWN, message=str(error))

    def resolve(self, request: OrderRequest, *, is_valid: bool) -> Answer:
        """Ask what became of an order: adopt it, or send it again or expire it if the venue never had it."""
        answer = self._look_up(request.client_order_id)
        if answer.outcome is not Outcome.REFUSED:
            return answer
        if is_valid:
            return self.send(request)
        return Answer(
            request.client_order_id, Outcome.EXPIRED, message="never reached the venue and is no longer valid"
        )

    def _look_up(self, client_order_id: str) -> Answer:
        """Return KNOWN, REFUSED for the venue's own "not found", or UNKNOWN for everything else."""
        try:
            return _known(self._broker.get_by_client_id(client_order_id))
        except OrderNotFoundError as error:
            return Answer(client_order_id, Outcome.REFUSED, code=error.code, message=error.message)
        except (BrokerRefusedError, BrokerUnreachableError) as error:
            return Answer(client_order_id, Outcome.UNKNOWN, message=str(error))


def _known(order: BrokerOrder) -> Answer:
    return Answer(order.client_order_id, Outcome.KNOWN, order)
