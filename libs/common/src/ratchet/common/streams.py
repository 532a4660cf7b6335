"""Names of the Redis streams. No other module spells one."""

PREFIX = "ratchet:"
SIGNALS = f"{PREFIX}signals"
ORDER_EVENTS = f"{PREFIX}orders:events"
PORTFOLIO = f"{PREFIX}portfolio"
CONTROL = f"{PREFIX}control"
WATERMARK = f"{PREFIX}watermark"
REFERENCE = f"{PREFIX}md:reference"
SENTIMENT = f"{PREFIX}sentiment"
DEAD = f"{PREFIX}dead"

BARS_PREFIX = f"{PREFIX}md:bars:"
QUOTES_PREFIX = f"{PREFIX}md:quotes:"

# Streams whose old entries nobody needs: state is cumulative or lives in the database.
MAX_LENGTH = {WATERMARK: 10_000, CONTROL: 10_000, DEAD: 100_000}
# Only the newest quote of an asset is of use, to those who read as they come.
_QUOTES_LENGTH = 1_000
# Entries that a stream keeps while no group reads it.
UNREAD_LENGTH = 10_000


def max_length(stream: str) -> int | None:
    """Return how many entries a stream keeps at about, None if what its readers have read is trimmed."""
    return _QUOTES_LENGTH if stream.startswith(QUOTES_PREFIX) else MAX_LENGTH.get(stream)


def bars_stream(universe: str) -> str:
    """Return the stream of bar batches of one universe."""
    return f"{BARS_PREFIX}{universe}"


def quotes_stream(universe: str) -> str:
    """Return the stream of quote batches of one universe."""
    return f"{QUOTES_PREFIX}{universe}"
