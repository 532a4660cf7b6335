"""Exits are followed for a while, so that one can see what staying would have brought."""

from decimal import Decimal

import numpy as np
import pytest

from ratchet.core.exits import ExitOutcome, OutcomeBook
from ratchet.core.market import BarBatch

HOUR = 3_600_000_000_000


def bar(ts, high, low, close, asset_id=0):
    columns = [np.array([float(value)]) for value in (close, high, low, close, 1)]
    return BarBatch("stock", "1h", ts * HOUR, np.array([asset_id], np.uint32), *columns)


def sold(id_="x", ts=1, side=1, asset_id=0):
    return ExitOutcome(
        id_, asset_id, ts * HOUR, side, Decimal(10), "STOP_LOSS", 110.0, 100.0, -0.09, HOUR, {"score": 0.4}
    )


def test_a_long_that_recovered_was_left_too_early():
    book = OutcomeBook(2)
    book.follow(sold())
    assert book.update([bar(2, 103, 98, 101)]) == []
    (done,) = book.update([bar(3, 106, 100, 105)])
    assert done.complete
    assert (done.after_best_ratio, done.after_worst_ratio) == pytest.approx((0.06, -0.02))
    assert done.after_close_ratio == pytest.approx(0.05)
    assert len(book) == 0


def test_a_short_is_seen_in_the_mirror():
    book = OutcomeBook(1)
    book.follow(sold(side=-1))
    (done,) = book.update([bar(2, 103, 96, 97)])
    assert (done.after_best_ratio, done.after_worst_ratio) == pytest.approx((0.04, -0.03))
    assert done.after_close_ratio == pytest.approx(0.03)


def test_only_later_bars_of_its_own_asset_count():
    book = OutcomeBook(1)
    book.follow(sold())
    assert book.update([bar(1, 200, 1, 50)]) == []
    assert book.update([bar(2, 200, 1, 50, asset_id=1)]) == []
    assert [outcome.bars for outcome in book.update([bar(2, 101, 99, 100)])] == [1]


def test_an_exit_decided_again_is_followed_once_and_restoring_changes_nothing():
    book = OutcomeBook(3)
    for _ in range(2):
        book.follow(sold("a"))
    book.follow(sold("b"))
    book.update([bar(2, 103, 98, 101)])
    book.follow(sold("a"))
    twin = OutcomeBook.from_json(3, book.to_json())
    for ts in (3, 4):
        one, two = book.update([bar(ts, 105, 97, 104)]), twin.update([bar(ts, 105, 97, 104)])
        assert one == two
    assert [outcome.id for outcome in one] == ["a", "b"]
    assert [outcome.bars for outcome in one] == [3, 3]
