"""What a check finds."""

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How bad it is."""

    OK = 0
    WARN = 1
    FAIL = 2


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the doctor; `mend` says what to do, empty when all is well."""

    name: str
    level: Level
    found: str
    mend: str = ""
