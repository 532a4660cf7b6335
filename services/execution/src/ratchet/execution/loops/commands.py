"""Hands work of other threads to the loop, the only writer of the portfolio."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, Generic, TypeVar

E = TypeVar("E")
T = TypeVar("T")

LIMIT = 256


class BusyError(Exception):
    """The loop cannot take the command now; nothing was done."""


class LateError(Exception):
    """The loop has taken the command, but its result did not come in time: ask what became of it."""


class Commands(Generic[E]):
    """A bounded queue of functions that the loop applies to its engine between two steps."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._waiting: queue.Queue[tuple[Callable[[E], Any], Future[Any]]] = queue.Queue(limit)
        self._closed = threading.Event()

    def call(self, work: Callable[[E], T], timeout_s: float) -> T:
        """Run `work(engine)` in the loop and return its result; its errors are raised here.

        BusyError: it was not and will not be run. LateError: it may have been.
        """
        if self._closed.is_set():
            raise BusyError("execution is stopping")
        result: Future[T] = Future()
        try:
            self._waiting.put_nowait((work, result))
        except queue.Full:
            raise BusyError(f"{LIMIT} commands are waiting already") from None
        try:
            return result.result(timeout_s)
        except FutureTimeoutError:
            if result.cancel():
                raise BusyError("this process does not lead the portfolio, or its loop is busy") from None
            raise LateError(f"no result after {timeout_s} s") from None

    def run_waiting(self, engine: E) -> int:
        """Run what waits, in the loop's thread; return how many commands were run."""
        done = 0
        while True:
            try:
                work, result = self._waiting.get_nowait()
            except queue.Empty:
                return done
            if not result.set_running_or_notify_cancel():
                continue
            done += 1
            try:
                result.set_result(work(engine))
            except BaseException as error:
                result.set_exception(error)
                # A refused command is the caller's affair; anything else has left the engine in doubt.
                if not isinstance(error, ValueError):
                    raise

    def close(self) -> None:
        """Refuse new commands and cancel those that wait."""
        self._closed.set()
        while True:
            try:
                self._waiting.get_nowait()[1].cancel()
            except queue.Empty:
                return
