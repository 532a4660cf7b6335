from collections.abc import Callable
from datetime import date, timedelta

import grpc
import pytest

from ratchet.common.bus import Bus
from ratchet.common.db import Database
from ratchet.common.streams import CONTROL
from ratchet.core.assets import Registry
from ratchet.core.phases import PhaseChangeError, PhaseEngine, PhasesConfig, PhaseStatus
from ratchet.phase_activation import messages
from ratchet.phase_activation.book import PhaseBook
from ratchet.phase_activation.store import PhaseStore
from ratchet.v1 import control_pb2

pytestmark = pytest.mark.integration
AddDay = Callable[[int, int], tuple[date, int]]


@pytest.fixture
def make_book(db: Database, registry: Registry, plan: PhasesConfig) -> Callable[..., PhaseBook]:
    def make(*, auto: bool = True) -> PhaseBook:
        return PhaseBook(db, PhaseStore("main", registry, plan), PhaseEngine(plan), auto=auto)

    return make


@pytest.fixture
def book(make_book: Callable[..., PhaseBook]) -> PhaseBook:
    made = make_book()
    made.prepare()
    return made


def enabled(db: Database) -> dict[str, bool]:
    return dict(db.query("SELECT symbol, enabled FROM asset_registry"))


def test_a_phase_is_earned_on_the_day_its_last_requirement_is_met(
    book: PhaseBook, db: Database, add_day: AddDay
) -> None:
    changes = [book.close_day(*add_day(number, profit)) for number, profit in enumerate((10, -5, 10, 10))]
    assert [len(found) for found in changes] == [0, 0, 0, 1]
    (change,) = changes[3]
    assert (change.phase, change.from_status, change.to_status) == (1, "locked", "active")
    assert {item.name: item.current for item in change.requirements}["profitable_days"] == 3
    assert enabled(db) == {"BTC/USDT": True, "NVDA": True}


def test_the_readiness_table_shows_what_is_missing(book: PhaseBook, add_day: AddDay) -> None:
    book.close_day(*add_day(0, 10))
    stocks = book.readiness()[1]
    assert not stocks.ready
    missing = {item.name: (item.threshold, item.current) for item in stocks.requirements if not item.met}
    assert missing == {"profitable_days": (3.0, 1.0)}


def test_a_day_delivered_again_counts_once_and_tells_its_changes_again(
    book: PhaseBook, make_book: Callable[..., PhaseBook], db: Database, add_day: AddDay
) -> None:
    for number in range(2):
        book.close_day(*add_day(number, 10))
    day, ts = add_day(2, 10)
    first = book.close_day(day, ts)
    assert book.close_day(day, ts) == first
    assert make_book().close_day(day, ts) == first
    assert db.query("SELECT count(*) FROM phase_activation_log") == [(1,)]


def test_a_restarted_book_goes_on_where_it_was(make_book: Callable[..., PhaseBook], add_day: AddDay) -> None:
    make_book().prepare()
    changes = [make_book().close_day(*add_day(number, 10)) for number in range(3)]
    assert [len(found) for found in changes] == [0, 0, 1]


def test_days_that_nobody_measured_are_caught_up_in_order(book: PhaseBook, add_day: AddDay) -> None:
    closes = [add_day(number, 10) for number in range(4)]
    changes = book.catch_up()
    assert [(item.phase, item.ts) for item in changes] == [(1, closes[2][1])]
    assert book.catch_up() == []


def test_in_manual_mode_a_ready_phase_waits_for_its_operator(
    make_book: Callable[..., PhaseBook], db: Database, add_day: AddDay
) -> None:
    book = make_book(auto=False)
    book.prepare()
    for number in range(4):
        assert book.close_day(*add_day(number, 10)) == []
    assert book.readiness()[1].ready
    entry = book.activate(1, "anna", "we trust it", force=False)
    assert entry.to_status == "active"
    assert db.query("SELECT actor, action FROM audit_log") == [("anna", "phase.active")]
    assert enabled(db)["NVDA"]


