"""What the venue does to contracts by itself, or somebody by hand: the books follow and never drift."""

from decimal import Decimal
from typing import Any

import pytest

from ratchet.core.orders import Side
from ratchet.execution.operators import manual

pytestmark = pytest.mark.integration

# NVDA stands at 515 on Tuesday at eleven, rises by a dollar each half hour, and closes at 525.
IN_THE_MONEY, WORTHLESS = "NVDA240109C00510000", "NVDA240109P00510000"


def submit(world: Any, symbol: str, side: str = "buy", qty: str = "1") -> Any:
    ticket = manual.Ticket(symbol, Side(side), Decimal(qty), "anna", f"{symbol}-{side}-{world.seq}")
    return world.commands.call(lambda engine: manual.submit(engine, ticket, is_live=False), 20)


def by_hand(venue: Any, symbol: str, side: str, qty: str = "1", **fields: str) -> Any:
    """Order at the venue with its own client, as a person does."""
    body = {"symbol": symbol, "side": side, "qty": qty, "type": "market", "time_in_force": "day", **fields}
    return venue.post("/v2/orders", body)


def effects(world: Any) -> list[tuple[Any, ...]]:
    return world.db.query("SELECT type, symbol, booked_qty, booked_amount FROM broker_activities ORDER BY 1")


def test_what_expires_in_the_money_becomes_shares_and_what_does_not_is_gone(
    world: Any, venue: Any, check_books: Any
) -> None:
    for symbol in (IN_THE_MONEY, WORTHLESS):
        assert submit(world, symbol).reasons == ()
    world.run(1)
    check_books()
    world.until(0, 13)
    check_books()
    assert {row["symbol"]: row["qty"] for row in venue.get("/v2/positions")} == {"NVDA": "100"}
    assert effects(world) == [
        ("OPEXC", IN_THE_MONEY, Decimal(-1), Decimal(0)),
        ("OPEXP", WORTHLESS, Decimal(-1), Decimal(0)),
        ("OPTRD", "NVDA", Decimal(100), Decimal(-51_000)),
    ]
    ((lost,),) = world.db.query("SELECT realized_pnl FROM positions WHERE symbol = %s", (WORTHLESS,))
    ((price, fee),) = world.db.query("SELECT price, fee FROM fills WHERE symbol = %s", (WORTHLESS,))
    assert lost == -price * 100 - fee
    world.run(3)
    world.kill()
    world.start()
    world.run(1)
    check_books()
    assert world.reconciler.report.ok
    assert len(effects(world)) == 3
    gap = world.engine.session.portfolio.equity - Decimal(venue.get("/v2/account")["equity"])
    assert abs(gap) < Decimal("0.01")


def test_an_assigned_call_delivers_the_shares_that_cover_it(world: Any, venue: Any, check_books: Any) -> None:
    by_hand(venue, "NVDA", "buy", "100")
    world.run(2)
    assert submit(world, IN_THE_MONEY, "sell").reasons == ()
    world.run(1)
    check_books()
    assert world.engine.session.portfolio.position(world.registry.by_symbol(IN_THE_MONEY).id).qty == -1
    world.until(0, 13)
    check_books()
    assert world.engine.session.portfolio.positions == {}
    assert [row[:3] for row in effects(world)] == [
        ("OPASN", IN_THE_MONEY, Decimal(1)),
        ("OPTRD", "NVDA", Decimal(-100)),
    ]


def test_an_exercise_by_hand_is_booked(world: Any, venue: Any, check_books: Any) -> None:
    submit(world, "NVDA240112C00510000")
    world.run(1)
    venue.post("/v2/positions/NVDA240112C00510000/exercise")
    world.run(1)
    check_books()
    assert world.engine.session.portfolio.position(world.registry.by_symbol("NVDA").id).qty == 100


def test_an_option_order_by_hand_is_adopted_and_shown_as_external(
    world: Any, venue: Any, check_books: Any
) -> None:
    by_hand(venue, "NVDA240112C00520000", "buy")
    world.run(2)
    check_books()
    rows = world.db.query("SELECT symbol, asset_class, intent, status FROM orders")
    assert rows == [("NVDA240112C00520000", "option", "external", "filled")]


@pytest.fixture
def live(make_world: Any, venue: Any) -> Any:
    """Execution as it runs live, at the venue's time of day."""
    made = make_world(reconcile_every_s=0.2, option_quotes_every_s=0.05)
    made.is_live = True
    for _ in range(2):
        made.step()
    return made


def test_a_portfolio_begins_with_the_options_that_the_account_holds(
    live: Any, venue: Any, eventually: Any
) -> None:
    by_hand(venue, "NVDA240112C00520000", "buy", "2")
    live.step()
    live.start()
    eventually(lambda: live.reconciler.report)
    portfolio = live.engine.session.portfolio
    assert portfolio.position(live.registry.by_symbol("NVDA240112C00520000").id).qty == 2
    assert portfolio.cash == Decimal(venue.get("/v2/account")["cash"])
    assert live.reconciler.report.ok
    rows = live.db.query("SELECT symbol, intent, reason FROM orders")
    assert rows == [("NVDA240112C00520000", "external", "ADOPTED")]


def test_live_an_option_by_hand_and_its_expiration_block_nothing_for_long(
    live: Any, venue: Any, eventually: Any
) -> None:
    live.start()
    eventually(lambda: live.reconciler.report)
    by_hand(venue, IN_THE_MONEY, "buy")
    eventually(lambda: live.engine.session.working_orders)
    live.step()

    def equal() -> bool:
        if live.error is not None:
            raise live.error
        portfolio, report = live.engine.session.portfolio, live.reconciler.report
        theirs = {row["symbol"]: Decimal(row["qty"]) for row in venue.get("/v2/positions")}
        ours = {live.registry[i].symbol: item.qty for i, item in portfolio.positions.items()}
        return (
            ours == theirs and portfolio.cash == Decimal(venue.get("/v2/account")["cash"])
            and report is not None and report.ok and not live.engine.blocked
        )  # fmt: skip

    eventually(lambda: equal() and IN_THE_MONEY in {live.registry[i].symbol for i in held(live)})
    for _ in range(10):
        live.step()
    eventually(lambda: equal() and [live.registry[i].symbol for i in held(live)] == ["NVDA"])
    assert live.db.query("SELECT DISTINCT intent FROM orders") == [("external",)]


def held(world: Any) -> list[int]:
    return list(world.engine.session.portfolio.positions)
