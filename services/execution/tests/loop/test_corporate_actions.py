"""Dividends and splits in a replay: the ledger books what the exchange has booked, at the same step."""

from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from ratchet.common.codec import encode_bars, encode_signals
from ratchet.common.streams import SIGNALS, WATERMARK, bars_stream
from ratchet.core.exchange import ActionKind, CorporateAction, Exchange, ExchangeConfig
from ratchet.core.portfolio.activities import REPLAYED_TYPES
from ratchet.execution.venue.broker import BrokerActivity
from ratchet.v1 import control_pb2

pytestmark = pytest.mark.integration
NVDA, STEPS = 2, 150


def actions() -> list[CorporateAction]:
    """A dividend and a split on each day of a week."""
    days = [date(2025, 1, 3) + timedelta(days=n) for n in range(7)]
    paid = [CorporateAction(NVDA, ActionKind.DIVIDEND, day, amount=Decimal("0.25")) for day in days]
    split = [CorporateAction(NVDA, ActionKind.SPLIT, day, ratio=Decimal("1.5")) for day in days]
    return [*paid, *split]


@pytest.fixture
def listed(make_world: Any, registry: Any) -> Any:
    """The loop's world with corporate actions at its exchange."""
    base = make_world(checkpoint_steps=5)
    broker = type(base.broker)(registry)
    broker.exchange = Exchange(registry, ExchangeConfig(), "test", track_changes=True)
    broker.exchange.on_corporate_actions(actions())
    known = SimpleNamespace(ts=0)
    make_signals = type(base).step.__globals__["make_signals"]

    class World(type(base)):  # type: ignore[misc]
        """Tells what the exchange has booked beside executions."""

        def step(self) -> None:
            self.seq += 1
            bars = self.make_bars(self.seq)
            messages = [(bars_stream(batch.universe), encode_bars(batch), batch.ts) for batch in bars]
            self.bus.publish_many(messages)
            broker.on_bars(bars)
            for row in broker.exchange.drain_changes().activities:
                if row["type"] in REPLAYED_TYPES:
                    broker.told.append(told(row))
                    known.ts = bars[0].ts
            mark = control_pb2.Watermark(
                service="paper-exchange", seq=self.seq, ts_ns=bars[0].ts, trade_updates=broker.number,
                activities_ts_ns=known.ts,
            )  # fmt: skip
            self.bus.publish(WATERMARK, mark, ts=bars[0].ts)
            for batch in bars:
                self.bus.publish(SIGNALS, encode_signals(make_signals(batch)), ts=batch.ts)

    def told(row: Any) -> BrokerActivity:
        return BrokerActivity(
            row["id"], row["type"], int(row["ts"]), "2025-01-03", registry[NVDA].symbol,
            Decimal(row["qty"]), Decimal(row["net_amount"]),
        )  # fmt: skip

    world = World(registry, base.db, base.redis_url, broker, settings={"checkpoint_steps": 5})
    yield world
    world.kill()
    world.bus.close()


def agrees(world: Any) -> bool:
    held = {row.symbol: row.qty for row in world.broker.positions()}
    rows = world.db.query("SELECT symbol, qty FROM positions WHERE qty <> 0")
    balance = world.db.query("SELECT sum(amount) FROM cash_ledger")[0][0]
    return held == dict(rows) and balance == world.broker.account().cash


@pytest.mark.parametrize("restarts", [False, True])
def test_the_ledger_has_the_exchanges_dividends_and_splits(listed: Any, restarts: bool) -> None:
    listed.start()
    for _ in range(STEPS // 10):
        listed.run(10)
        assert agrees(listed)
        if restarts:
            listed.kill()
            listed.start()
    listed.kill()
    effects = dict(listed.db.query("SELECT effect, count(*) FROM broker_activities GROUP BY 1"))
    assert effects.keys() == {"dividend", "position"}
    assert sum(effects.values()) == len(listed.broker.told)
    assert agrees(listed)
