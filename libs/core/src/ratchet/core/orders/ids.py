"""Deterministic identifiers (UUID version 5): the same decision always has the same id, on every machine.

A re-computation after a crash, a replay and a backtest therefore name signals, orders and executions alike.
"""

from uuid import UUID, uuid5

NAMESPACE = UUID("6f1c0f0e-52b5-5d0c-9a61-0d0b6f9f7c11")


def _derive(kind: str, *parts: object) -> UUID:
    return uuid5(NAMESPACE, "|".join((kind, *map(str, parts))))


def signal_id(strategy_set: str, symbol: str, ts: int, direction: int) -> UUID:
    """Return the id of one consensus decision; ts is its event time (ns, UTC), direction 1 or -1."""
    return _derive("signal", strategy_set, symbol, ts, direction)


def proposal_id(symbol: str, ts: int, reason: str) -> UUID:
    """Return the id of a proposal that stems from no signal: an exit, named by asset, event time and reason.

    A proposal made from a signal carries the signal's own id.
    """
    return _derive("proposal", symbol, ts, reason)


def client_order_id(proposal: UUID | str) -> str:
    """Return the 36 characters by which Ratchet and the broker know the order of a proposal."""
    return str(_derive("client-order", proposal))


def child_order_id(parent: str, number: int) -> str:
    """Return the client_order_id of a parent order's child, counted from 0."""
    return str(_derive("child-order", parent, number))


def exchange_order_id(account: str, client_order_id: str) -> str:
    """Return the paper exchange's own id of an order."""
    return str(_derive("exchange-order", account, client_order_id))


def execution_id(order_id: str, n: int) -> str:
    """Return the id of the n-th execution of an exchange order, counted from 0."""
    return str(_derive("execution", order_id, n))
