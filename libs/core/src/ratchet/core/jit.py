"""Typed access to numba: compiled kernels release the GIL, and entry points are cached on disk."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile a helper that other kernels call; it is inlined into, and cached with, its entry point."""
    return cast("F", numba.njit(nogil=True)(function))


def entry(function: F) -> F:
    """Compile a kernel that Python calls, cached on disk (NUMBA_CACHE_DIR moves the cache).

    numba's cache notices a change of the kernel's own file only: a kernel must not use constants or helpers
    of other files, unless it captures a digest of their sources in its closure, which is part of the key.
    """
    return cast("F", numba.njit(nogil=True, cache=True)(function))
