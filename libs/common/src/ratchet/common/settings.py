"""Everything a service takes from its environment (prefix RATCHET_)."""

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from ratchet.common.errors import SettingsError
from ratchet.common.paths import default_dir

Port = Annotated[int, Field(ge=0, le=65535)]
ROLES = ("viewer", "operator", "admin")
_PREFIX = "RATCHET_"


class Settings(BaseSettings):
    """Typed environment; SettingsError names each wrong variable, its value and what is allowed."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, extra="ignore", frozen=True, protected_namespaces=(), env_ignore_empty=True
    )

    database_url: SecretStr = SecretStr("postgresql://postgres@127.0.0.1:5432/ratchet")
    database_pool_size: Annotated[int, Field(ge=1, le=64)] = 4
    redis_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    config_dir: Path = Field(default_factory=lambda: default_dir("config"))
    migrations_dir: Path = Field(default_factory=lambda: default_dir("infrastructure/db/migrations"))
    models_dir: Path = Field(default_factory=lambda: default_dir("var") / "models")
    dataset: Path | None = None
    mode: Literal["replay", "live"] = "replay"
    replay_speed: str = "max"
    trading_mode: Literal["mock", "paper", "live"] = "paper"
    live_confirm: str = ""
    portfolio: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")] = "main"
    instance: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")] = "1"

    host: str = "127.0.0.1"
    grpc_port: Port = 0
    admin_port: Port = 0
    admin_tokens: SecretStr = SecretStr("")
    rpc_token: SecretStr = SecretStr("")
    rpc_workers: Annotated[int, Field(ge=1, le=256)] = 16
    drain_seconds: Annotated[float, Field(gt=0, le=600)] = 20.0
    heartbeat_limit_seconds: Annotated[float, Field(gt=0)] = 60.0
    check_interval_seconds: Annotated[float, Field(gt=0, le=60)] = 1.0
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    market_data_target: str = "127.0.0.1:7001"
    sentiment_target: str = "127.0.0.1:7002"
    signals_target: str = "127.0.0.1:7003"
    inference_target: str = "127.0.0.1:7004"
    risk_target: str = "127.0.0.1:7005"
    execution_target: str = "127.0.0.1:7006"
    phases_target: str = "127.0.0.1:7007"

    alpaca_url: str = "http://127.0.0.1:7100"
    alpaca_stream_url: str = "ws://127.0.0.1:7100/stream"
    alpaca_data_url: str = "http://127.0.0.1:7100"
    alpaca_key: SecretStr = SecretStr("")
    alpaca_secret: SecretStr = SecretStr("")
    oanda_url: str = "http://127.0.0.1:7100"
    oanda_stream_url: str = "http://127.0.0.1:7100"
    oanda_token: SecretStr = SecretStr("")
    oanda_account: str = "101-001-0000001-001"

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingsError(_describe(type(self), error)) from None

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("replay_speed")
    @classmethod
    def _speed(cls, value: str) -> str:
        if value != "max" and not _is_positive(value):
            raise ValueError("allowed: max, or a positive factor of real time such as 60")
        return value

    @field_validator(
        "market_data_target", "sentiment_target", "signals_target", "inference_target", "risk_target",
        "execution_target", "phases_target",
    )  # fmt: skip
    @classmethod
    def _target(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError("allowed: host:port, such as 127.0.0.1:7005")
        return value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("allowed: postgresql://user:password@host:port/database")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("redis://", "rediss://")):
            raise ValueError("allowed: redis://:password@host:port/number, or rediss:// for TLS")
        return value

    @field_validator("admin_tokens")
    @classmethod
    def _tokens(cls, value: SecretStr) -> SecretStr:
        parse_admin_tokens(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _live_is_confirmed(self) -> "Settings":
        if self.trading_mode == "live" and not self.live_confirm:
            raise ValueError(
                f"RATCHET_LIVE_CONFIRM={self.live_confirm!r}: trading with real money needs "
                "RATCHET_LIVE_CONFIRM set to the number of the broker account that may trade it"
            )
        return self

    @property
    def speed_factor(self) -> float | None:
        """Replay speed as a multiple of real time, or None for as fast as it goes."""
        return None if self.replay_speed == "max" else float(self.replay_speed)

    @property
    def is_loopback(self) -> bool:
        """Return whether the service listens on this machine only."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def admin_credentials(self) -> tuple[tuple[str, str, str], ...]:
        """Return (role, actor name, token) of everyone who may use the admin API."""
        return parse_admin_tokens(self.admin_tokens.get_secret_value())


def parse_admin_tokens(text: str) -> tuple[tuple[str, str, str], ...]:
    """Parse `role=token` or `role:name=token`, separated by commas, into (role, name, token)."""
    credentials = []
    for number, entry in enumerate(filter(None, (part.strip() for part in text.split(","))), start=1):
        who, _, token = entry.partition("=")
        role, _, name = who.strip().partition(":")
        if role not in ROLES or len(token) < 8:
            raise ValueError(
                f"entry {number} is not role=token or role:name=token with role one of "
                f"{', '.join(ROLES)} and a token of 8 characters or more"
            )
        credentials.append((role, name or role, token))
    return tuple(credentials)


def _is_positive(text: str) -> bool:
    try:
        return 0 < float(text) < float("inf")
    except ValueError:
        return False


def _describe(model: type[BaseSettings], error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        field = str(problem["loc"][0]) if problem["loc"] else ""
        info = model.model_fields.get(field)
        message = problem["msg"].removeprefix("Value error, ")
        if info is None:
            lines.append(message)
            continue
        shown = "(secret)" if info.annotation is SecretStr else repr(problem["input"])
        lines.append(f"{_PREFIX}{field.upper()}={shown}: {message}{_allowed(info)}")
    return "; ".join(lines)


def _allowed(info: FieldInfo) -> str:
    if get_origin(info.annotation) is Literal:
        return f" (allowed: {', '.join(map(str, get_args(info.annotation)))})"
    limits = [
        f"{name} {getattr(part, name)}"
        for part in info.metadata
        for name in ("ge", "gt", "le", "lt", "pattern")
        if getattr(part, name, None) is not None
    ]
    name = getattr(info.annotation, "__name__", str(info.annotation))
    return f" (allowed: {name} {' and '.join(limits)})" if limits else ""
