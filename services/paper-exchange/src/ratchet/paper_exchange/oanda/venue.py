"""The forex venue: accounts by token, prices and candles, moved by the clock of the whole exchange."""

import hmac
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from ratchet.core.assets import Registry
from ratchet.core.fx import FxConfig, Instruments
from ratchet.core.market import BarBatch
from ratchet.paper_exchange.bars.history import BarHistory, last_batches
from ratchet.paper_exchange.oanda.account import OandaAccount
from ratchet.paper_exchange.oanda.errors import BusyError, UnauthorizedError
from ratchet.paper_exchange.oanda.store import OandaStore
from ratchet.paper_exchange.streams.hub import Hub

REQUESTS_PER_SECOND = 120
MAX_STREAMS = 20


class OandaVenue:
    """All accounts of one dataset; `tokens` tells which accounts each bearer token may use.

    `requests_per_second` is 0 for no limit; `fills_at_quote` as in `FxExchange`.
    """

    def __init__(
        self,
        registry: Registry,
        config: FxConfig,
        stores: Sequence[OandaStore],
        tokens: Mapping[str, Sequence[str]],
        history_of: Callable[[Callable[[], int]], BarHistory],
        *,
        requests_per_second: int = REQUESTS_PER_SECOND,
        fills_at_quote: bool = False,
    ) -> None:
        self.registry = registry
        self.config = config
        self._fills_at_quote = fills_at_quote
        self.instruments = Instruments(registry, config)
        self.history = history_of(lambda: self.clock)
        self.price_hub = Hub()
        self.clock = 0
        self.accounts = {store.account: self._account(store) for store in stores}
        self._tokens = {token: tuple(ids) for token, ids in tokens.items()}
        self._limit = requests_per_second
        self._recent: deque[float] = deque()
        self._guard = threading.Lock()
        self.streams = 0

    @property
    def tokens(self) -> tuple[str, ...]:
        """The bearer tokens that open an account."""
        return tuple(self._tokens)

    def start(self, step_seq: int, clock: int) -> None:
        """Load every account at the place where the exchange stands."""
        self.clock = max(self.clock, clock)
        for account in self.accounts.values():
            account.start(step_seq, clock)
            self.clock = max(self.clock, account.clock)

    def step_once(self, batches: Sequence[BarBatch], seq: int) -> int:
        """Match one step in every account and tell the prices; return the number of fills."""
        return self._step(batches, lambda account: account.step_once(batches, seq))

    def step(self, batches: Sequence[BarBatch], seq: int, wait_s: float | None) -> int:
        """Like `step_once`; without step numbers (0), bars that an account has seen are left out."""
        if seq:
            return self._step(batches, lambda account: account.step_once(batches, seq, wait_s))
        return self._step(batches, lambda account: account.step_unnumbered(batches, wait_s))

    def open(self) -> None:
        """Fund every account that is new, durably, before the first bar."""
        for account in self.accounts.values():
            account.open()

    @property
    def own(self) -> OandaAccount:
        """The exchange's own account, which is the first one."""
        return next(iter(self.accounts.values()))

    def _step(self, batches: Sequence[BarBatch], match: Callable[[OandaAccount], int]) -> int:
        fills = sum(match(account) for account in self.accounts.values())
        self.clock = max(self.clock, batches[0].ts)
        if self.price_hub.has_subscribers:
            names = [self._name(asset_id) for batch in batches for asset_id in batch.asset_ids.tolist()]
            self.price_hub.publish([{"instrument": name} for name in names if name])
        return fills

    def set_clock(self, clock: int) -> None:
        """Move every account's clock forward between bars."""
        for account in self.accounts.values():
            account.set_clock(clock)
        self.clock = max(self.clock, clock)

    def wait_for_listeners(self) -> None:
        """Let stream clients that lag behind catch up."""
        for hub in (self.price_hub, *(account.hub for account in self.accounts.values())):
            hub.wait_for_room()

    def allowed(self, authorization: str) -> tuple[str, ...]:
        """Return the accounts of a bearer token; UnauthorizedError, or BusyError above the rate limit."""
        scheme, _, given = authorization.partition(" ")
        found = [
            ids for token, ids in self._tokens.items() if hmac.compare_digest(token.encode(), given.encode())
        ]
        if scheme.lower() != "bearer" or not found:
            raise UnauthorizedError
        self._count()
        return found[0]

    def _count(self) -> None:
        with self._guard:
            now, recent = time.monotonic(), self._recent
            while recent and recent[0] <= now - 1.0:
                recent.popleft()
            if self._limit and len(recent) >= self._limit:
                raise BusyError(f"Too many requests: more than {self._limit} in a second")
            recent.append(now)

    def _account(self, store: OandaStore) -> OandaAccount:
        return OandaAccount(
            self.registry,
            self.config,
            store,
            lambda: last_batches(self.history, self.registry),
            fills_at_quote=self._fills_at_quote,
        )

    def _name(self, asset_id: int) -> str:
        instrument = self.instruments.of_asset(asset_id)
        return "" if instrument is None else instrument.name
