"""What may be written where: the checks of every theta and every array, before anything changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from legacy_weights.errors import LayoutError
from legacy_weights.flat.errors import BindingError, CastError
from legacy_weights.tree import AnyArray


def common_dtype(dtypes: Iterable[np.dtype[Any]], requested: Any = None) -> np.dtype[Any]:
    """Return theta's dtype for arrays of the given dtypes.

    Parameters
    ----------
    dtypes : iterable of numpy.dtype
    requested : dtype, optional
        Must be given if there are several dtypes, and hold each of them exactly.

    Raises
    ------
    BindingError
        There are several dtypes and no request, or the request would lose digits.
    """
    kinds = sorted(set(dtypes), key=str)
    if requested is None:
        if len(kinds) > 1:
            raise BindingError(
                f"the variables have several dtypes: {', '.join(map(str, kinds))}",
                expected="one dtype",
                advice=f"Ask for a common one: dtype={str(np.result_type(*kinds))!r}.",
            )
        return kinds[0]
    dtype: np.dtype[Any] = np.dtype(requested)
    for kind in kinds:
        if not dtype.isnative or dtype.kind != kind.kind or not np.can_cast(kind, dtype, "safe"):
            raise BindingError(
                f"a theta of dtype {dtype.str} cannot stand for variables of {kind}",
                expected=f"a native dtype that holds {', '.join(map(str, kinds))} exactly",
                advice="Real and complex variables need a binding each.",
            )
    return dtype


def checked_theta(theta: Any, size: int, dtype: np.dtype[Any], cast: bool = False) -> AnyArray:
    """Return `theta` as an array that can be copied, or raise.

    Parameters
    ----------
    theta : array_like, shape (size,)
        Strided, read-only, misaligned and byte-swapped arrays are fine.
    size : int
    dtype : numpy.dtype
        What theta is to be; narrower floats are fine too.
    cast : bool
        Whether values may be rounded (or integers converted) to `dtype`.

    Returns
    -------
    ndarray, shape (size,)
        Of `dtype`, byte order apart, or of a narrower one that `dtype` holds exactly.

    Raises
    ------
    LayoutError
        The length or the number of dimensions is another.
    CastError
        The dtype does not fit.
    """
    if type(theta) is np.ndarray and theta.dtype == dtype and theta.shape == (size,):
        return theta
    array = _as_array(theta, "theta")
    if array.shape != (size,):
        raise LayoutError(f"theta has the shape {array.shape}", expected=f"({size},)")
    return _as_dtype(array, dtype, "theta", cast)


def checked_out(out: Any, size: int, dtype: np.dtype[Any]) -> AnyArray:
    """Return `out` if a theta can be written to it, else raise.

    Raises
    ------
    LayoutError
        It is no array of this length and dtype, or not writeable.
    """
    if not isinstance(out, np.ndarray):
        raise LayoutError(f"out is a {type(out).__name__}", expected="a NumPy array")
    if out.shape != (size,) or out.dtype != dtype:
        raise LayoutError(
            f"out has the shape {out.shape} and the dtype {out.dtype.str}",
            expected=f"({size},) and {dtype.str}",
        )
    if not out.flags.writeable:
        raise LayoutError("out is read-only", expected="a writeable array")
    return out


def checked_values(
    values: Any, shape: tuple[int, ...], dtype: np.dtype[Any], name: str, *, cast: bool = False
) -> AnyArray:
    """Return `values` as an array of exactly this shape that `dtype` can hold, or raise.

    Raises
    ------
    LayoutError
        The shape is another; nothing is broadcast.
    CastError
        The dtype does not fit, and `cast` is False.
    """
    array = _as_array(values, name)
    if array.shape != shape:
        raise LayoutError(
            f"{name} has the shape {array.shape}",
            expected=str(shape),
            advice="Nothing is broadcast.",
        )
    return _as_dtype(array, dtype, name, cast)


def _as_array(values: Any, name: str) -> AnyArray:
    if isinstance(values, np.ma.MaskedArray):
        raise CastError(
            f"{name} is a masked array", expected="plain values", advice="Fill it first."
        )
    array = np.asarray(values)
    if array.dtype.kind not in "biufc":
        raise CastError(f"{name} is a {type(values).__name__}", expected="an array of numbers")
    return array


def _as_dtype(array: AnyArray, dtype: np.dtype[Any], name: str, cast: bool) -> AnyArray:
    return array.astype(dtype) if check_dtype(array.dtype, dtype, name, cast) else array


def check_dtype(found: np.dtype[Any], dtype: np.dtype[Any], name: str, cast: bool) -> bool:
    """Return whether values of the dtype `found` must be converted to `dtype`.

    Raises
    ------
    CastError
        They must, and `cast` is False; or no conversion is sensible.
    """
    # NumPy calls int64 to float64 safe although it rounds: integers need the word of the caller.
    if found.kind == dtype.kind and np.can_cast(found, dtype, "safe"):
        return False
    possible = np.can_cast(found, dtype, "same_kind")
    if cast and possible:
        return True
    raise CastError(
        f"{name} has the dtype {found.str}",
        expected=dtype.str,
        advice="Pass cast=True to convert it." if possible else "No cast makes one of the other.",
    )
