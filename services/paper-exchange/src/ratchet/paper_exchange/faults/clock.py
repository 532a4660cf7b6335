"""A clock that is off: every time that clients are told is shifted, none in the books is."""

import json
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field

from ratchet.paper_exchange.faults.base import HTTP_FIELDS, STREAM_MESSAGE_FIELDS, Fault
from ratchet.paper_exchange.faults.call import Answer

MAX_SKEW_S = 10 * 365 * 86_400
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_NS = 1_000_000_000


class ClockSkew(Fault):
    """Times in answers and streams (RFC 3339 texts; `t` in market messages) are off by some seconds."""

    name: ClassVar = "clock_skew"
    fields: ClassVar = HTTP_FIELDS | STREAM_MESSAGE_FIELDS

    seconds: Annotated[float, Field(ge=-MAX_SKEW_S, le=MAX_SKEW_S)]


def total(skews: Iterable[ClockSkew]) -> float:
    """Return the seconds of several skews together."""
    return sum(skew.seconds for skew in skews)


def shifted_answer(answer: Answer, seconds: float) -> Answer:
    """Return a JSON answer with every time shifted."""
    if not answer.is_json or not answer.body:
        return answer
    return answer.with_body(json.dumps(shifted(json.loads(answer.body), seconds)).encode())


def shifted(value: Any, seconds: float) -> Any:
    """Return JSON content with every time shifted; a number `t` is one in ns."""
    if isinstance(value, dict):
        return {
            key: part + round(seconds * _NS)
            if key == "t" and isinstance(part, int)
            else shifted(part, seconds)
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [shifted(part, seconds) for part in value]
    if isinstance(value, str) and _TIME.fullmatch(value):
        return _moved(value, seconds)
    return value


def _moved(text: str, seconds: float) -> str:
    moved = (datetime.fromisoformat(text) + timedelta(seconds=seconds)).isoformat()
    return moved.replace("+00:00", "Z") if text.endswith("Z") else moved
