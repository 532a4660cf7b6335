"""Inputs of the pricing functions as equal, contiguous float arrays."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Columns = tuple[Floats, Floats, Floats, Floats, Floats, Floats, Floats]


def aligned(
    first: ArrayLike,
    second: ArrayLike,
    third: ArrayLike,
    fourth: ArrayLike,
    fifth: ArrayLike,
    sixth: ArrayLike,
    seventh: ArrayLike,
) -> Columns:
    """Broadcast the seven inputs to one length; return contiguous, writable float64 arrays.

    ValueError when the shapes do not fit or an array has more than one dimension.
    """
    given = (first, second, third, fourth, fifth, sixth, seventh)
    arrays = [np.atleast_1d(np.asarray(column, dtype=np.float64)) for column in given]
    if any(array.ndim != 1 for array in arrays):
        raise ValueError("pricing takes numbers or one-dimensional arrays")
    (length,) = np.broadcast_shapes(*(array.shape for array in arrays))
    a, b, c, d, e, f, g = (_column(array, length) for array in arrays)
    return a, b, c, d, e, f, g


def _column(array: Floats, length: int) -> Floats:
    # A compiled kernel is made for each kind of array, so there is one kind.
    if len(array) != length:
        return np.full(length, array[0])
    if array.flags.c_contiguous and array.flags.writeable:
        return array
    return array.copy()


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
