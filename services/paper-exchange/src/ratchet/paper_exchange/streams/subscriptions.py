"""What one client of a market data stream has subscribed to."""

from typing import Any

from ratchet.paper_exchange.streams.hub import Message

CHANNEL_OF = {
    "t": "trades",
    "q": "quotes",
    "b": "bars",
    "u": "updatedBars",
    "d": "dailyBars",
    "s": "statuses",
    "l": "lulds",
    "o": "orderbooks",
}
# The channels whose symbols count against a limit.
LIMITED = ("trades", "quotes")


class LimitedError(Exception):
    """A subscription would exceed the limit of symbols."""


class Subscriptions:
    """Symbols by channel, in the order of subscription; `*` stands for all."""

    def __init__(self, channels: tuple[str, ...], symbol_limit: int = 0) -> None:
        self._symbols: dict[str, dict[str, None]] = {channel: {} for channel in channels}
        self._limit = symbol_limit

    def wants(self, message: Message) -> bool:
        """Return whether a message was subscribed to."""
        symbols = self._symbols.get(CHANNEL_OF[message["T"]], {})
        return message["S"] in symbols or "*" in symbols

    def change(self, request: dict[str, Any], *, subscribe: bool) -> dict[str, list[str]]:
        """Add or remove what a request names; return the channels' new symbols.

        ValueError when a channel is no list of symbols, LimitedError when there would be too many; nothing
        is changed then.
        """
        asked = {channel: request.get(channel) or [] for channel in self._symbols}
        if not all(_is_symbols(symbols) for symbols in asked.values()):
            raise ValueError("a channel takes a list of symbols")
        if not subscribe:
            for channel, symbols in asked.items():
                for symbol in symbols:
                    self._symbols[channel].pop(symbol, None)
            return {}
        merged = {channel: {**old, **dict.fromkeys(asked[channel])} for channel, old in self._symbols.items()}
        if self._limit and sum(len(merged[channel]) for channel in LIMITED) > self._limit:
            raise LimitedError
        added = {
            channel: [symbol for symbol in new if symbol not in self._symbols[channel]]
            for channel, new in merged.items()
        }
        self._symbols = merged
        return added

    def symbols(self) -> set[str]:
        """Return the symbols of all channels."""
        return {symbol for symbols in self._symbols.values() for symbol in tuple(symbols)}

    def state(self) -> dict[str, list[str]]:
        """Return all symbols by channel."""
        return {channel: list(symbols) for channel, symbols in self._symbols.items()}


def _is_symbols(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(symbol, str) for symbol in value)
