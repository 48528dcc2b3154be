"""One buffer under many arrays, and the proof that nobody else looks at it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from sys import getrefcount
from typing import Any

import numpy as np

from legacy_weights.tree import AnyArray

# What the two ways of counting below add to the references that are really held.
_BY_MAP = next(map(getrefcount, [object()])) - 1
_probe = object()
_BY_CALL = getrefcount(_probe) - 1
del _probe


class Arena:
    """A contiguous buffer that is cut into arrays.

    The arrays are handed to storage cells, and anything can happen to them there: a compiled
    function can move one into another variable, a caller can keep ``get_value(borrow=True)`` or a
    transposed view of it.  Each of these holds a reference: to the array itself, or to the buffer,
    which NumPy makes the base of every view of a view.  Counting both tells whether writing into
    the buffer could change what someone else holds.  Too many references (a debugger's, say) cost
    a fresh arena and nothing else.

    Parameters
    ----------
    dtype : numpy.dtype
    shapes : sequence of tuple of int
        Of the arrays, in order.

    Attributes
    ----------
    whole : ndarray, shape (size,)
        The buffer, uninitialised.
    views : list of ndarray
        The arrays.
    """

    def __init__(self, dtype: np.dtype[Any], shapes: Sequence[tuple[int, ...]]) -> None:
        ends = list(accumulate((math.prod(shape) for shape in shapes), initial=0))
        # Where NumPy puts it, as it puts theta: between addresses that differ modulo 64 the copy of
        # 800 MB took four times as long.
        self.whole: AnyArray = np.empty(ends[-1], dtype)
        self.views: list[AnyArray] = [
            self.whole[start:end].reshape(shape)
            for start, end, shape in zip(ends, ends[1:], shapes, strict=False)
        ]
        # Here, and as the base of each view.
        self._whole_alone = _BY_CALL + 1 + len(self.views)
        self._views_alone = [_BY_MAP + 1] * len(self.views)
        self._views_in_cells = [_BY_MAP + 2] * len(self.views)

    def is_private(self, attached: Sequence[bool] | None = None) -> bool:
        """Whether nobody holds the arrays but this arena and the cells.

        Parameters
        ----------
        attached : sequence of bool, optional
            Which arrays stand in their cells; by default all.
        """
        if getrefcount(self.whole) != self._whole_alone:
            return False
        if attached is None:
            return list(map(getrefcount, self.views)) == self._views_in_cells
        expected = [alone + there for alone, there in zip(self._views_alone, attached, strict=True)]
        return list(map(getrefcount, self.views)) == expected
