"""All switches of a venue."""

import itertools
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import ValidationError

from ratchet.paper_exchange.errors import InvalidError, NotFoundError, describe
from ratchet.paper_exchange.faults.base import Fault, Occasion
from ratchet.paper_exchange.faults.switch import Switch, SwitchSpec
from ratchet.paper_exchange.faults.table import FAULTS

MAX_SWITCHES = 1_000

F = TypeVar("F", bound=Fault)


class FaultBoard:
    """Switches in the order in which they were switched on; safe for threads."""

    def __init__(self) -> None:
        self._switches: tuple[Switch, ...] = ()
        self._numbers = itertools.count(1)
        self._guard = threading.Lock()
        self._on_added: list[Callable[[Switch], None]] = []

    def on_added(self, call: Callable[[Switch], None]) -> None:
        """Have a function called for each new switch, for faults that act at once."""
        self._on_added.append(call)

    @property
    def is_used(self) -> bool:
        """Return whether any fault is switched on."""
        return bool(self._switches)

    def add(self, spec: SwitchSpec) -> dict[str, Any]:
        """Switch a fault on; InvalidError names what is wrong."""
        fault = _fault_of(spec)
        with self._guard:
            if len(self._switches) >= MAX_SWITCHES:
                raise InvalidError(f"{MAX_SWITCHES} faults are switched on already; switch some off")
            switch = Switch(next(self._numbers), spec, fault)
            self._switches = (*self._switches, switch)
        for call in self._on_added:
            call(switch)
        return switch.shown()

    def shown(self, account: str | None = None) -> list[dict[str, Any]]:
        """Return all switches, or those of one account, with what they have done so far."""
        return [switch.shown() for switch in self._switches if account in (None, switch.spec.account)]

    def remove(self, number: int, account: str | None = None) -> dict[str, Any]:
        """Switch one off and return its last state; with an account, only if it is that account's."""
        with self._guard:
            for switch in self._switches:
                if switch.number == number and account in (None, switch.spec.account):
                    self._switches = tuple(other for other in self._switches if other is not switch)
                    return switch.shown()
        raise NotFoundError(f"fault not found for {number}")

    def clear(self, account: str | None = None) -> int:
        """Switch all off, or those of one account; return how many there were."""
        with self._guard:
            kept = tuple(
                switch for switch in self._switches if account is not None and switch.spec.account != account
            )
            removed = len(self._switches) - len(kept)
            self._switches = kept
        return removed

    def fired(self, family: type[F], occasion: Occasion) -> list[F]:
        """Return every fault of a family that befalls this occasion."""
        return [
            switch.fault
            for switch in self._switches
            if isinstance(switch.fault, family) and switch.fires(occasion)
        ]

    def first(self, family: type[F], occasion: Occasion) -> F | None:
        """Return the first fault of a family that befalls this occasion; later ones do not see it."""
        for switch in self._switches:
            if isinstance(switch.fault, family) and switch.fires(occasion):
                return switch.fault
        return None


def _fault_of(spec: SwitchSpec) -> Fault:
    kind = FAULTS.get(spec.fault)
    if kind is None:
        raise InvalidError(f"fault {spec.fault!r} is unknown; allowed: {', '.join(FAULTS)}")
    for field in spec.match.model_dump(exclude_none=True):
        if field not in kind.fields:
            allowed = ", ".join(sorted(kind.fields)) or "none"
            raise InvalidError(f"match.{field} does not apply to {spec.fault}; allowed: {allowed}")
    if spec.account is not None and not kind.knows_account:
        raise InvalidError(f"account {spec.account!r} cannot be given: {spec.fault} comes before the account")
    try:
        return kind.model_validate(spec.parameters)
    except ValidationError as error:
        raise InvalidError(f"parameters of {spec.fault}: {describe(error.errors())}") from None
