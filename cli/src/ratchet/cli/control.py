"""Emergency commands, which talk to execution directly, and to the database alone when it is down."""

import getpass
import http.client
import json
import os
from typing import Any
from urllib.parse import urlsplit

from ratchet.cli.errors import CommandError, UsageError
from ratchet.cli.home import Home, Secrets
from ratchet.cli.options import portfolio
from ratchet.cli.platform.look import urls
from ratchet.cli.platform.services import HOST
from ratchet.cli.platform.state import read_state
from ratchet.common.db import Database
from ratchet.common.embedded import EmbeddedServerError
from ratchet.common.errors import DatabaseUnavailableError
from ratchet.common.trading_state import write_trading_state

_STATES = {"halt": "halted", "reduce-only": "reduce_only", "resume": "active"}
# Longer than execution itself waits for its loop.
_TIMEOUT_S = 35.0
_OK = 200


class UnreachableError(CommandError):
    """Nobody answered; whether anything was done is not known."""


def switch_trading(action: str, reason: str, url: str = "") -> None:
    """Halt, limit or resume trading: through execution, else in the database, which it reads with each order.

    Raises CommandError when neither can be reached.
    """
    home = Home.find()
    try:
        answer = call_execution(home, url, "POST", action, {"reason": reason})
    except UnreachableError as error:
        _switch_in_database(home, action, reason, str(error))
        return
    print(f"trading is {answer['state']} ({answer['reason']})")


def cancel_all(scope: str, reason: str, url: str = "") -> None:
    """Cancel every working order, or those of a symbol or asset class."""
    asked = call_execution(Home.find(), url, "POST", "cancel-all", {"scope": scope, "reason": reason})
    _print_orders(asked, "cancel requested")


def flatten(scope: str, reason: str, url: str = "") -> None:
    """Close every position at the market, or those of a symbol or asset class."""
    made = call_execution(Home.find(), url, "POST", "flatten", {"scope": scope, "reason": reason})
    _print_orders(made, "closing order")


def place_order(
    symbol: str,
    side: str,
    qty: str,
    limit: str,
    trail: str,
    algo: str,
    parameters: list[str],
    duration_s: int,
    key: str,
    url: str = "",
) -> None:
    """Place an order by hand; CommandError when execution or risk refuses it."""
    for text in parameters:
        if not text.partition("=")[2]:
            raise UsageError(f"--param {text}: allowed is NAME=VALUE, such as slices=6")
    if trail and limit:
        raise UsageError(f"--trail {trail}: a trailing stop has no --limit")
    kind = "limit" if limit else "trailing_stop" if trail else "market"
    by = "trail_percent" if trail.endswith("%") else "trail_price"
    body = {
        "symbol": symbol, "side": side, "qty": qty, "type": kind,
        "limit_price": limit, by: trail.removesuffix("%"), "idempotency_key": key,
        "algo": algo, "algo_duration_s": duration_s,
        "algo_parameters": dict(text.partition("=")[::2] for text in parameters),
    }  # fmt: skip
    done = call_execution(Home.find(), url, "POST", "orders", body)
    if not done["accepted"]:
        raise CommandError(f"refused: {', '.join(done['reasons'])}")
    _print_orders([done["order"]], f"worked by {algo}" if algo else "order")


def place_package(legs: list[str], qty: str, net: str, key: str, url: str = "") -> None:
    """Place several option contracts as one package; CommandError when execution or risk refuses it."""
    body = {
        "legs": [_leg(text) for text in legs], "qty": qty, "type": "limit" if net else "market",
        "limit_price": net, "idempotency_key": key,
    }  # fmt: skip
    done = call_execution(Home.find(), url, "POST", "orders", body)
    if not done["accepted"]:
        raise CommandError(f"refused: {', '.join(done['reasons'])}")
    _print_orders([done["order"]], f"package of {len(legs)} legs, the first")


def _leg(text: str) -> dict[str, Any]:
    symbol, _, rest = text.partition(":")
    side, _, ratio = rest.partition(":")
    if not symbol or side not in {"buy", "sell"} or not (ratio or "1").isdecimal():
        raise UsageError(f"leg {text}: allowed is SYMBOL:buy or SYMBOL:sell, with :RATIO if it is not 1")
    return {"symbol": symbol, "side": side, "ratio": int(ratio or "1")}


def call_execution(home: Home, url: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Call /admin/v1/{path} of execution; UnreachableError without an answer of a leader."""
    scheme, host, port = _address(home, url)
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    connection = kind(host, port, timeout=_TIMEOUT_S)
    headers = {"Authorization": f"Bearer {_token(home)}", "Content-Type": "application/json"}
    try:
        connection.request(method, f"/admin/v1/{path}", json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(f"execution at {host}:{port} does not answer: {error}") from error
    finally:
        connection.close()
    if response.status >= 500:
        raise UnreachableError(f"execution cannot {path} now: HTTP {response.status} {text[:200]}")
    if response.status != _OK:
        raise CommandError(f"execution refused {method} {path}: HTTP {response.status} {text[:200]}")
    return json.loads(text)


def _switch_in_database(home: Home, action: str, reason: str, why: str) -> None:
    url = _database_url(home, action, why)
    database = Database(url, pool_size=1, application_name="ratchet-cli")
    try:
        with database.transaction(wait_s=2.0) as cursor:
            write_trading_state(cursor, "cli", portfolio(), _STATES[action], reason, _actor())
    except DatabaseUnavailableError as error:
        raise CommandError(f"cannot {action}: {why}; and the database: {error}") from error
    finally:
        database.close()
    print(f"{why}\ntrading is {_STATES[action]} in the database; execution obeys from its next order on")


def _database_url(home: Home, action: str, why: str) -> str:
    given = os.environ.get("RATCHET_DATABASE_URL", "")
    state = read_state(home)
    if state is None:
        if given:
            return given
        raise CommandError(
            f"{why}: nothing to {action} there; set RATCHET_DATABASE_URL to throw the switch in the database"
        )
    try:
        return urls(home, state)[0]
    except EmbeddedServerError as error:
        if given:
            return given
        raise CommandError(f"cannot {action}: {why}; and the database: {error}") from error


def _address(home: Home, url: str) -> tuple[str, str, int]:
    given = url or os.environ.get("RATCHET_EXECUTION_URL", "")
    if given:
        parts = urlsplit(given)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UsageError(f"--url {given}: allowed is http(s)://host:port of execution's admin API")
        return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    state = read_state(home)
    process = state.services.get("execution") if state else None
    if process is None or not process.alive or "admin" not in process.ports:
        raise UnreachableError(f"no execution runs from {home.root}")
    return "http", HOST, process.ports["admin"]


def _print_orders(orders: list[dict[str, Any]], what: str) -> None:
    for order in orders:
        print(
            f"{what}: {order['symbol']} {order['side']} {order['qty']} is {order['status']} "
            f"({order['client_order_id']})"
        )
    unknown = sum(order["status"] == "unknown" for order in orders)
    if unknown:
        print(f"{unknown} without an answer from the venue: execution asks again by itself")
    print(f"{len(orders)} orders")


def _actor() -> str:
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli"


def _token(home: Home) -> str:
    given = os.environ.get("RATCHET_ADMIN_TOKENS", "")
    tokens = dict(entry.partition("=")[::2] for entry in given.split(",") if "=" in entry)
    by_role = {role.partition(":")[0]: token for role, token in tokens.items()}
    return by_role.get("operator") or by_role.get("admin") or Secrets.load(home).tokens["operator"]
