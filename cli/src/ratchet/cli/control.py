"""The kill switch of a running platform, through risk's admin API."""

import http.client
import json
import os

from ratchet.cli.errors import CommandError
from ratchet.cli.home import Home, Secrets
from ratchet.cli.platform.services import HOST
from ratchet.cli.platform.state import read_state


def switch_trading(action: str, reason: str) -> None:
    """Halt, limit or resume trading. Raises CommandError when the platform does not answer."""
    home = Home.find()
    state = read_state(home)
    risk = state.services.get("risk") if state and state.alive else None
    if risk is None or "admin" not in risk.ports:
        raise CommandError(f"no platform runs from {home.root}: nothing to {action}")
    answer = call_admin(home, risk.ports["admin"], "POST", action, {"reason": reason})
    print(f"trading is {answer['state']} ({answer['reason']})")


def call_admin(
    home: Home, port: int, method: str, path: str, body: dict[str, str] | None = None
) -> dict[str, str]:
    """Call /admin/v1/{path} of a service with the admin token of this home."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    headers = {"Authorization": f"Bearer {_token(home)}", "Content-Type": "application/json"}
    try:
        connection.request(method, f"/admin/v1/{path}", json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise CommandError(f"the service on port {port} does not answer: {error}") from error
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise CommandError(f"the service refused {method} {path}: HTTP {response.status} {text[:200]}")
    return dict(json.loads(text))


def _token(home: Home) -> str:
    given = os.environ.get("RATCHET_ADMIN_TOKENS", "")
    tokens = dict(entry.partition("=")[::2] for entry in given.split(",") if "=" in entry)
    return tokens.get("admin") or Secrets.load(home).tokens["admin"]
