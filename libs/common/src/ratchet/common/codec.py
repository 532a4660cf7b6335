"""Core dataclasses to and from protobuf messages. Money and quantities travel as decimal strings."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from ratchet.common.packed import put_columns, take_columns
from ratchet.core.market import BarBatch, QuoteBatch, Step
from ratchet.core.orders import Fill, Intent, OrderStatus, Side
from ratchet.core.phases import PhaseState, PhaseStatus
from ratchet.core.portfolio import BreakerView, OpenOrder, PortfolioSnapshot, PositionView
from ratchet.core.risk import Proposal, Verdict
from ratchet.core.signals import MarketContext, Signal, SignalBatch
from ratchet.v1 import control_pb2, market_data_pb2, orders_pb2, risk_pb2, signals_pb2

_BAR_COLUMNS = ("open", "high", "low", "close", "volume")
_CONTEXT_COLUMNS = ("atr", "volatility", "technical", "model", "pattern")


def encode_decimal(value: Decimal | None) -> str:
    """Return plain digits without an exponent; None becomes an empty string."""
    return "" if value is None else format(value, "f")


def decode_decimal(text: str, field: str) -> Decimal:
    """Parse a decimal string; ValueError names the field and the value."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{field}={text!r} is not a decimal number") from None
    if not value.is_finite():
        raise ValueError(f"{field}={text!r} is not a finite number")
    return value


def encode_step(step: Step) -> market_data_pb2.Step:
    """Encode the place of an event in a replay."""
    return market_data_pb2.Step(seq=step.seq, universes=step.universes)


def decode_step(message: market_data_pb2.Step) -> Step:
    """Decode the place of an event in a replay."""
    return Step(message.seq, tuple(message.universes))


def encode_bars(batch: BarBatch) -> market_data_pb2.BarBatch:
    """Encode a bar batch; columns are packed doubles."""
    message = market_data_pb2.BarBatch(
        universe=batch.universe,
        timeframe=batch.timeframe,
        ts_ns=batch.ts,
        step=encode_step(batch.step),
        asset_ids=batch.asset_ids.tolist(),
        start_ns=batch.start,
    )
    put_columns(message, {name: getattr(batch, name) for name in _BAR_COLUMNS})
    return message


def decode_bars(message: market_data_pb2.BarBatch) -> BarBatch:
    """Decode a bar batch; ValueError names the column that is not as long as the others."""
    ids = _column(message.asset_ids, np.uint32)
    columns = take_columns(message, _BAR_COLUMNS)
    _check_lengths("BarBatch", len(ids), columns)
    return BarBatch(
        universe=message.universe,
        timeframe=message.timeframe,
        ts=message.ts_ns,
        asset_ids=ids,
        step=decode_step(message.step),
        start=message.start_ns,
        **columns,
    )


def encode_quotes(batch: QuoteBatch) -> market_data_pb2.QuoteBatch:
    """Encode the newest quotes of a universe; columns are packed."""
    return market_data_pb2.QuoteBatch(
        universe=batch.universe,
        ts_ns=batch.ts,
        asset_ids=batch.asset_ids.tolist(),
        times_ns=batch.event_times.tolist(),
        bid=batch.bid.tolist(),
        ask=batch.ask.tolist(),
        bid_size=batch.bid_size.tolist(),
        ask_size=batch.ask_size.tolist(),
    )


def decode_quotes(message: market_data_pb2.QuoteBatch) -> QuoteBatch:
    """Decode quotes; ValueError names the column that is not as long as the others."""
    ids = _column(message.asset_ids, np.uint32)
    names = ("bid", "ask", "bid_size", "ask_size")
    columns = {name: _column(getattr(message, name), np.float64) for name in names}
    times = _column(message.times_ns, np.int64)
    _check_lengths("QuoteBatch", len(ids), {**columns, "times_ns": times})
    bid, ask, bid_size, ask_size = (columns[name] for name in names)
    return QuoteBatch(message.universe, message.ts_ns, ids, bid, ask, bid_size, ask_size, times=times)


def encode_context(context: MarketContext) -> signals_pb2.MarketContext:
    """Encode what exits and sizing need of every asset."""
    message = signals_pb2.MarketContext(asset_ids=context.asset_ids.tolist(), regime=context.regime.tolist())
    put_columns(message, {name: getattr(context, name) for name in _CONTEXT_COLUMNS})
    return message


def decode_context(message: signals_pb2.MarketContext) -> MarketContext:
    """Decode what exits and sizing need of every asset; ValueError names a column of another length."""
    ids = _column(message.asset_ids, np.uint32)
    columns = take_columns(message, _CONTEXT_COLUMNS)
    regime = _column(message.regime, np.int8)
    _check_lengths("MarketContext", len(ids), {**columns, "regime": regime})
    return MarketContext(asset_ids=ids, regime=regime, **columns)


