"""The risk context and risk measures to and from protobuf messages."""

import numpy as np

from ratchet.core.risk import AssetFacts, Greeks, RiskContext, TradeRecord
from ratchet.core.risk.measures.report import RiskReport
from ratchet.v1 import risk_pb2


def encode_risk_context(context: RiskContext) -> risk_pb2.RiskContext:
    """Encode what risk must know of the market; returns of an asset without facts are left out."""
    return risk_pb2.RiskContext(
        assets=[_encode_facts(asset_id, facts, context) for asset_id, facts in context.assets.items()],
        records={
            name: risk_pb2.TradeRecord(
                trades=record.trades,
                win_ratio=record.win_ratio,
                mean_win=record.mean_win,
                mean_loss=record.mean_loss,
            )
            for name, record in context.records.items()
        },
        recent_entry_ns=context.recent_entries,
    )


def decode_risk_context(message: risk_pb2.RiskContext) -> RiskContext:
    """Decode what risk must know of the market; ValueError names an asset that is given twice."""
    facts: dict[int, AssetFacts] = {}
    for item in message.assets:
        if item.asset_id in facts:
            raise ValueError(f"RiskContext.assets names asset {item.asset_id} twice")
        facts[item.asset_id] = _decode_facts(item)
    return RiskContext(
        assets=facts,
        returns={
            item.asset_id: np.fromiter(item.returns, np.float64, len(item.returns))
            for item in message.assets
            if item.returns
        },
        records={
            name: TradeRecord(record.trades, record.win_ratio, record.mean_win, record.mean_loss)
            for name, record in message.records.items()
        },
        recent_entries=tuple(message.recent_entry_ns),
    )


def encode_report(report: RiskReport) -> risk_pb2.MeasureResponse:
    """Encode what was measured of a portfolio."""
    return risk_pb2.MeasureResponse(
        equity=report.equity,
        days=report.days,
        value_at_risk=[
            risk_pb2.ValueAtRisk(method=item.method, confidence=item.confidence, var=item.var, cvar=item.cvar)
            for item in report.value_at_risk
        ],
        contributions=dict(report.contributions),
        stress=[
            risk_pb2.StressResult(
                name=item.name,
                description=item.description,
                pnl=item.pnl,
                equity_ratio=item.equity_ratio,
                by_asset=dict(item.by_asset),
            )
            for item in report.stress
        ],
        unmeasured=report.unmeasured,
    )


def _encode_facts(asset_id: int, facts: AssetFacts, context: RiskContext) -> risk_pb2.AssetFacts:
    returns = context.returns.get(asset_id)
    return risk_pb2.AssetFacts(
        asset_id=asset_id,
        mark=facts.mark,
        mark_ns=facts.mark_ts,
        bar_notional=facts.bar_notional,
        regime=facts.regime,
        spread_ratio=facts.spread_ratio,
        event_ns=facts.events,
        greeks=None if facts.greeks is None else _encode_greeks(facts.greeks),
        returns=() if returns is None else returns.tolist(),
        quote_ns=facts.quote_ts,
    )


def _decode_facts(message: risk_pb2.AssetFacts) -> AssetFacts:
    return AssetFacts(
        mark=message.mark,
        mark_ts=message.mark_ns,
        bar_notional=message.bar_notional,
        regime=message.regime if message.HasField("regime") else None,
        spread_ratio=message.spread_ratio if message.HasField("spread_ratio") else None,
        events=tuple(message.event_ns),
        greeks=_decode_greeks(message.greeks) if message.HasField("greeks") else None,
        quote_ts=message.quote_ns if message.HasField("quote_ns") else None,
    )


def _encode_greeks(greeks: Greeks) -> risk_pb2.Greeks:
    return risk_pb2.Greeks(delta=greeks.delta, gamma=greeks.gamma, vega=greeks.vega, theta=greeks.theta)


def _decode_greeks(message: risk_pb2.Greeks) -> Greeks:
    return Greeks(message.delta, message.gamma, message.vega, message.theta)
