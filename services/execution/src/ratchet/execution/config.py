"""Settings of execution beyond those that every service has."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from ratchet.common.settings import Settings
from ratchet.execution import crash

_REAL_MONEY_HOST = "api.alpaca.markets"
_OANDA_REAL_MONEY_HOST = "api-fxtrade.oanda.com"


class ExecutionSettings(Settings):
    """Environment of execution (prefix RATCHET_)."""

    execution_enabled: bool = True
    """Off: orders are decided and recorded, but none is sent; each is rejected with EXECUTION_DISABLED."""
    broker_connect_timeout_s: Annotated[float, Field(gt=0, le=60)] = 2.0
    broker_read_timeout_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    update_wait_s: Annotated[float, Field(ge=0, le=60)] = 0.25
    """How long a replay's step waits for announced trade updates before it asks by REST."""
    checkpoint_steps: Annotated[int, Field(ge=1, le=10_000)] = 32
    """Steps without any effect that may pass before they are committed; after a crash they are done again."""
    unknown_valid_s: Annotated[float, Field(gt=0)] = 60.0
    """Live: how long an unanswered entry may still be sent again; after that it expires."""
    reconcile_every_s: Annotated[float, Field(gt=0)] = 30.0
    """Live: how often fills and orders are compared with the broker's by REST."""
    cash_tolerance: Annotated[float, Field(ge=0)] = 1.0
    """Difference in cash, in the account currency, that is reported but does not block new risk."""
    unknown_settle_s: Annotated[float, Field(gt=0, le=600)] | None = None
    """How long a request may be on its way: only after that does the venue's "not found" count.

    By default the two time-outs of the broker together; half a second in a replay.
    """
    broker_requests_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 180
    """Live: requests of all kinds that the broker is sent; stay below its own limit."""
    broker_burst: Annotated[int, Field(ge=10, le=10_000)] = 60
    """Live: requests that may be made at once after a quiet time."""
    entry_deadline_s: Annotated[float, Field(gt=0, le=600)] = 5.0
    """Live: how long an entry waits for room below the broker's limit before it is refused (THROTTLED)."""
    option_quotes_every_s: Annotated[float, Field(gt=0, le=600)] = 5.0
    """Live: how often option contracts that are held or worked are quoted anew."""
    ccxt_exchange: Annotated[str, Field(pattern=r"^[a-z0-9]*$")] = ""
    """Exchange that trades the assets of venue `ccxt`, by ccxt's id of it (binance, kraken, ...)."""
    ccxt_key: SecretStr = SecretStr("")
    ccxt_secret: SecretStr = SecretStr("")
    ccxt_password: SecretStr = SecretStr("")
    """Third part of a key, where the exchange has one."""
    ccxt_sandbox: bool = False
    """Use the exchange's test network."""
    ccxt_url: str = ""
    """Replaces scheme and host of all its addresses."""
    ccxt_cash_currency: str = ""
    """Currency of the account's cash; by default the one that its pairs are quoted in."""
    ccxt_poll_s: Annotated[float, Field(gt=0, le=60)] = 2.0
    """How often open orders are read when the web socket is silent."""
    ccxt_web_socket: bool = True
    """Listen to the exchange's web socket of own orders, where ccxt has it."""
    crash_at: str = ""
    """Tests only: kill the process at a named point, see `ratchet.execution.crash`."""

    @property
    def settle_s(self) -> float:
        """How long a request may be on its way, in seconds."""
        if self.unknown_settle_s is not None:
            return self.unknown_settle_s
        if self.mode == "replay":
            return 0.5
        return self.broker_connect_timeout_s + self.broker_read_timeout_s

    @field_validator("crash_at")
    @classmethod
    def _crash_point(cls, value: str) -> str:
        crash.parse(value)
        return value

    @model_validator(mode="after")
    def _no_accidents_with_money(self) -> "ExecutionSettings":
        if self.ccxt_exchange and self.mode == "replay":
            raise ValueError(
                f"RATCHET_CCXT_EXCHANGE={self.ccxt_exchange}: an exchange trades live only, but RATCHET_MODE "
                "is replay"
            )
        if self.trading_mode == "live":
            if self.crash_at:
                raise ValueError(
                    f"RATCHET_CRASH_AT={self.crash_at!r}: only for tests, refused where real money is traded"
                )
            return self
        if self.ccxt_exchange and not self.ccxt_sandbox and not self.ccxt_url:
            raise ValueError(
                f"RATCHET_CCXT_EXCHANGE={self.ccxt_exchange} trades real money, but RATCHET_TRADING_MODE is "
                f"{self.trading_mode}: set it and RATCHET_LIVE_CONFIRM, or RATCHET_CCXT_SANDBOX=true"
            )
        if urlsplit(self.oanda_url).hostname == _OANDA_REAL_MONEY_HOST:
            raise ValueError(
                f"RATCHET_OANDA_URL={self.oanda_url} trades real money, but RATCHET_TRADING_MODE is "
                f"{self.trading_mode}: set it and RATCHET_LIVE_CONFIRM, or another address"
            )
        if urlsplit(self.alpaca_url).hostname == _REAL_MONEY_HOST:
            raise ValueError(
                f"RATCHET_ALPACA_URL={self.alpaca_url} trades real money, but RATCHET_TRADING_MODE is "
                f"{self.trading_mode}: set it and RATCHET_LIVE_CONFIRM, or another address"
            )
        return self