def encode_signal(signal: Signal) -> signals_pb2.Signal:
    """Encode one consensus decision."""
    return signals_pb2.Signal(
        id=str(signal.id),
        asset_id=signal.asset_id,
        direction=signal.direction,
        confidence=signal.confidence,
        price=signal.price,
        votes=dict(signal.votes),
        model_version=signal.model_version,
        features=dict(signal.features),
    )


def decode_signal(message: signals_pb2.Signal, *, with_reasons: bool = True) -> Signal:
    """Decode one consensus decision; votes and features are its reasons."""
    return Signal(
        id=UUID(message.id),
        asset_id=message.asset_id,
        direction=message.direction,
        confidence=message.confidence,
        price=message.price,
        votes=dict(message.votes) if with_reasons else {},
        model_version=message.model_version,
        features=dict(message.features) if with_reasons else {},
    )


def encode_signals(batch: SignalBatch) -> signals_pb2.SignalBatch:
    """Encode the decisions of one universe at one event time."""
    return signals_pb2.SignalBatch(
        universe=batch.universe,
        ts_ns=batch.ts,
        step=encode_step(batch.step),
        signals=[encode_signal(signal) for signal in batch.signals],
        context=encode_context(batch.context),
    )


def decode_signals(message: signals_pb2.SignalBatch, *, with_reasons: bool = True) -> SignalBatch:
    """Decode the decisions of one universe at one event time."""
    return SignalBatch(
        universe=message.universe,
        ts=message.ts_ns,
        step=decode_step(message.step),
        signals=tuple(decode_signal(signal, with_reasons=with_reasons) for signal in message.signals),
        context=decode_context(message.context),
    )


def encode_position(position: PositionView) -> orders_pb2.Position:
    """Encode one open position."""
    return orders_pb2.Position(
        asset_id=position.asset_id,
        qty=encode_decimal(position.qty),
        avg_entry_price=encode_decimal(position.avg_entry_price),
        mark=position.mark,
        mark_ns=position.mark_ts,
        opened_ns=position.opened_ts,
        high_watermark=position.high_watermark,
        realized_pnl=encode_decimal(position.realized_pnl),
    )


def decode_position(message: orders_pb2.Position) -> PositionView:
    """Decode one open position."""
    return PositionView(
        asset_id=message.asset_id,
        qty=decode_decimal(message.qty, "Position.qty"),
        avg_entry_price=decode_decimal(message.avg_entry_price, "Position.avg_entry_price"),
        mark=message.mark,
        mark_ts=message.mark_ns,
        opened_ts=message.opened_ns,
        high_watermark=message.high_watermark,
        realized_pnl=decode_decimal(message.realized_pnl or "0", "Position.realized_pnl"),
    )


def encode_open_order(order: OpenOrder) -> orders_pb2.Order:
    """Encode a working order: qty is what remains, limit_price the price at which it is reserved."""
    return orders_pb2.Order(
        client_order_id=order.client_order_id,
        asset_id=order.asset_id,
        side=order.side,
        intent=order.intent,
        qty=encode_decimal(order.remaining_qty),
        limit_price=repr(float(order.price)),
        status=OrderStatus.UNKNOWN if order.unknown else OrderStatus.ACCEPTED,
    )


def decode_open_order(message: orders_pb2.Order) -> OpenOrder:
    """Decode a working order."""
    return OpenOrder(
        client_order_id=message.client_order_id,
        asset_id=message.asset_id,
        side=Side(message.side),
        intent=Intent(message.intent),
        remaining_qty=decode_decimal(message.qty, "Order.qty"),
        price=float(message.limit_price),
        unknown=message.status == OrderStatus.UNKNOWN,
    )


def encode_breaker(breaker: BreakerView) -> orders_pb2.Breaker:
    """Encode a circuit breaker as the services see it."""
    return orders_pb2.Breaker(
        name=breaker.name,
        tripped=breaker.tripped,
        action=breaker.action,
        value=breaker.value,
        tripped_ns=breaker.tripped_ts,
    )


def decode_breaker(message: orders_pb2.Breaker) -> BreakerView:
    """Decode a circuit breaker."""
    return BreakerView(message.name, message.tripped, message.action, message.value, message.tripped_ns)


def encode_snapshot(snapshot: PortfolioSnapshot) -> orders_pb2.PortfolioSnapshot:
    """Encode a portfolio at one event time."""
    return orders_pb2.PortfolioSnapshot(
        portfolio=snapshot.portfolio,
        ts_ns=snapshot.ts,
        seq=snapshot.seq,
        cash=encode_decimal(snapshot.cash),
        equity=encode_decimal(snapshot.equity),
        positions=[encode_position(position) for position in snapshot.positions],
        open_orders=[encode_open_order(order) for order in snapshot.open_orders],
        peak_equity=snapshot.peak_equity,
        day_start_equity=snapshot.day_start_equity,
        trading_state=snapshot.trading_state,
        day_close=snapshot.day_close,
        breakers=[encode_breaker(breaker) for breaker in snapshot.breakers],
        quote_rates=snapshot.quote_rates,
    )


