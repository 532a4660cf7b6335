"""What the trader remembers of every asset is written when bars have changed it, and whole after any end."""

import itertools
import json
from typing import Any

import pytest

from ratchet.common.codec import encode_bars
from ratchet.common.streams import bars_stream
from ratchet.execution.ledger.by_asset import put_back, take_out

pytestmark = pytest.mark.integration


def remembered(engine: Any) -> Any:
    """The state of a session; which executions were seen is known from the ledger's rows."""
    state = json.loads(json.dumps(engine.session.state()))
    del state["portfolio"]["seen"]
    return state


def test_the_ledger_has_all_that_memory_has(live: Any, move: Any) -> None:
    live.start()
    move(30)
    live.kill()
    rows = live.db.query("SELECT state -> 'session', by_asset FROM execution_state")
    ((session, by_asset),) = rows
    assert set(by_asset) == {"marks", "mark_ts", "notional"}
    assert not by_asset.keys() & (session["portfolio"].keys() | session["risk"].keys())
    assert remembered(live.load()) == remembered(live.engine)


def test_commits_that_no_bar_came_before_leave_the_columns_alone(live: Any, move: Any) -> None:
    written: list[Any] = []

    def listen(world: Any) -> None:
        writer = world.parts.ledger.writer
        original = writer.state

        def state(cursor: Any, seq: int, ts: int, state: Any, by_asset: Any) -> None:
            written.append(by_asset)
            original(cursor, seq, ts, state, by_asset)

        writer.state = state

    live.before_start = listen
    live.start()
    move(20)
    live.kill()
    told = [columns for columns in written if columns is not None]
    assert 20 <= len(told) < len(written)
    assert all(after != before for before, after in itertools.pairwise(told))


def test_bars_that_no_signals_follow_are_written_too(live: Any, move: Any, eventually: Any) -> None:
    live.start()
    move(3)
    bars = live.make_bars(live.seq + 1)
    live.bus.publish_many([(bars_stream(batch.universe), encode_bars(batch), batch.ts) for batch in bars])

    def is_written() -> bool:
        rows = live.db.query("SELECT last_ts = to_timestamp(%s / 1e9) FROM execution_state", (bars[0].ts,))
        return bool(rows[0][0])

    eventually(is_written)
    live.kill()
    assert remembered(live.load()) == remembered(live.engine)


def test_a_state_of_before_the_columns_were_apart_is_whole() -> None:
    session = {"portfolio": {"marks": [[0, 1.5, 7]], "cash": "1"}, "risk": {"notional": "AAA="}}
    old = json.loads(json.dumps(session))
    put_back(session, {})
    assert session == old
    new = {"portfolio": {"marks": "a", "mark_ts": "b", "cash": "1"}, "risk": {"notional": "c"}}
    whole = json.loads(json.dumps(new))
    columns = take_out(new)
    assert new == {"portfolio": {"cash": "1"}, "risk": {}}
    put_back(new, columns)
    assert new == whole
