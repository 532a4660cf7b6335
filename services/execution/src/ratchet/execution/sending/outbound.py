"""What goes to the venue, in which order, and when one without an answer may be asked about or repeated.

Requests go cancels first, then exits, then entries. An entry for which the venue's limit leaves no room waits
here, committed and not sent, until its deadline; then it is refused.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ratchet.core.assets import Registry
from ratchet.core.orders import Intent, Order, OrderStatus, Write
from ratchet.execution.crash import crash_point
from ratchet.execution.ports import Clock, Fence
from ratchet.execution.sending.denials import Denial
from ratchet.execution.sending.sender import Answer, Outcome, Sender
from ratchet.execution.sending.throttle import Priority, Throttle
from ratchet.execution.venue.broker import LegRequest, OrderRequest, ReplaceRequest

_LOOK_UPS_AT_ONCE = 25
# How old the proof of a commit that we lead may be, counted from before it was asked for.
_PROVEN_S = 0.01
_UNANSWERED = frozenset({OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a request may be on its way, and how long an entry may wait for its turn (seconds)."""

    settle_s: float
    deadline_s: float


class Outbound:
    """The requests of one engine; `Order`s come from it as they are at that moment."""

    def __init__(
        self,
        sender: Sender,
        registry: Registry,
        *,
        clock: Clock,
        throttle: Throttle,
        fence: Fence,
        timing: Timing,
        loaded: Iterable[Order] = (),
    ) -> None:
        self._sender = sender
        self._registry = registry
        self._clock = clock
        self._throttle = throttle
        self._fence = fence
        self._timing = timing
        now = clock.monotonic()
        # When a request about an order was last made: one of the process before us, just now at the latest.
        self._asked_at = {order.client_order_id: now for order in loaded if order.needs_answer}
        self._led_at = float("-inf")
        self._waiting: dict[str, float] = {}
        # Exits that were never sent, because a stop of their asset has not ended yet.
        self._held: set[str] = set()

    def note_leadership(self, at: float) -> None:
        """Note that we led after a time (monotonic seconds), as the commit has shown that was just answered.

        Its guard shares the leader's row until it ends, so no other has led before that: it says what the
        fence would say, once, for what is sent now.
        """
        self._led_at = at

    def send(self, orders: Sequence[Order]) -> list[tuple[Order, Answer]]:
        """Send new orders, exits first; return the answers, among them refusals of entries that waited."""
        answers = []
        for order in sorted(orders, key=_priority):
            answer = self._send(order)
            if answer is not None:
                answers.append((order, answer))
        return answers

    def hold(self, orders: Iterable[Order]) -> None:
        """Keep orders back that were not sent yet."""
        self._held |= {order.client_order_id for order in orders}

    def is_held(self, order: Order) -> bool:
        """Whether an order is kept back."""
        return order.client_order_id in self._held

    def is_waiting(self, order: Order) -> bool:
        """Whether an order is committed but was not sent yet."""
        return order.client_order_id in self._waiting

    @property
    def has_waiting(self) -> bool:
        """Whether any order waits for its turn, or for the end of a stop."""
        return bool(self._waiting or self._held)

    def resolve(
        self, orders: Sequence[Order], is_valid: Callable[[Order], bool]
    ) -> list[tuple[Order, Answer]]:
        """Ask about orders that need an answer, and send again what may be sent again; return the answers."""
        due = [
            order
            for order in orders
            if order.needs_answer and not self.is_waiting(order) and not self.is_held(order)
        ]
        # A wish that is fresh has its answer on the stream before long.
        due = [order for order in due if order.status in _UNANSWERED or self.is_settled(order)]
        return [(order, self._resolve(order, is_valid)) for order in due[:_LOOK_UPS_AT_ONCE]]

    def cancel(self, order: Order) -> Answer | None:
        """Ask for a cancel; None when the limit leaves no room for now: it is asked for again later."""
        if not self._throttle.allows(Priority.CANCEL):
            return None
        self._confirm()
        answer = self._sender.cancel(order.client_order_id, order.broker_order_id)
        self._note(order)
        return answer

    def replace(self, order: Order, change: ReplaceRequest) -> Answer:
        """Ask for a working order to be replaced; the answer is about the new order."""
        self._confirm()
        answer = self._sender.replace(order.broker_order_id, change)
        self._note(order)
        self._asked_at[change.client_order_id] = self._clock.monotonic()
        return answer

    def allows(self, priority: Priority) -> bool:
        """Return whether the venue's limit leaves room for a request now."""
        return self._throttle.allows(priority)

    def _send(self, order: Order) -> Answer | None:
        key = order.client_order_id
        if order.asked is Write.CANCEL:
            self._waiting.pop(key, None)
            return Answer(key, Outcome.EXPIRED, message="cancelled before it was sent")
        if not self._throttle.allows(_priority(order)):
            return self._wait(order)
        self._waiting.pop(key, None)
        self._held.discard(key)
        self._confirm()
        answer = self._sender.send(request_of(order, self._registry))
        if answer.is_sent:
            self._note(order)
        else:
            # No request is on its way that the venue's "not found" could overtake.
            self._asked_at[key] = float("-inf")
        crash_point("before_record_answer")
        return answer

    def _wait(self, order: Order) -> Answer | None:
        key, now = order.client_order_id, self._clock.monotonic()
        deadline = self._waiting.setdefault(key, now + self._timing.deadline_s)
        if now < deadline or order.intent is Intent.EXIT:
            return None
        del self._waiting[key]
        return Answer(key, Outcome.REFUSED, code=Denial.THROTTLED, message=Denial.THROTTLED.meaning)

    def _resolve(self, order: Order, is_valid: Callable[[Order], bool]) -> Answer:
        if not order.is_unsent:
            return self.look_up(order)
        # The replaced order's own look-up decides: a replacement must never be placed beside it.
        valid = not order.replaces and order.asked is not Write.CANCEL and is_valid(order)
        settled = self.is_settled(order) and (not valid or self._throttle.allows(_priority(order)))
        if settled and valid:
            self._confirm()
        answer = self._sender.resolve(request_of(order, self._registry), is_valid=valid, is_settled=settled)
        if answer.is_write and answer.is_sent:
            self._note(order)
        return answer

    def look_up(self, order: Order) -> Answer:
        """Ask about an order that the venue has; here not even a "not found" counts, for it had it."""
        answer = self._sender.look_up(order.client_order_id)
        if answer.order is None:
            return Answer(order.client_order_id, Outcome.UNKNOWN, message=answer.message)
        return answer

    def is_settled(self, order: Order) -> bool:
        """Whether the last request about an order can no longer be on its way."""
        at = self._asked_at.setdefault(order.client_order_id, self._clock.monotonic())
        return self._clock.monotonic() >= at + self._timing.settle_s

    def _confirm(self) -> None:
        """Raise FencedError unless we lead."""
        led_at, self._led_at = self._led_at, float("-inf")
        if self._clock.monotonic() - led_at > _PROVEN_S:
            self._fence()

    def _note(self, order: Order) -> None:
        self._asked_at[order.client_order_id] = self._clock.monotonic()

    def forget(self, working: Iterable[str]) -> None:
        """Drop what is known of orders that no longer work."""
        alive = set(working)
        self._asked_at = {key: at for key, at in self._asked_at.items() if key in alive}
        self._waiting = {key: at for key, at in self._waiting.items() if key in alive}
        self._held &= alive


def request_of(order: Order, registry: Registry) -> OrderRequest:
    """Return the order as it is sent to the venue."""
    return OrderRequest(
        client_order_id=order.client_order_id,
        symbol=registry[order.asset_id].symbol,
        side=order.side,
        type=order.type,
        time_in_force=order.time_in_force,
        qty=order.qty,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        intent=order.intent,
        trail=order.trail,
        legs=tuple(
            LegRequest(registry[leg.asset_id].symbol, leg.side, leg.ratio, leg.is_closing)
            for leg in order.legs
        ),
    )


def _priority(order: Order) -> Priority:
    return Priority.EXIT if order.intent is Intent.EXIT else Priority.ENTRY
