"""Client order ids as an exchange allows them, and back.

Ours are UUIDs (36 characters). Where hyphens or that length are not allowed, the same 128 bits are written
as 32 hexadecimal digits or as 22 digits of base 62; all of them can be read back without a table.
"""

import string
from uuid import UUID

from ratchet.execution.venue.adapters.ccxt_venues import ExchangeRules

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BASE62_LENGTH, _HEX_LENGTH, _UUID_LENGTH = 22, 32, 36


class IdError(ValueError):
    """A client order id cannot be written as the exchange wants it."""


def to_wire(client_order_id: str, rules: ExchangeRules) -> str:
    """Return the id as it is sent; IdError if it does not fit."""
    room = rules.id_length - len(rules.id_prefix)
    value = _uuid(client_order_id)
    if value is None:
        if len(client_order_id) > room or ("-" in client_order_id and not rules.id_hyphens):
            raise IdError(
                f"client_order_id {client_order_id!r} is no UUID and not within {room} characters"
                + ("" if rules.id_hyphens else " without hyphens")
            )
        return rules.id_prefix + client_order_id
    if room >= _UUID_LENGTH and rules.id_hyphens:
        return rules.id_prefix + str(value)
    if room >= _HEX_LENGTH:
        return rules.id_prefix + value.hex
    if room >= _BASE62_LENGTH:
        return rules.id_prefix + _base62(value.int)
    raise IdError(f"client_order_id {client_order_id!r} does not fit in {room} characters")


def from_wire(wire_id: str, rules: ExchangeRules) -> str:
    """Return our id for one that the exchange reports; an id that is not ours is returned as it is."""
    text = wire_id.removeprefix(rules.id_prefix)
    value = _uuid(text)
    if value is None and len(text) == _BASE62_LENGTH and _is_base62_form(rules):
        number = _from_base62(text)
        value = UUID(int=number) if number is not None and number < 2**128 else None
    if value is None or to_wire(str(value), rules) != wire_id:
        return wire_id
    return str(value)


def _is_base62_form(rules: ExchangeRules) -> bool:
    return _BASE62_LENGTH <= rules.id_length - len(rules.id_prefix) < _HEX_LENGTH


def _uuid(text: str) -> UUID | None:
    if len(text) not in {_HEX_LENGTH, _UUID_LENGTH}:
        return None
    try:
        value = UUID(text)
    except ValueError:
        return None
    # Another spelling of the same UUID is another id to the exchange.
    return value if text in {str(value), value.hex} else None


def _base62(number: int) -> str:
    digits = ""
    for _ in range(_BASE62_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


def _from_base62(text: str) -> int | None:
    number = 0
    for character in text:
        digit = _DIGITS.find(character)
        if digit < 0:
            return None
        number = number * len(_DIGITS) + digit
    return number
