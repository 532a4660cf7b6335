"""Where every service's process begins. It imports little: how soon a service works again is up to it."""

import contextlib
import gc
import sys
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

# What structlog and redis import where they find it, and no service uses of them.
_UNUSED = ("rich", "opentelemetry.sdk.metrics")


def enter(name: str, module: str) -> int:
    """Import the module that has a service's `setup` and run the service; return its exit code."""
    setup = load(module).setup
    from ratchet.common.runtime import launch

    return launch(name, setup)


def load(module: str) -> ModuleType:
    """Import a service's module; garbage is not collected from here on until the service works.

    Modules are made to stay, and going through them again and again takes a fifth of the start.
    """
    gc.disable()
    with _left_out(_UNUSED):
        return import_module(module)


@contextlib.contextmanager
def _left_out(names: tuple[str, ...]) -> Iterator[None]:
    """Let imports of modules fail that nobody has imported yet."""
    absent = [name for name in names if name not in sys.modules]
    # Python's own mark of a module that must not be imported.
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
