import threading
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.orders import OrderStatus, OrderType, Side, TimeInForce
from ratchet.execution.loops.commands import BusyError, Commands, LateError
from ratchet.execution.venue.broker import BrokerOrder, TradeUpdate
from ratchet.execution.venue.inbox import Inbox

ORDER = BrokerOrder(
    "b", "c", "BTC/USDT", Side.BUY, OrderType.MARKET, TimeInForce.GTC, OrderStatus.ACCEPTED,
    Decimal(1), Decimal(0), None, None, None, 1, 1,
)  # fmt: skip


def update(sequence: int) -> TradeUpdate:
    return TradeUpdate("new", 1, ORDER, None, sequence)


def synced(total: int = 0) -> Inbox:
    inbox = Inbox()
    inbox.mark_synced(inbox.begin_sync(), total)
    return inbox


def test_rest_is_asked_before_anything_is_known() -> None:
    assert Inbox().has_gap
    assert not Inbox().wait_for(0, 0.01)


def test_a_connection_that_is_made_anew_is_told_once_and_leaves_a_gap() -> None:
    inbox = synced(7)
    inbox.note_connection(connected=False)
    assert not inbox.take_is_back()
    inbox.note_connection(connected=True)
    assert inbox.has_gap
    assert inbox.take_is_back()
    assert not inbox.take_is_back()


def test_updates_in_order_leave_no_gap() -> None:
    inbox = synced(7)
    for number in (6, 7, 8, 9):
        inbox.put(update(number))
    assert inbox.wait_for(9, 0)
    assert [item.sequence for item in inbox.take()] == [6, 7, 8, 9]
    assert inbox.take() == []


def test_waiting_ends_when_the_last_update_arrives_in_another_thread() -> None:
    inbox = synced()
    thread = threading.Thread(target=lambda: [inbox.put(update(number)) for number in (1, 2, 3)])
    thread.start()
    assert inbox.wait_for(3, 10)
    thread.join()


@pytest.mark.parametrize("lost", [2, 3])
def test_a_lost_update_is_noticed_at_once(lost: int) -> None:
    inbox = synced()
    for number in range(1, 5):
        if number != lost:
            inbox.put(update(number))
    assert not inbox.wait_for(4, 10)


def test_a_gap_that_opens_during_a_sync_stays_open() -> None:
    inbox = synced(5)
    token = inbox.begin_sync()
    inbox.mark_gap()
    inbox.mark_synced(token, 6)
    assert inbox.has_gap


def test_a_venue_that_does_not_number_its_updates_is_always_asked() -> None:
    inbox = synced()
    inbox.put(update(0))
    assert inbox.has_gap


def test_an_overflow_drops_the_oldest_and_leaves_a_gap() -> None:
    inbox = Inbox(limit=2)
    inbox.mark_synced(inbox.begin_sync())
    for number in (1, 2, 3):
        inbox.put(update(number))
    assert inbox.has_gap
    assert len(inbox.take()) == 2


@given(st.lists(st.integers(min_value=1, max_value=12), max_size=30))
def test_waiting_succeeds_only_when_every_number_was_seen(numbers: list[int]) -> None:
    inbox = synced()
    for number in numbers:
        inbox.put(update(number))
    total = max(numbers, default=0)
    if inbox.wait_for(total, 0):
        assert set(numbers) >= set(range(1, total + 1))


def test_commands_run_in_the_loop_and_their_errors_reach_the_caller() -> None:
    commands: Commands[list[str]] = Commands()
    stop = threading.Event()

    def loop() -> None:
        while not stop.is_set():
            commands.run_waiting(["engine"])

    thread = threading.Thread(target=loop)
    thread.start()

    def refuse(engine: list[str]) -> None:
        raise ValueError(f"{engine[0]} refuses")

    assert commands.call(lambda engine: engine[0], 10) == "engine"
    with pytest.raises(ValueError, match="engine refuses"):
        commands.call(refuse, 10)
    stop.set()
    thread.join()


def test_a_command_that_no_loop_takes_is_never_run_later() -> None:
    commands: Commands[list[str]] = Commands()
    with pytest.raises(BusyError):
        commands.call(lambda engine: engine.append("late"), 0.01)
    seen: list[str] = []
    assert commands.run_waiting(seen) == 0
    assert seen == []


def test_a_result_that_comes_too_late_is_told_from_a_command_never_run() -> None:
    commands: Commands[threading.Event] = Commands()
    release, taken = threading.Event(), threading.Event()

    def slow(engine: threading.Event) -> bool:
        engine.set()
        return release.wait(10)

    def loop() -> None:
        while not taken.is_set():
            commands.run_waiting(taken)

    thread = threading.Thread(target=loop)
    thread.start()
    with pytest.raises(LateError):
        commands.call(slow, 0.2)
    release.set()
    thread.join()


def test_a_stopping_loop_refuses_commands() -> None:
    commands: Commands[None] = Commands()
    commands.close()
    with pytest.raises(BusyError):
        commands.call(lambda _: None, 1)
