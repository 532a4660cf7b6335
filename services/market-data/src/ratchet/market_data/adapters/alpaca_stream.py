"""Alpaca's data streams by alpaca-py, in a thread that reconnects, with a state that can be asked for."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from alpaca.data.live.crypto import CryptoDataStream
from alpaca.data.live.stock import StockDataStream

from ratchet.common.logging import get_logger

Message = dict[str, Any]
OnMessage = Callable[[Message], None]
Handler = Callable[[Message], Awaitable[None]]
_JOIN_S = 10.0
_TOO_MANY_SYMBOLS = 405
_CREDENTIALS = ("auth failed", "not authenticated")
_HINT = "; check RATCHET_ALPACA_KEY and RATCHET_ALPACA_SECRET"


class _Watched:
    """What alpaca-py's streams do not tell: that they are subscribed, and why they are not.

    They retry a refused key for ever, and only log it.
    """

    def __init__(
        self,
        *args: Any,
        on_state: Callable[[str | None], None],
        on_subscribed: Callable[[], None],
        on_quotes_refused: Callable[[str], None],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._on_state = on_state
        self._on_subscribed = on_subscribed
        self._on_quotes_refused = on_quotes_refused
        self._is_fresh = False
        # Missed bars are fetched by REST, so a long back-off only delays them.
        self._reconnect_min_backoff = 0.2
        self._reconnect_max_backoff = 10.0

    async def change_quotes(self, handler: Handler, symbols: frozenset[str]) -> None:
        """Subscribe to the quotes of these symbols and of no others; runs in the stream's own loop."""
        handlers: dict[str, Handler] = self._handlers["quotes"]  # type: ignore[attr-defined]
        gone, new = handlers.keys() - symbols, symbols - handlers.keys()
        for symbol in gone:
            del handlers[symbol]
        handlers.update(dict.fromkeys(new, handler))
        # A connection that is being made subscribes to all of them by itself.
        if self._running and gone:  # type: ignore[attr-defined]
            await self._send_unsubscribe_msg("quotes", sorted(gone))  # type: ignore[attr-defined]
        if self._running and new:  # type: ignore[attr-defined]
            await self._send_subscribe_msg()  # type: ignore[attr-defined]

    async def _start_ws(self) -> None:
        self._is_fresh = True
        try:
            await super()._start_ws()  # type: ignore[misc]
        except Exception as error:
            self._on_state(_reason(error))
            raise

    async def _dispatch(self, message: Message) -> None:
        if message.get("T") == "subscription":
            self._on_state(None)
            if self._is_fresh:
                self._is_fresh = False
                self._on_subscribed()
        elif message.get("code") == _TOO_MANY_SYMBOLS and self._handlers["quotes"]:  # type: ignore[attr-defined]
            await self._give_up_quotes(str(message.get("msg")))
        elif message.get("T") == "error":
            self._on_state(f"{message.get('msg')} ({message.get('code')})")
        await super()._dispatch(message)  # type: ignore[misc]

    async def _give_up_quotes(self, reason: str) -> None:
        """Go on with the bars alone: a subscription that is too large is refused as a whole."""
        self._on_quotes_refused(reason)
        self._handlers["quotes"].clear()  # type: ignore[attr-defined]
        await self._send_subscribe_msg()  # type: ignore[attr-defined]

    async def close(self) -> None:
        """Close the connection."""
        self._on_state("the connection is lost")
        await super().close()  # type: ignore[misc]

    async def end(self) -> None:
        """Stop for good, without waiting for the next message."""
        await self.stop_ws()  # type: ignore[attr-defined]
        await super().close()  # type: ignore[misc]


class _Stocks(_Watched, StockDataStream):
    """The stocks' stream."""


class _Crypto(_Watched, CryptoDataStream):
    """The crypto stream."""


class BarStream:
    """Minute bars of one market, and quotes of those symbols that are wanted.

    `trouble` says why none come, `quotes_refused` why there are bars only; `on_subscribed` is called at each
    connect, `on_quote` with each quote.
    """

    def __init__(self, *, crypto: bool, url: str, key: str, secret: str, symbols: tuple[str, ...]) -> None:
        kind = _Crypto if crypto else _Stocks
        self._stream: Any = kind(
            key,
            secret,
            raw_data=True,
            url_override=url,
            on_state=self._on_state,
            on_subscribed=self._subscribed,
            on_quotes_refused=self._refuse_quotes,
        )
        self._symbols = symbols
        self._on_subscribed: Callable[[], None] = lambda: None
        self._thread: threading.Thread | None = None
        self._refusal = ""
        self._log = get_logger(__name__)
        self._wanted: frozenset[str] = frozenset()
        self.on_quote: OnMessage | None = None
        self.quotes_refused: str | None = None
        self.trouble: str | None = "not connected yet"

    def start(self, on_bar: OnMessage, on_subscribed: Callable[[], None]) -> None:
        """Deliver from a thread."""

        async def handler(message: Message) -> None:
            on_bar(message)

        self._on_subscribed = on_subscribed
        self._stream.subscribe_bars(handler, *self._symbols)
        self._thread = threading.Thread(target=self._run, name="alpaca-bars", daemon=True)
        self._thread.start()

    def want_quotes(self, symbols: frozenset[str]) -> None:
        """Subscribe to the quotes of these symbols and of no others; from any thread, again and again."""
        loop = self._stream._loop  # noqa: SLF001 - set once the thread runs
        if symbols == self._wanted or self.quotes_refused or loop is None or not loop.is_running():
            return
        self._wanted = symbols
        asyncio.run_coroutine_threadsafe(self._stream.change_quotes(self._hand_on, symbols), loop)

    async def _hand_on(self, message: Message) -> None:
        if self.on_quote is not None:
            self.on_quote(message)

    def _refuse_quotes(self, reason: str) -> None:
        self.quotes_refused = f"{reason}; lower RATCHET_LIVE_QUOTE_SYMBOLS and start again"
        self._log.error("quotes_refused", reason=self.quotes_refused)

    def stop(self) -> None:
        """Stop the thread."""
        loop = self._stream._loop  # noqa: SLF001 - alpaca-py's own stop waits up to five seconds
        if self._thread is None or loop is None:
            return
        if loop.is_running():
            asyncio.run_coroutine_threadsafe(self._stream.end(), loop)
        self._thread.join(_JOIN_S)
        self._thread = None

    def _run(self) -> None:
        self._stream.run()
        if self._stream._should_run:  # noqa: SLF001
            self.trouble = f"the stream has ended: {self.trouble or self._refusal}"
            self._log.error("stream_ended", reason=self.trouble)

    def _subscribed(self) -> None:
        self._on_subscribed()

    def _on_state(self, trouble: str | None) -> None:
        if trouble is None:
            self._refusal = ""
            self.trouble = None
            return
        if trouble == "the connection is lost" and self._refusal:
            # Closing follows every refusal, and would hide it.
            return
        if any(words in trouble for words in _CREDENTIALS):
            trouble += _HINT
        if "connection" not in trouble:
            self._refusal = trouble
        if trouble != self.trouble:
            self._log.warning("stream_away", reason=trouble)
        self.trouble = trouble


def _reason(error: Exception) -> str:
    if isinstance(error, ValueError):
        return str(error)
    return f"no connection ({type(error).__name__})"
