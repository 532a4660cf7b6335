"""What an engine works with; outlives it."""

import threading
from dataclasses import dataclass, field

from ratchet.core.assets import Registry
from ratchet.core.options.registry import ContractRegistry, with_contracts
from ratchet.core.risk import RiskEngine
from ratchet.core.risk.contracts import Carry
from ratchet.execution.config import ExecutionSettings
from ratchet.execution.loops.quotes import QuoteInbox
from ratchet.execution.ports import Clock, Fence, Ledger, Publisher, SystemClock, no_fence
from ratchet.execution.risk_client import Judge
from ratchet.execution.sending.gate import Gate
from ratchet.execution.sending.paced import PacedBroker
from ratchet.execution.sending.throttle import Throttle, Unlimited
from ratchet.execution.venue.broker import Broker
from ratchet.execution.venue.inbox import Inbox


@dataclass
class Parts:
    """Ports and settings of one portfolio's execution.

    `local_risk` judges what reduces risk when the risk service is away. `broker` is counted against
    `throttle` from here on. `venues` are those of the portfolio's accounts, the default first. `carry`
    is what options are valued with; `contracts` is the registry, which knows option contracts too.
    """

    settings: ExecutionSettings
    registry: Registry
    ledger: Ledger
    bus: Publisher
    broker: Broker
    inbox: Inbox
    risk: Judge
    local_risk: RiskEngine
    stop: threading.Event
    gate: Gate
    clock: Clock = field(default_factory=SystemClock)
    throttle: Throttle = field(default_factory=Unlimited)
    fence: Fence = no_fence
    venues: tuple[str, ...] = ("alpaca",)
    carry: Carry = field(default_factory=Carry)
    wake_outbox: threading.Event = field(default_factory=threading.Event)
    quotes: QuoteInbox = field(default_factory=QuoteInbox)
    contracts: ContractRegistry = field(init=False)

    def __post_init__(self) -> None:
        self.broker = PacedBroker(self.broker, self.throttle)
        self.registry = self.contracts = with_contracts(self.registry)

    @property
    def is_live(self) -> bool:
        """Whether the market is live; a replay decides on event time alone."""
        return self.settings.mode == "live"

    def now_ns(self) -> int:
        """Return the time of day to the microsecond, as the ledger keeps it."""
        return self.clock.now_ns() // 1_000 * 1_000
