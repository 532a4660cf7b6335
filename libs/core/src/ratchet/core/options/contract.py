"""Option contracts and their OCC symbols.

A symbol is root + YYMMDD + C or P + strike x 1000 in eight digits, as in AAPL240621C00190000 (OCC, Options
Symbology Initiative). Blanks that pad the root to six characters are left out, as Alpaca does. The root is
the underlying's symbol, with a digit behind it when the contract was adjusted.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Self
from uuid import UUID

STANDARD_MULTIPLIER = 100
_THOUSAND = Decimal(1000)
_EPOCH = date(2000, 1, 1)
_LETTERS = " ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_ROOT_LENGTH = 6
_MARK = 0x2A6F_7074_696F
_MAX_STRIKE = Decimal("99999.999")
_SYMBOL = re.compile(r"(?P<root>[A-Z]{1,5}[0-9]?)(?P<day>[0-9]{6})(?P<right>[CP])(?P<strike>[0-9]{8})")


class Right(StrEnum):
    """What the holder may do: buy (call) or sell (put) the underlying at the strike."""

    CALL = "call"
    PUT = "put"

    @property
    def sign(self) -> int:
        """Return 1 for a call, -1 for a put."""
        return 1 if self is Right.CALL else -1


class ExerciseStyle(StrEnum):
    """When the holder may exercise: at any time (american) or at expiration (european)."""

    AMERICAN = "american"
    EUROPEAN = "european"


class Settlement(StrEnum):
    """What exercise delivers."""

    PHYSICAL = "physical"
    CASH = "cash"


@dataclass(frozen=True, slots=True, order=True)
class OccSymbol:
    """The four facts that an OCC symbol states."""

    root: str
    expiration: date
    right: Right
    strike: Decimal

    def __post_init__(self) -> None:
        if not 0 < self.strike <= _MAX_STRIKE or self.strike * _THOUSAND % 1:
            raise ValueError(f"strike {self.strike} is not in (0, {_MAX_STRIKE}] with three decimals at most")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a symbol; ValueError says what is wrong with it."""
        match = _SYMBOL.fullmatch(text)
        if match is None:
            form = "root + YYMMDD + C or P + strike x 1000 in eight digits"
            raise ValueError(f"option symbol {text!r} is not of the form {form}")
        digits = match["day"]
        try:
            expiration = date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:]))
        except ValueError:
            raise ValueError(f"option symbol {text!r} has no valid expiration: {digits}") from None
        right = Right.CALL if match["right"] == "C" else Right.PUT
        return cls(match["root"], expiration, right, Decimal(match["strike"]) / _THOUSAND)

    def to_uuid(self) -> UUID:
        """Return an id that states the same four facts, so that no table of ids is needed (RFC 9562, v8)."""
        root = 0
        for letter in f"{self.root:<{_ROOT_LENGTH}}":
            root = root * len(_LETTERS) + _LETTERS.index(letter)
        days = (self.expiration - _EPOCH).days
        packed = (((root << 16 | days) << 1 | (self.right is Right.PUT)) << 27) | int(self.strike * _THOUSAND)
        high, middle, low = packed >> 28, packed >> 16 & 0xFFF, packed & 0xFFFF
        return UUID(int=high << 80 | 8 << 76 | middle << 64 | 2 << 62 | _MARK << 16 | low)

    @classmethod
    def from_uuid(cls, value: UUID) -> Self:
        """Read an id of to_uuid; ValueError for any other."""
        bits = value.int
        packed = (bits >> 80) << 28 | (bits >> 64 & 0xFFF) << 16 | bits & 0xFFFF
        root, rest = packed >> 44, packed & (1 << 44) - 1
        letters = ""
        for _ in range(_ROOT_LENGTH):
            root, letter = divmod(root, len(_LETTERS))
            letters = _LETTERS[letter] + letters
        right = Right.PUT if rest >> 27 & 1 else Right.CALL
        expiration = _EPOCH + timedelta(days=rest >> 28)
        found = cls(letters.strip(), expiration, right, Decimal(rest & (1 << 27) - 1) / _THOUSAND)
        if found.to_uuid() != value:
            raise ValueError(f"{value} is not the id of an option contract")
        return found

    def __str__(self) -> str:
        letter = "C" if self.right is Right.CALL else "P"
        return f"{self.root}{self.expiration:%y%m%d}{letter}{int(self.strike * _THOUSAND):08d}"


def is_option_symbol(text: str) -> bool:
    """Say whether a text has the form of an OCC symbol."""
    return _SYMBOL.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class OptionContract:
    """One option series.

    `multiplier` turns the premium and the strike into money; `size` is the number of shares that exercise
    delivers. Both are 100 in a standard contract, and only `size` differs in an adjusted one.
    """

    occ: OccSymbol
    underlying: str
    style: ExerciseStyle = ExerciseStyle.AMERICAN
    settlement: Settlement = Settlement.PHYSICAL
    multiplier: int = STANDARD_MULTIPLIER
    size: int = STANDARD_MULTIPLIER

    @property
    def symbol(self) -> str:
        """The OCC symbol."""
        return str(self.occ)

    @property
    def id(self) -> str:
        """A UUID that is the same on every machine."""
        return str(self.occ.to_uuid())

    @property
    def right(self) -> Right:
        """Call or put."""
        return self.occ.right

    @property
    def strike(self) -> Decimal:
        """Exercise price per unit of the multiplier."""
        return self.occ.strike

    @property
    def expiration(self) -> date:
        """Last trading day, in New York."""
        return self.occ.expiration

    @property
    def exercise_amount(self) -> Decimal:
        """Money that changes hands when one contract is exercised."""
        return self.strike * self.multiplier

    @property
    def is_adjusted(self) -> bool:
        """Whether a corporate action has changed what it delivers."""
        return self.size != self.multiplier

    def deliverable_price(self, underlying_price: Decimal) -> Decimal:
        """Return the price of what is delivered, per unit of the multiplier, comparable with the strike."""
        if not self.is_adjusted:
            return underlying_price
        return underlying_price * self.size / self.multiplier

    def intrinsic(self, underlying_price: Decimal) -> Decimal:
        """Return by how much it is in the money, per unit of the multiplier; 0 when it is not."""
        distance = (self.deliverable_price(underlying_price) - self.strike) * self.right.sign
        return max(distance, Decimal(0))

    def out_of_the_money(self, underlying_price: Decimal) -> Decimal:
        """Return by how much it is out of the money, per unit of the multiplier; 0 when it is not."""
        distance = (self.strike - self.deliverable_price(underlying_price)) * self.right.sign
        return max(distance, Decimal(0))

    def payoff(self, underlying_price: Decimal) -> Decimal:
        """Return what one long contract is worth at expiration, in money."""
        return self.intrinsic(underlying_price) * self.multiplier
