"""Inputs of the pricing functions as equal, contiguous float arrays."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def aligned(*columns: ArrayLike) -> tuple[Floats, ...]:
    """Broadcast inputs to one length and return them as contiguous float64 arrays.

    ValueError when the shapes do not fit or an array has more than one dimension.
    """
    arrays = [np.atleast_1d(np.asarray(column, dtype=np.float64)) for column in columns]
    if any(array.ndim != 1 for array in arrays):
        raise ValueError("pricing takes numbers or one-dimensional arrays")
    return tuple(np.ascontiguousarray(column) for column in np.broadcast_arrays(*arrays))


def check_positive(**columns: Floats) -> None:
    """Raise ValueError that names the first column with a value that is not positive."""
    for name, column in columns.items():
        if not (column > 0).all():
            raise ValueError(f"{name} must be positive, not {column[~(column > 0)][0]}")


def check_not_negative(**columns: Floats) -> None:
    """Raise ValueError that names the first column with a negative or undefined value."""
    for name, column in columns.items():
        if not (column >= 0).all():
            raise ValueError(f"{name} must not be negative, not {column[~(column >= 0)][0]}")
