"""The risk engine: judges proposals in their order, each seeing what the earlier ones took."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from ratchet.core.assets import Registry
from ratchet.core.orders import Intent
from ratchet.core.phases import PhaseState
from ratchet.core.portfolio import PortfolioSnapshot
from ratchet.core.risk.book import ZERO, Book
from ratchet.core.risk.config import RiskConfig
from ratchet.core.risk.context import AssetFacts, RiskContext
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, load_rules
from ratchet.core.risk.sizing import size_entry
from ratchet.core.risk.types import Proposal, Verdict
from ratchet.core.sessions import get_calendar

_NO_FACTS = AssetFacts(math.nan, 0, math.nan)


@dataclass(frozen=True, slots=True)
class Exposure:
    """Held and working exposure as fractions of equity; NaN when equity is not positive."""

    gross_ratio: float
    net_ratio: float
    class_ratio: Mapping[str, float] = field(default_factory=dict)
    sector_ratio: Mapping[str, float] = field(default_factory=dict)
    heat_ratio: float = 0.0


class RiskEngine:
    """Stateless between evaluations: everything that it needs is in the arguments."""

    def __init__(self, registry: Registry, config: RiskConfig) -> None:
        self.registry = registry
        self.config = config
        self._rules = load_rules()
        for name in {asset.calendar for asset in registry}:
            get_calendar(name)  # the first use is slow, and must not fall into an evaluation

    def evaluate(
        self,
        snapshot: PortfolioSnapshot,
        proposals: Sequence[Proposal],
        phases: Iterable[PhaseState],
        ts: int,
        context: RiskContext | None = None,
    ) -> list[Verdict]:
        """Return one verdict per proposal, in order, for a decision at `ts` (ns, UTC).

        `snapshot.ts` is the event time of the prices. Exits are held to the position's size and to
        nothing else. An entry's quantity, if given, is a maximum. What is approved is reserved, so that
        the proposals together stay within every limit. Without a context, entries are denied.
        """
        book = Book.open(snapshot, phases, ts, self.registry, self.config, context)
        denials = self._judge_account(book)
        return [self._judge(book, proposal, denials) for proposal in proposals]

    def exposure(self, snapshot: PortfolioSnapshot) -> Exposure:
        """Return the exposure of a snapshot, working entries included (in net as well, by side)."""
        book = Book.open(snapshot, (), snapshot.ts, self.registry, self.config)
        equity = book.equity if book.equity > 0 else float("nan")
        net = sum(
            float(position.qty) * position.mark * snapshot.rate(position.asset_id)
            for position in snapshot.positions
        )
        net += sum(
            order.side.sign * float(order.remaining_qty) * order.price * snapshot.rate(order.asset_id)
            for order in snapshot.open_orders
            if order.intent is not Intent.EXIT
        )
        by_class = {str(key): value / equity for key, value in sorted(book.class_gross.items())}
        by_sector = {key: value / equity for key, value in sorted(book.sector_gross.items())}
        return Exposure(book.gross / equity, net / equity, by_class, by_sector, book.heat / equity)

    def _judge_account(self, book: Book) -> list[Denial]:
        denials: list[Denial] = []
        for rule in self._rules.account:
            denial = rule(book)
            if denial is not None:
                denials.append(denial)
                if denial.reason is Reason.ACCOUNT_INVALID:
                    break  # the other rules need its figures
        return denials

    def _judge(self, book: Book, proposal: Proposal, denials: list[Denial]) -> Verdict:
        if not self.registry.has(proposal.asset_id):
            return _reject(proposal, Denial(Reason.ASSET_UNKNOWN, f"asset {proposal.asset_id}"))
        if proposal.intent is Intent.EXIT:
            return self._judge_exit(book, proposal)
        verdict = self._judge_entry(book, proposal, denials)
        book.seen.add(proposal.id)
        return verdict

    def _judge_exit(self, book: Book, proposal: Proposal) -> Verdict:
        qty = proposal.qty
        if qty is None or not qty.is_finite() or qty <= 0:
            return _reject(proposal, Denial(Reason.QTY_INVALID, f"exit quantity {qty}"))
        left = book.reducible_qty(proposal)
        if qty > left:
            held = book.held_qty.get(proposal.asset_id, ZERO)
            reason = Reason.REDUCE_ONLY_EXCEEDED if left > 0 else Reason.POSITION_MISSING
            if held and left <= 0 and proposal.asset_id in book.exiting_qty:
                reason = Reason.DUPLICATE_ORDER
            return _reject(proposal, Denial(reason, f"exit of {qty}, {left} of {held} left to close"))
        book.reserve_exit(proposal, qty)
        return Verdict(proposal.id, True, qty)

    def _judge_entry(self, book: Book, proposal: Proposal, denials: list[Denial]) -> Verdict:
        if denials:
            return _reject(proposal, *denials)
        facts = book.context.assets.get(proposal.asset_id) if book.context else None
        entry = Entry(book, proposal, self.registry[proposal.asset_id], facts or _NO_FACTS)
        for rule in self._rules.entry:
            denial = rule(entry)
            if denial is not None:
                return _reject(proposal, denial)
        qty, figures, denial = size_entry(entry, self._rules.sizers)
        if denial is not None:
            return _reject(proposal, denial, figures=figures)
        size = float(qty)
        figures["notional"] = size * book.unit_value(proposal)
        for order_rule in self._rules.order:
            denial = order_rule(entry, figures["notional"])
            if denial is not None:
                return _reject(proposal, denial, figures=figures)
        book.reserve_entry(entry.asset, proposal, size)
        return Verdict(proposal.id, True, qty, figures=figures)


def _reject(proposal: Proposal, *denials: Denial, figures: Mapping[str, float] | None = None) -> Verdict:
    return Verdict(
        proposal.id,
        False,
        Decimal(0),
        tuple(denial.reason.value for denial in denials),
        "; ".join(denial.detail for denial in denials),
        figures or {},
    )
