"""Cancels and replacements: what is asked of the venue about orders that it has.

The wish is committed before it is sent, so that a crash in between forgets nothing; what has no answer is
asked about and, where the venue still works the order, asked for again.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ratchet.core.orders import Order, OrderEventKind, Write
from ratchet.execution.ledger.effects import Effects, NewOrder
from ratchet.execution.ports import LedgerTransaction
from ratchet.execution.sending.sender import Answer, Outcome
from ratchet.execution.venue.broker import ReplaceRequest

if TYPE_CHECKING:
    from ratchet.execution.engine import Engine

_K = OrderEventKind
_AFTER_CANCEL = {Outcome.REFUSED: _K.CANCEL_REJECTED, Outcome.UNKNOWN: _K.CANCEL_UNANSWERED}
_AFTER_REPLACE = {Outcome.REFUSED: _K.REPLACE_REJECTED, Outcome.UNKNOWN: _K.REPLACE_UNANSWERED}


class Requests:
    """The cancels and replacements of one engine."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        # Cancels that the venue's limit had no room for.
        self._held_back: set[str] = set()

    def cancel(
        self, orders: Sequence[Order], source: str, also: Callable[[LedgerTransaction], None] = lambda _: None
    ) -> dict[str, Answer]:
        """Ask for orders to be cancelled; return the answers by client_order_id, of those that were sent.

        An order that was not sent yet is expired; one without an answer is cancelled as soon as the venue has
        said that it has it.
        """
        engine = self._engine
        effects = Effects(engine.seq, engine.ts)
        for order in orders:
            engine.booker.asked(engine.session, order, _K.CANCEL_REQUESTED, self._now(), effects, source)
        engine.commit(effects, also=also)
        engine.send_waiting()
        found = [engine.session.order(order.client_order_id) for order in orders]
        return self.send([order for order in found if order is not None], source)

    def follow_up(self) -> None:
        """Ask again for what is still wanted, and give up replacements that the venue never heard of."""
        engine = self._engine
        replacements = {order.replaces for order in engine.session.working_orders if order.replaces}
        again, given_up = [], []
        for order in engine.session.working_orders:
            settled = engine.outbound.is_settled(order)
            is_held_back = order.client_order_id in self._held_back
            if order.asked is Write.CANCEL and order.unanswered is Write.NONE and (settled or is_held_back):
                again.append(order)
            elif order.asked is Write.REPLACE and settled and order.client_order_id not in replacements:
                given_up.append(order)
        self.send([order for order in again if not order.is_unsent], "follow-up")
        effects = Effects(engine.seq, engine.ts)
        for order in given_up:
            engine.booker.asked(
                engine.session, order, _K.REPLACE_REJECTED, self._now(), effects, "follow-up",
                "the venue never heard of the replacement",
            )  # fmt: skip
        if not effects.is_trivial:
            engine.commit(effects)

    def replace(
        self,
        order: Order,
        new: Order,
        change: ReplaceRequest,
        source: str,
        key: str | None,
        also: Callable[[LedgerTransaction], None] = lambda _: None,
    ) -> Answer:
        """Ask for an order to be replaced by `new`; the answer is about the new one."""
        engine = self._engine
        effects = Effects(engine.seq, engine.ts)
        engine.booker.asked(engine.session, order, _K.REPLACE_REQUESTED, self._now(), effects, source)
        engine.session.adopt(new)
        parent = engine.session.parents.parent_of(new.client_order_id)
        effects.new_orders.append(NewOrder(new, idempotency_key=key, is_external=True, parent_id=parent))
        engine.commit(effects, also=also)
        answer = engine.outbound.replace(order, change)
        self._record_replace(order, new, answer, source)
        return answer

    def _record_replace(self, order: Order, new: Order, answer: Answer, source: str) -> None:
        engine = self._engine
        effects = Effects(engine.seq, engine.ts)
        current = engine.session.order(order.client_order_id)
        kind = {Outcome.REFUSED: _K.REPLACE_REJECTED, Outcome.UNKNOWN: _K.REPLACE_UNANSWERED}.get(
            answer.outcome
        )
        if kind is not None and current is not None:
            detail = answer.message
            engine.booker.asked(engine.session, current, kind, self._now(), effects, source, detail)
        engine.booker.answer(engine.session, new, answer, engine.ts, effects)
        engine.commit(effects)
        # What became of the old one is told by the stream, or by REST.
        engine.parts.inbox.mark_gap()

    def send(self, orders: Sequence[Order], source: str) -> dict[str, Answer]:
        """Send cancels that are committed; return the answers by client_order_id, of those that were sent."""
        engine = self._engine
        answers: dict[str, Answer] = {}
        for order in orders:
            key = order.client_order_id
            if order.is_unsent or not order.broker_order_id:
                continue
            answer = engine.outbound.cancel(order)
            if answer is None:
                self._held_back.add(key)
                continue
            self._held_back.discard(key)
            answers[key] = answer
        self._record_cancels(answers, source)
        return answers

    def _record_cancels(self, answers: dict[str, Answer], source: str) -> None:
        engine = self._engine
        effects = Effects(engine.seq, engine.ts)
        for key, answer in answers.items():
            current = engine.session.order(key)
            kind = _AFTER_CANCEL.get(answer.outcome)
            if kind is None or current is None:
                continue
            if kind is _K.CANCEL_REJECTED:
                # It has ended, most likely: REST says how.
                engine.parts.inbox.mark_gap()
            engine.booker.asked(engine.session, current, kind, self._now(), effects, source, answer.message)
        if not effects.is_trivial:
            engine.commit(effects)

    def _now(self) -> int:
        parts = self._engine.parts
        return parts.now_ns() if parts.is_live else self._engine.ts