def test_an_unready_phase_is_activated_only_by_force(book: PhaseBook, add_day: AddDay) -> None:
    book.close_day(*add_day(0, 10))
    with pytest.raises(PhaseChangeError, match="profitable_days"):
        book.activate(1, "anna", "hurry", force=False)
    assert book.activate(1, "anna", "hurry", force=True).to_status == "active"


def test_a_phase_below_its_floor_becomes_reduce_only(book: PhaseBook, db: Database, add_day: AddDay) -> None:
    book.close_day(*add_day(0, 10))
    book.activate(1, "anna", "try", force=True)
    with db.transaction() as cursor:
        for number in (1, 2, 3):
            add_day(number, -5_000)
            cursor.execute(
                "INSERT INTO daily_performance (portfolio, day, asset_class, pnl, equity, return_ratio) "
                "VALUES ('main', %s, 'stock', -5000, 0, 0)",
                (date(2025, 1, 1) + timedelta(days=number),),
            )
    assert [(item.phase, item.to_status) for item in book.catch_up()] == [(1, "reduce_only")]
    assert not enabled(db)["NVDA"]


def test_a_source_that_went_silent_keeps_its_phase_locked(
    book: PhaseBook, db: Database, add_day: AddDay
) -> None:
    closes = [add_day(number, 10) for number in range(4)]
    db.execute("DELETE FROM bars WHERE symbol = 'NVDA'")
    assert [book.close_day(*close) for close in closes] == [[], [], [], []]


def test_bars_later_than_the_day_do_not_count(book: PhaseBook, db: Database, add_day: AddDay) -> None:
    closes = [add_day(number, 10) for number in range(4)]
    db.execute("UPDATE bars SET event_ts = ts + interval '30 days' WHERE symbol = 'NVDA'")
    assert [book.close_day(*close) for close in closes] == [[], [], [], []]


def test_demotion_by_hand_can_lock_at_once(book: PhaseBook, add_day: AddDay) -> None:
    for number in range(3):
        book.close_day(*add_day(number, 10))
    assert book.deactivate(1, "anna", "enough", PhaseStatus.LOCKED).to_status == "locked"
    with pytest.raises(PhaseChangeError):
        book.deactivate(1, "anna", "enough", PhaseStatus.LOCKED)


def test_a_change_is_announced_with_the_time_after_which_it_counts(
    book: PhaseBook, add_day: AddDay, redis_url: str
) -> None:
    for number in range(2):
        book.close_day(*add_day(number, 10))
    day, ts = add_day(2, 10)
    bus = Bus(redis_url)
    messages.announce(bus, book.close_day(day, ts))
    (received,) = bus.tail(CONTROL, "0")
    event = received.parse(control_pb2.ControlEvent)
    assert (event.kind, event.ts_ns, event.phase.phase, event.phase.status) == (
        control_pb2.CONTROL_KIND_PHASE, ts, 1, "active",
    )  # fmt: skip
    assert received.event_id == event.id
    bus.close()


def test_grpc_refuses_what_the_plan_refuses(book: PhaseBook, add_day: AddDay, redis_url: str) -> None:
    from concurrent import futures

    from ratchet.phase_activation.servicer import PhasesServicer
    from ratchet.v1 import control_pb2_grpc

    book.close_day(*add_day(0, 10))
    bus = Bus(redis_url)
    server = grpc.server(futures.ThreadPoolExecutor(2))
    control_pb2_grpc.add_PhasesServicer_to_server(PhasesServicer(book, bus), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = control_pb2_grpc.PhasesStub(channel)
        request = control_pb2.ChangePhaseRequest(phase=1, actor="anna", reason="hurry")
        with pytest.raises(grpc.RpcError) as refused:
            stub.Activate(request, timeout=10)
        assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        request.force = True
        assert stub.Activate(request, timeout=10).phase.state.status == "active"
        assert stub.History(control_pb2.PhaseHistoryRequest(), timeout=10).entries[0].actor == "anna"
        names = [item.state.name for item in stub.GetReadiness(control_pb2.GetReadinessRequest()).phases]
        assert names == ["crypto", "stocks"]
    server.stop(None)
    bus.close()
