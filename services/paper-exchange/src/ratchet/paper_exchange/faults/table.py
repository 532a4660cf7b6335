"""Every fault that can be switched on."""

from ratchet.paper_exchange.faults.answers import (
    GatewayTimeoutAfter,
    GatewayTimeoutBefore,
    Hang,
    NotJson,
    RateLimited,
    ResetAfter,
    ServerError,
)
from ratchet.paper_exchange.faults.base import Fault
from ratchet.paper_exchange.faults.clock import ClockSkew
from ratchet.paper_exchange.faults.connections import (
    StreamClose,
    StreamCloseOnMessage,
    StreamMute,
    StreamRefuse,
)
from ratchet.paper_exchange.faults.matching import PartialFills, RejectOrders
from ratchet.paper_exchange.faults.updates import DelayUpdates, DropUpdates, DuplicateUpdates, ReorderUpdates

FAULTS: dict[str, type[Fault]] = {
    kind.name: kind
    for kind in (
        GatewayTimeoutAfter,
        GatewayTimeoutBefore,
        RateLimited,
        ServerError,
        ResetAfter,
        Hang,
        NotJson,
        DropUpdates,
        DuplicateUpdates,
        DelayUpdates,
        ReorderUpdates,
        StreamClose,
        StreamCloseOnMessage,
        StreamMute,
        StreamRefuse,
        PartialFills,
        RejectOrders,
        ClockSkew,
    )
}
