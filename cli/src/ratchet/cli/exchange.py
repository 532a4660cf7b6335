"""The paper exchange alone."""

import importlib.util
import os
import sys
from collections.abc import Sequence

from ratchet.cli.errors import CommandError
from ratchet.common.datasets import Dataset

MODULE = "ratchet.paper_exchange"


def run_exchange(
    data: str, port: int, key: str | None, secret: str | None, oanda_tokens: Sequence[str] = ()
) -> None:
    """Replace this process by the paper exchange over a dataset. Raises DatasetError for an unknown one."""
    if importlib.util.find_spec(MODULE) is None:
        raise CommandError("the paper exchange is not installed: pip install ratchet-paper-exchange")
    arguments = ["--data", str(Dataset.open(data).path), "--port", str(port)]
    tokens = [("--oanda-token", token) for token in oanda_tokens]
    for name, value in (("--key", key), ("--secret", secret), *tokens):
        if value is not None:
            arguments += [name, value]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", MODULE, *arguments])  # noqa: S606 - our own module
