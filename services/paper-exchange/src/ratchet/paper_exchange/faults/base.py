"""What every fault is: parameters that are validated, a name, and the things that it can be narrowed to."""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

HTTP_FIELDS = frozenset({"method", "path"})
STREAM_FIELDS = frozenset({"stream"})
STREAM_MESSAGE_FIELDS = frozenset({"stream", "event", "symbol"})
UPDATE_FIELDS = frozenset({"event", "symbol"})
ORDER_FIELDS = frozenset({"symbol"})


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something that a fault could befall; what does not apply is None.

    `stream` is trading, stocks or crypto; `event` a trade update's or a market message's type.
    """

    account: str | None = None
    method: str | None = None
    path: str | None = None
    stream: str | None = None
    event: str | None = None
    symbol: str | None = None

    def __str__(self) -> str:
        parts = (self.account, self.method, self.path, self.stream, self.event, self.symbol)
        return " ".join(part for part in parts if part)


class Fault(BaseModel):
    """One kind of fault; the fields are its parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str]
    fields: ClassVar[frozenset[str]]
    """The fields of a match that make sense for it, beside the account."""
    knows_account: ClassVar[bool] = True