def decode_snapshot(message: orders_pb2.PortfolioSnapshot) -> PortfolioSnapshot:
    """Decode a portfolio at one event time."""
    return PortfolioSnapshot(
        portfolio=message.portfolio,
        ts=message.ts_ns,
        seq=message.seq,
        cash=decode_decimal(message.cash, "PortfolioSnapshot.cash"),
        equity=decode_decimal(message.equity, "PortfolioSnapshot.equity"),
        positions=tuple(decode_position(position) for position in message.positions),
        open_orders=tuple(decode_open_order(order) for order in message.open_orders),
        peak_equity=message.peak_equity,
        day_start_equity=message.day_start_equity,
        trading_state=message.trading_state,
        day_close=message.day_close,
        breakers=tuple(decode_breaker(breaker) for breaker in message.breakers),
        quote_rates=dict(message.quote_rates),
    )


def encode_fill(fill: Fill) -> orders_pb2.Fill:
    """Encode one execution."""
    return orders_pb2.Fill(
        execution_id=fill.execution_id,
        client_order_id=fill.client_order_id,
        asset_id=fill.asset_id,
        side=fill.side,
        qty=encode_decimal(fill.qty),
        price=encode_decimal(fill.price),
        fee=encode_decimal(fill.fee),
        fee_in_base=fill.fee_in_base,
        ts_ns=fill.ts,
        pl="" if fill.pl is None else encode_decimal(fill.pl),
    )


def decode_fill(message: orders_pb2.Fill) -> Fill:
    """Decode one execution."""
    return Fill(
        execution_id=message.execution_id,
        client_order_id=message.client_order_id,
        asset_id=message.asset_id,
        side=Side(message.side),
        qty=decode_decimal(message.qty, "Fill.qty"),
        price=decode_decimal(message.price, "Fill.price"),
        ts=message.ts_ns,
        fee=decode_decimal(message.fee or "0", "Fill.fee"),
        fee_in_base=message.fee_in_base,
        pl=decode_decimal(message.pl, "Fill.pl") if message.pl else None,
    )


def encode_proposal(proposal: Proposal) -> risk_pb2.Proposal:
    """Encode an order that the trader would like to place."""
    return risk_pb2.Proposal(
        id=proposal.id,
        asset_id=proposal.asset_id,
        side=proposal.side,
        intent=proposal.intent,
        confidence=proposal.confidence,
        price=proposal.price,
        atr=proposal.atr,
        volatility=proposal.volatility,
        qty=encode_decimal(proposal.qty),
        signal_id=proposal.signal_id,
        reason=proposal.reason,
    )


def decode_proposal(message: risk_pb2.Proposal) -> Proposal:
    """Decode an order that the trader would like to place; ValueError names a wrong field."""
    return Proposal(
        id=message.id,
        asset_id=message.asset_id,
        side=Side(message.side),
        intent=Intent(message.intent),
        confidence=message.confidence,
        price=message.price,
        atr=message.atr,
        volatility=message.volatility,
        qty=decode_decimal(message.qty, "Proposal.qty") if message.qty else None,
        signal_id=message.signal_id,
        reason=message.reason,
    )


def encode_verdict(verdict: Verdict) -> risk_pb2.Verdict:
    """Encode risk's answer."""
    return risk_pb2.Verdict(
        proposal_id=verdict.proposal_id,
        approved=verdict.approved,
        qty=encode_decimal(verdict.qty),
        reasons=verdict.reasons,
        detail=verdict.detail,
        figures=dict(verdict.figures),
    )


def decode_verdict(message: risk_pb2.Verdict) -> Verdict:
    """Decode risk's answer."""
    return Verdict(
        proposal_id=message.proposal_id,
        approved=message.approved,
        qty=decode_decimal(message.qty, "Verdict.qty"),
        reasons=tuple(message.reasons),
        detail=message.detail,
        figures=dict(message.figures),
    )


def encode_phase(state: PhaseState) -> control_pb2.PhaseState:
    """Encode where one phase stands."""
    return control_pb2.PhaseState(phase=state.phase, name=state.name, status=state.status)


def decode_phase(message: control_pb2.PhaseState) -> PhaseState:
    """Decode where one phase stands."""
    return PhaseState(message.phase, message.name, PhaseStatus(message.status))


def _column(values: Iterable[Any], dtype: Any) -> NDArray[Any]:
    return np.fromiter(values, dtype=dtype)


def _check_lengths(message: str, expected: int, columns: dict[str, NDArray[Any]]) -> None:
    for name, column in columns.items():
        if len(column) != expected:
            raise ValueError(f"{message}.{name} has {len(column)} values, asset_ids has {expected}")
