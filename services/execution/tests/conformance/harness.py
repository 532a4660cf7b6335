"""What a venue must offer to be put through the cases, and how to describe one.

To add an adapter: write a function that yields a `Harness` over its venue (a simulator or a stub that speaks
the venue's own protocol), decorate it as a fixture, and add its name to HARNESSES in `conftest.py`.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import uuid4

from ratchet.core.assets import Registry
from ratchet.core.orders import OrderType, Side, TimeInForce
from ratchet.execution.venue.broker import Broker, OrderRequest, TradeUpdate, Update, UpdateStream


@dataclass
class Harness:
    """One account at one venue.

    `symbol` can be bought at the market in `qty`; `far_price` is a buy limit that does not fill. `advance`
    lets the venue's market move so that a market order fills; `refused_key` gives a broker with a wrong key.
    `is_paid_for` says whether a purchase takes cash, `keeps_refusals` whether the venue's journal has what it
    refused.
    """

    broker: Broker
    updates: UpdateStream
    registry: Registry
    symbol: str
    qty: Decimal
    far_price: Decimal
    too_much: Decimal
    advance: Callable[[], None]
    refused_key: Callable[[], Broker]
    time_in_force: TimeInForce = TimeInForce.GTC
    is_paid_for: bool = True
    keeps_refusals: bool = False
    seen: list[TradeUpdate] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def take(self, update: Update) -> None:
        """Collect updates as the stream's thread hands them over."""
        with self.arrived:
            self.numbers.append(update.sequence)
            if isinstance(update, TradeUpdate):
                self.seen.append(update)
            self.arrived.notify_all()

    def wait_for(self, found: Callable[[list[TradeUpdate]], bool], timeout_s: float = 15.0) -> None:
        """Wait until what has arrived satisfies `found`."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: found(self.seen), timeout_s), self.seen

    def request(self, **changes: object) -> OrderRequest:
        """Return a buy at the market under a fresh id, with changes."""
        fields: dict[str, object] = {
            "client_order_id": str(uuid4()), "symbol": self.symbol, "side": Side.BUY,
            "type": OrderType.MARKET, "time_in_force": self.time_in_force, "qty": self.qty,
        }  # fmt: skip
        return OrderRequest(**{**fields, **changes})  # type: ignore[arg-type]

    def resting(self, **changes: object) -> OrderRequest:
        """Return a limit order that rests."""
        return self.request(type=OrderType.LIMIT, limit_price=self.far_price, **changes)
