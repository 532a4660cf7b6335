"""What a trader expects of each algorithm."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from ratchet.core.execution import (
    Cancel,
    EndReason,
    Instrument,
    Leg,
    Place,
    Replace,
    available_algorithms,
    create_algorithm,
    stop,
    volume_weights,
)
from ratchet.core.execution.prices import aggressive, passive
from ratchet.core.execution.schedule import cumulative_targets, jittered
from ratchet.core.orders import Intent, OrderType, Side, child_order_id
from ratchet.core.orders import OrderEventKind as Kind

S = 1_000_000_000
H = 3_600 * S
D = Decimal


def _placed(actions: Any) -> list[tuple[Decimal, Decimal | None]]:
    return [(a.order.qty, a.order.limit_price) for a in actions if isinstance(a, Place)]


def _last(desk: Any) -> str:
    return list(desk.known)[-1]


def test_the_table_holds_them_all() -> None:
    assert list(available_algorithms()) == ["chase", "iceberg", "market", "multi_leg", "twap", "vwap"]


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("sniper", {}, "algo 'sniper' is not one of chase, iceberg, market"),
        ("market", {"slices": 3}, "'slices' is not one of none: it takes none"),
        ("twap", {"slice": 3}, "'slice' is not one of slices, style"),
        ("twap", {"slices": "ten"}, "slices 'ten' is not a whole number"),
        ("twap", {"slices": 2.5}, "slices 2.5 is not a whole number"),
        ("twap", {"slices": 0}, "slices 0 must be 1 to 1000"),
        ("twap", {"style": "fast"}, "style 'fast' is not one of market, mid, near"),
        ("twap", {"randomness": "0.5"}, "seed None must be a whole number where"),
        ("twap", {"randomness": "1"}, "randomness 1 must be at least 0 and below 1"),
        ("vwap", {"slices": 3, "profile": "1,2"}, "one weight for each of 3 slices"),
        ("vwap", {"slices": 2, "profile": "1,x"}, "profile '1,x' is not a list: each a decimal number"),
        ("iceberg", {}, "'display_qty' is missing"),
        ("chase", {"peg": "far"}, "peg 'far' is not one of mid, near"),
        ("multi_leg", {"native": "maybe"}, "native 'maybe' is not true or false"),
    ],
)
def test_bad_parameters_are_named(name: str, parameters: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        create_algorithm(name, parameters)


def test_prices_are_rounded_with_or_against_the_trader() -> None:
    tick, price = D("0.05"), D("10.02")
    assert (passive(price, tick, Side.BUY), passive(price, tick, Side.SELL)) == (D("10.00"), D("10.05"))
    assert (aggressive(price, tick, Side.BUY), aggressive(price, tick, Side.SELL)) == (D("10.05"), D("10.00"))


class TestMarket:
    def test_all_at_once_and_no_second_try(self, desk_of: Any) -> None:
        desk = desk_of("market")
        assert _placed(desk.step(0)) == [(D(100), None)]
        desk.accept_all()
        desk.fill(_last(desk), D(40))
        desk.tell(_last(desk), Kind.EXPIRED)
        desk.step(1)
        assert desk.work.ended is EndReason.CHILD_ENDED
        assert desk.work.filled_qty == 40

    def test_with_a_limit_it_is_a_limit_order(self, desk_of: Any) -> None:
        assert _placed(desk_of("market", limit_price=D("9.50")).step(0)) == [(D(100), D("9.50"))]


class TestChase:
    def test_it_follows_the_midpoint_rounded_with_the_trader(self, desk_of: Any) -> None:
        desk = desk_of("chase", {"interval_s": 10}, can_replace=True)
        assert _placed(desk.step(0, "10.00", "10.05")) == [(D(100), D("10.02"))]
        desk.accept_all()
        assert desk.step(9, "10.10", "10.15") == ()
        assert desk.step(10, "10.10", "10.15") == (Replace(_last(desk), D("10.12")),)

    def test_what_it_replaces_in_place_goes_on_as_the_next_child(self, desk_of: Any) -> None:
        desk = desk_of("chase", {"interval_s": 10}, can_replace=True)
        desk.step(0, "10.00", "10.05")
        desk.accept_all()
        first = _last(desk)
        [asked] = desk.step(10, "10.10", "10.15")
        second = desk.replaced(asked)
        assert (second.replaces, second.limit_price, second.qty) == (first, D("10.12"), 100)
        assert second.client_order_id == child_order_id("parent-1", 1)
        assert [order.client_order_id for order in desk.working()] == [second.client_order_id]
        assert desk.step(19, "10.20", "10.25") == ()
        assert desk.step(20, "10.20", "10.25") == (Replace(second.client_order_id, D("10.22")),)

    def test_what_was_filled_meanwhile_counts_once(self, desk_of: Any) -> None:
        desk = desk_of("chase", {"interval_s": 10}, can_replace=True)
        desk.step(0, "10.00", "10.05")
        desk.accept_all()
        [asked] = desk.step(10, "10.10", "10.15")
        second = desk.replaced(asked, "filled")
        assert (second.filled_qty, desk.work.filled_qty, desk.work.filled_avg_price) == (1, 1, 10)
        # A child that has filled in part is not replaced in place: it is cancelled and placed anew.
        assert desk.step(20, "10.20", "10.25") == (Cancel(second.client_order_id),)
        desk.tell(second.client_order_id, Kind.CANCELED)
        assert _placed(desk.step(21)) == [(D(99), D("10.22"))]

    def test_a_refused_replacement_is_no_refused_child_and_the_next_time_it_cancels(
        self, desk_of: Any
    ) -> None:
        desk = desk_of("chase", {"interval_s": 10}, can_replace=True, max_rejects=1)
        desk.step(0, "10.00", "10.05")
        desk.accept_all()
        first = _last(desk)
        [asked] = desk.step(10, "10.10", "10.15")
        desk.replaced(asked, "refused")
        assert desk.step(19) == ()
        assert desk.step(20, "10.20", "10.25") == (Cancel(first),)
        assert desk.work.ended is None

    def test_a_sell_rests_at_its_near_touch(self, desk_of: Any) -> None:
        desk = desk_of("chase", {"peg": "near"}, side=Side.SELL)
        assert _placed(desk.step(0, "10.00", "10.05")) == [(D(100), D("10.05"))]

    def test_a_move_re_prices_before_the_interval(self, desk_of: Any) -> None:
        desk = desk_of("chase", {"interval_s": 60, "move_ticks": 5, "peg": "near"})
        desk.step(0, "10.00", "10.05")
        desk.accept_all()
        assert desk.step(1, "10.04", "10.09") == ()
        assert desk.step(2, "10.05", "10.10") == (Cancel(_last(desk)),)

    def test_without_replace_only_what_is_left_is_placed_anew(self, desk_of: Any) -> None:
        desk = desk_of("chase", {"interval_s": 10, "peg": "near"})
        desk.step(0, "10.00", "10.05")
        desk.accept_all()
        desk.step(10, "10.02", "10.07")
        first = _last(desk)
        assert desk.step(11) == ()
        desk.fill(first, D(30))
        desk.tell(first, Kind.CANCELED)
        assert _placed(desk.step(12)) == [(D(70), D("10.02"))]

    def test_after_its_last_move_it_crosses(self, desk_of: Any) -> None:
        desk = desk_of("chase", {"interval_s": 10, "max_reprices": 1}, can_replace=True)
        desk.step(0, "10.00", "10.10")
        desk.accept_all()
        (change,) = desk.step(10, "10.20", "10.30")
        desk.replaced(change)
        assert desk.step(20, "10.40", "10.50") == (Cancel(_last(desk)),)
        desk.tell(_last(desk), Kind.CANCELED)
        assert _placed(desk.step(21)) == [(D(100), None)]

    def test_it_crosses_up_to_the_limit_only(self, desk_of: Any) -> None:
        desk = desk_of("chase", {"max_reprices": 0, "interval_s": 10}, limit_price=D("10.20"))
        desk.step(0, "10.00", "10.10")
        desk.accept_all()
        desk.step(10)
        desk.tell(_last(desk), Kind.CANCELED)
        assert _placed(desk.step(11, "10.30", "10.40")) == [(D(100), D("10.20"))]

    def test_giving_up_it_rests_until_the_deadline(self, desk_of: Any) -> None:
        desk = desk_of("chase", {"finish": "give_up", "max_reprices": 0})
        desk.step(0, "10.00", "10.10")
        desk.accept_all()
        assert desk.step(599, "11.00", "11.10") == ()
        assert desk.step(600) == (Cancel(_last(desk)),)
        desk.tell(_last(desk), Kind.CANCELED)
        desk.step(601)
        assert desk.work.ended is EndReason.DEADLINE

    def test_it_waits_for_a_market_and_distrusts_an_old_one(self, desk_of: Any) -> None:
        desk = desk_of("chase")
        assert desk.step(0) == ()
        desk.step(1, "10.00", "9.90")
        assert desk.actions == []
        old = desk_of("chase")
        old.markets = {0: desk.markets[0]}
        assert old.step(200) == ()


class TestSlices:
    def test_twap_places_equal_slices_in_time(self, desk_of: Any) -> None:
        desk = desk_of("twap", {"slices": 4, "finish_before_s": 0})
        found = []
        for second in (0, 100, 150, 299, 300, 450):
            found.append(_placed(desk.step(second, "10.00", "10.10")))
            desk.accept_all()
            for order in desk.working():
                desk.fill(order.client_order_id, order.qty)
        assert found == [[(D(25), None)], [], [(D(25), None)], [], [(D(25), None)], [(D(25), None)]]

    def test_what_a_slice_leaves_the_next_one_takes(self, desk_of: Any) -> None:
        desk = desk_of("twap", {"slices": 2, "style": "near", "finish_before_s": 0})
        desk.step(0, "10.00", "10.10")
        desk.accept_all()
        desk.fill(_last(desk), D(20))
        assert desk.step(300, "10.00", "10.10") == (Cancel(_last(desk)),)
        desk.tell(_last(desk), Kind.CANCELED)
        assert _placed(desk.step(301)) == [(D(80), D("10.00"))]

    def test_the_rest_crosses_before_the_deadline(self, desk_of: Any) -> None:
        desk = desk_of("twap", {"slices": 1, "style": "near", "finish_before_s": 60})
        desk.step(0, "10.00", "10.10")
        desk.accept_all()
        desk.step(540, "10.00", "10.10")
        desk.tell(_last(desk), Kind.CANCELED)
        assert _placed(desk.step(541, "10.00", "10.10")) == [(D(100), None)]

    def test_a_missed_slice_is_made_up_for(self, desk_of: Any) -> None:
        desk = desk_of("twap", {"slices": 4, "finish_before_s": 0})
        assert _placed(desk.step(310, "10.00", "10.10")) == [(D(75), None)]

    def test_vwap_follows_the_profile(self, desk_of: Any) -> None:
        desk = desk_of("vwap", {"slices": 3, "profile": "6,1,3", "finish_before_s": 0})
        sizes = []
        for second in (0, 200, 400):
            sizes += _placed(desk.step(second, "10.00", "10.10"))
            desk.accept_all()
            desk.fill(_last(desk), desk.known[_last(desk)].qty)
        assert sizes == [(D(60), None), (D(10), None), (D(30), None)]

    def test_sizes_vary_by_the_seed_alone(self) -> None:
        weights = (D(1),) * 8
        first = cumulative_targets(D(800), D(1), jittered(weights, D("0.5"), 1))
        assert first == cumulative_targets(D(800), D(1), jittered(weights, D("0.5"), 1))
        assert first != cumulative_targets(D(800), D(1), jittered(weights, D("0.5"), 2))
        sizes = [b - a for a, b in zip((D(0), *first), first, strict=False)]
        assert sum(sizes) == 800
        assert all(40 <= size <= 200 for size in sizes)
        assert len(set(sizes)) > 4

    def test_the_profile_is_the_mean_volume_of_the_time_of_day(self) -> None:
        # Two days of hourly bars: 100 a bar, but 500 and 700 (mean 600) from 14:00 to 15:00.
        ends = np.array([h * H for h in range(1, 49)], dtype=np.int64)
        volumes = np.full(48, 100.0)
        volumes[14], volumes[38] = 500.0, 700.0
        day = 10 * 24 * H
        shares = volume_weights(ends, volumes, H, day + 13 * H, day + 16 * H, 3)
        assert shares == (D("0.125"), D("0.75"), D("0.125"))
        halves = volume_weights(ends, volumes, H, day + 13 * H + H // 2, day + 15 * H + H // 2, 2)
        assert halves == (D("0.5"), D("0.5"))

    def test_no_past_volume_is_an_error(self) -> None:
        ends = np.array([H], dtype=np.int64)
        with pytest.raises(ValueError, match="no volume at the times of day"):
            volume_weights(ends, np.array([5.0]), H, 12 * H, 13 * H, 2)


class TestIceberg:
    def test_it_shows_a_part_and_refills_it(self, desk_of: Any) -> None:
        desk = desk_of("iceberg", {"display_qty": 40}, limit_price=D("10.00"))
        sizes = []
        for second in range(3):
            sizes += _placed(desk.step(second, "10.00", "10.10"))
            desk.accept_all()
            desk.fill(_last(desk), desk.known[_last(desk)].qty)
        desk.step(3)
        assert sizes == [(D(40), D("10.00")), (D(40), D("10.00")), (D(20), D("10.00"))]
        assert desk.work.ended is EndReason.FILLED

    def test_it_needs_a_limit(self, desk_of: Any) -> None:
        with pytest.raises(ValueError, match="limit_price None must be given for an iceberg"):
            desk_of("iceberg", {"display_qty": 40})


class TestMultiLeg:
    @pytest.fixture
    def spread(self, desk_of: Any, acme: Instrument) -> Any:
        other = Instrument(1, D("0.01"), D(1))
        legs = (Leg(acme, Side.BUY, D(1), D("10.00")), Leg(other, Side.SELL, D(2)))
        return desk_of("multi_leg", {"decide_before_s": 60}, qty=D(10), legs=legs)

    def test_legs_follow_one_another_in_ratio(self, spread: Any) -> None:
        assert _placed(spread.step(0)) == [(D(10), D("10.00"))]
        spread.accept_all()
        assert spread.step(1) == ()
        spread.fill(_last(spread), D(10))
        (action,) = spread.step(2)
        assert (action.order.asset_id, action.order.side, action.order.qty) == (1, Side.SELL, D(20))
        spread.accept_all()
        spread.fill(_last(spread), D(20))
        spread.step(3)
        assert spread.work.ended is EndReason.FILLED
        assert spread.work.filled_qty == 10

    def test_a_leg_that_fails_is_hedged_out_down_to_whole_packages(self, spread: Any) -> None:
        spread.step(0)
        spread.accept_all()
        spread.fill(_last(spread), D(10))
        spread.step(1)
        spread.accept_all()
        spread.fill(_last(spread), D(7))
        spread.tell(_last(spread), Kind.EXPIRED)
        # 7 of 20 make 3 packages: 7 of the first leg and 1 of the second are too much.
        orders = [action.order for action in spread.step(2)]
        assert [(o.asset_id, o.side, o.qty, o.type, o.intent) for o in orders] == [
            (0, Side.SELL, D(7), OrderType.MARKET, Intent.EXIT),
            (1, Side.BUY, D(1), OrderType.MARKET, Intent.EXIT),
        ]
        spread.accept_all()
        for order in orders:
            spread.fill(order.client_order_id, order.qty)
        spread.step(3)
        assert spread.work.ended is EndReason.HEDGED_OUT
        assert spread.work.filled_qty == 3

    def test_stopping_between_the_legs_leaves_none(self, spread: Any) -> None:
        spread.step(0)
        spread.accept_all()
        spread.fill(_last(spread), D(10))
        spread.work = stop(spread.work)
        (hedge,) = spread.step(1)
        assert (hedge.order.side, hedge.order.qty) == (Side.SELL, D(10))
        spread.accept_all()
        spread.fill(hedge.order.client_order_id, D(10))
        spread.step(2)
        assert spread.work.ended is EndReason.STOPPED
        assert spread.work.filled_qty == 0

    def test_time_running_out_is_a_failure(self, spread: Any) -> None:
        spread.step(0)
        spread.accept_all()
        spread.fill(_last(spread), D(4))
        assert spread.step(540) == (Cancel(_last(spread)),)
        spread.tell(_last(spread), Kind.CANCELED)
        assert [a.order.qty for a in spread.step(541)] == [D(4)]

    def test_refused_hedges_are_said_to_be_unbalanced(self, spread: Any) -> None:
        spread.step(0)
        spread.accept_all()
        spread.fill(_last(spread), D(4))
        spread.work = stop(spread.work)
        spread.step(1)
        spread.tell(_last(spread), Kind.CANCELED)
        for second in range(2, 5):
            spread.step(second)
            spread.tell(_last(spread), Kind.REJECTED)
        spread.step(6)
        assert spread.work.ended is EndReason.UNBALANCED

    def test_a_venue_that_takes_packages_gets_one_order(self, desk_of: Any, acme: Instrument) -> None:
        legs = (Leg(acme, Side.BUY), Leg(Instrument(1, D("0.01"), D(1)), Side.SELL))
        desk = desk_of("multi_leg", {"native": True}, qty=D(10), legs=legs, limit_price=D("1.20"))
        (action,) = desk.step(0)
        assert action.legs == legs
        assert (action.order.qty, action.order.limit_price) == (D(10), D("1.20"))
        desk.accept_all()
        desk.fill(_last(desk), D(10))
        desk.step(1)
        assert desk.work.ended is EndReason.FILLED

    def test_only_what_works_legs_takes_them(self, desk_of: Any, acme: Instrument) -> None:
        legs = (Leg(acme, Side.BUY), Leg(Instrument(1, D("0.01"), D(1)), Side.SELL))
        with pytest.raises(ValueError, match="legs: algo market works one instrument, but there are 2 legs"):
            desk_of("market", legs=legs)

    def test_legs_are_checked(self, desk_of: Any, acme: Instrument) -> None:
        with pytest.raises(ValueError, match="legs 0 must be at least 2"):
            desk_of("multi_leg")
        with pytest.raises(ValueError, match="legs must be in different assets"):
            desk_of("multi_leg", legs=(Leg(acme, Side.BUY), Leg(acme, Side.SELL)))
