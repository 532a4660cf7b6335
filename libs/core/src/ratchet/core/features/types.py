"""Rows of a bar array [5, N] and the array types of the kernels."""

import numpy as np
from numpy.typing import NDArray

OPEN, HIGH, LOW, CLOSE, VOLUME = range(5)

Mask = NDArray[np.bool_]
Counts = NDArray[np.int64]
