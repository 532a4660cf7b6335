"""Bids and asks: which are believed, what an algorithm sees of them, and what risk is told."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.market import QuoteBatch
from ratchet.core.trader.quotes import QuoteBoard

S = 1_000_000_000
NOW = 1_700_000_000 * S
AGE = 60 * S


def batch(*rows: tuple[int, int, float, float]) -> QuoteBatch:
    ids, times, bid, ask = zip(*rows, strict=True)
    empty = np.zeros(len(rows))
    return QuoteBatch(
        "crypto", max(times), np.array(ids, np.uint32), np.array(bid, float), np.array(ask, float),
        empty, empty, times=np.array(times, np.int64),
    )  # fmt: skip


@pytest.fixture
def board() -> QuoteBoard:
    return QuoteBoard(3, AGE)


def spread(board: QuoteBoard, asset_id: int = 0) -> float:
    return float(board.spreads(np.array([asset_id], np.uint32))[0])


def test_a_quote_prices_until_it_is_too_old(board):
    assert board.view(0, NOW, Decimal(7)) is None
    assert board.note(batch((0, NOW, 99.5, 100.5), (2, NOW - 1, 1.0, 2.0))).tolist() == [0, 2]
    view = board.view(0, NOW + AGE, Decimal(98))
    assert (view.bid, view.ask, view.mid, view.last) == (99.5, 100.5, 100, 98)
    assert view.ts == NOW
    assert board.view(0, NOW + AGE + 1, Decimal(98)) is None
    assert board.view(0, NOW - AGE - 1, Decimal(98)) is None
    assert board.view(2, NOW, None).last == Decimal("1.5")


def test_a_batch_without_times_is_of_one_time(board):
    one = np.ones(1)
    board.note(QuoteBatch("crypto", NOW, np.array([1], np.uint32), one, 2 * one, one, one))
    assert board.times(np.array([1], np.uint32)).tolist() == [NOW]


def test_late_and_unbelievable_quotes_change_nothing(board):
    board.note(batch((0, NOW, 99.0, 101.0)))
    for row in [
        (0, NOW - 1, 50.0, 51.0),
        (0, NOW + 1, 102.0, 101.0),
        (0, NOW + 1, math.nan, 101.0),
        (0, NOW + 1, 99.0, math.inf),
        (0, NOW + 1, -1.0, 101.0),
    ]:
        assert board.note(batch(row)).tolist() == []
    assert board.view(0, NOW, None).bid == 99
    assert spread(board) == pytest.approx(0.02)
    # Locked is allowed, and so is a correction of the same instant.
    assert board.note(batch((0, NOW, 100.0, 100.0))).tolist() == [0]
    assert spread(board) == 0.0


def test_one_empty_side_is_the_widest_spread_and_two_are_no_quote(board):
    board.note(batch((0, NOW, 99.0, 0.0), (1, NOW, 0.0, 5.0)))
    assert (spread(board, 0), spread(board, 1)) == (2.0, 2.0)
    view = board.view(0, NOW, Decimal(98))
    assert (view.bid, view.ask, view.mid) == (99, None, None)
    board.note(batch((0, NOW + 1, 0.0, 0.0)))
    assert math.isnan(spread(board, 0))
    assert board.view(0, NOW + 1, Decimal(98)) is None


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(NOW, NOW + 50)), max_size=30))
def test_the_newest_quote_of_an_asset_wins_in_whatever_order_they_come(arrivals):
    board, newest = QuoteBoard(3, AGE), {}
    for asset_id, ts in arrivals:
        board.note(batch((asset_id, ts, float(1 + ts - NOW), float(2 + ts - NOW))))
        newest[asset_id] = max(ts, newest.get(asset_id, 0))
    for asset_id, ts in newest.items():
        view = board.view(asset_id, ts, None)
        assert (view.ts, view.bid) == (ts, 1 + ts - NOW)
