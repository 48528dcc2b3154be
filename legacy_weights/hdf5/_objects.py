"""From the objects and types of the HDF5 library to descriptions and NumPy dtypes.

What is raised here is the library's own; :class:`legacy_weights.hdf5.File` turns it into errors of
this package.
"""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5s, h5t

from legacy_weights.hdf5._nodes import Dataset, Group, Link, Other, Unread


def describe(
    item: Any, path: str, dtypes: dict[bytes, np.dtype[Any] | None] | None = None
) -> Group | Dataset | Other:
    """Describe an open object.

    `dtypes` keeps the dtypes of types met before, for they cost more than all the rest.
    """
    if isinstance(item, h5g.GroupID):
        return Group(path, h5a.get_num_attrs(item))
    if not isinstance(item, h5d.DatasetID):
        return Other(path, "named datatype")
    offset = item.get_offset()
    if offset is None:  # else it is contiguous and in this file
        creation = item.get_create_plist()
        if creation.get_layout() == h5d.VIRTUAL:
            return Other(path, "virtual dataset")
        if creation.get_external_count():
            return Other(path, "dataset kept in another file")
    space = item.get_space()
    if space.get_simple_extent_type() == h5s.NULL:
        return Other(path, "dataset without values")
    kind = item.get_type()
    dtype = plain_dtype(kind) if dtypes is None else _known_dtype(kind, dtypes)
    if dtype is None:
        return Other(path, f"dataset of {_in_words(kind)}")
    base, inner = split(dtype)
    shape = space.get_simple_extent_dims() + inner
    stored, n_attributes = item.get_storage_size(), h5a.get_num_attrs(item)
    return Dataset(path, base, shape, stored, offset, n_attributes)


def describe_link(group: Any, name: bytes, kind: int, path: str) -> Link:
    """Describe a link of this kind, which is no hard one."""
    if kind == h5l.TYPE_SOFT:
        return Link(path, "soft", decoded(group.links.get_val(name)))
    if kind == h5l.TYPE_EXTERNAL:
        return Link(path, "external", ":".join(map(decoded, group.links.get_val(name))))
    return Link(path, "user", "")


def plain_dtype(kind: Any) -> np.dtype[Any] | None:
    """Return the dtype of an HDF5 type; None if NumPy has none that holds plain values."""
    try:
        dtype: np.dtype[Any] = kind.dtype
    except TypeError:
        return None
    if dtype.hasobject:
        return None
    # h5py hangs the names of an enumeration on the dtype, and every array made of it inherits them.
    return np.dtype(dtype.str) if dtype.metadata and dtype.names is None else dtype


def _known_dtype(kind: Any, known: dict[bytes, np.dtype[Any] | None]) -> np.dtype[Any] | None:
    code = kind.encode()
    if code not in known:
        known[code] = plain_dtype(kind)
    return known[code]


def split(dtype: np.dtype[Any]) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Return the dtype and the inner shape of a subarray dtype."""
    return (dtype, ()) if dtype.subdtype is None else dtype.subdtype


def memory_type(kind: Any) -> Any:
    """Return the type to read into: for strings the stored one, for HDF5 cuts them at a NUL."""
    return kind if isinstance(kind, h5t.TypeStringID) else h5t.py_create(kind.dtype)


def read_attribute(attribute: Any, longest: int) -> Any:
    """Read the value of an open attribute, unless it has more than `longest` bytes.

    :meth:`legacy_weights.hdf5.File.attributes` says what is returned.
    """
    kind, space = attribute.get_type(), attribute.get_space()
    is_text = isinstance(kind, h5t.TypeStringID)
    if space.get_simple_extent_type() == h5s.NULL:
        return _text(b"", kind) if is_text else Unread("it has no value")
    size = space.get_simple_extent_npoints() * kind.get_size()
    if size > longest:
        return Unread(f"it has {size:,} bytes")
    if is_text and kind.is_variable_str():
        texts = np.empty(attribute.shape, h5py.string_dtype())
        attribute.read(texts)
        listed = [_text(text or b"", kind) for text in texts.reshape(-1)]
        return listed if attribute.shape else listed[0]
    if is_text:
        fixed = np.empty(attribute.shape, (np.bytes_, kind.get_size()))
        attribute.read(fixed, mtype=kind)
        return fixed if attribute.shape else _text(fixed.tobytes().rstrip(b"\0"), kind)
    dtype = plain_dtype(kind)
    if dtype is None:
        return Unread(_in_words(kind))
    base, inner = split(dtype)
    values = np.empty(attribute.shape + inner, base)
    attribute.read(values, mtype=h5t.py_create(dtype))
    return values[()]


def decoded(raw: bytes) -> str:
    """Return a name of an HDF5 file as text; bytes that are no UTF-8 can be had back."""
    return raw.decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    """Return the bytes that :func:`decoded` took."""
    return text.encode("utf-8", "surrogateescape")


def _text(raw: bytes, kind: Any) -> str | bytes:
    return decoded(raw) if kind.get_cset() == h5t.CSET_UTF8 else bytes(raw)


def _in_words(kind: Any) -> str:
    if isinstance(kind, h5t.TypeStringID):
        return "strings of variable length"
    words = {h5t.VLEN: "values of variable length", h5t.REFERENCE: "references"}
    return words.get(kind.get_class(), "a type that NumPy lacks")
