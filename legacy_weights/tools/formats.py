"""Writers of the formats to which a snapshot is exported, each by the format's own library.

===========  ==========  =====================  ==========================  =====================
format       order       what states it         dtypes                      memory
===========  ==========  =====================  ==========================  =====================
npz          kept        not kept               all, byte order too         a few blocks
safetensors  by offset   metadata, ``layout``   bool, integers, floats up   the snapshot, where
                                                to 64 bits, complex64;      it is not mapped
                                                little endian
json         kept        ``layout``             bool, integers, floats up   a few blocks
                                                to 64 bits, complex, text
torch        kept        not kept               what PyTorch has            the snapshot
===========  ==========  =====================  ==========================  =====================

A dtype that a format lacks is refused, never converted.  An array without dimensions stays one.
Names are the model's own; what no format can carry (control characters, lone surrogates) is
written as ``%XX``, see :func:`legacy_weights.hierarchy.texts.quote`.
"""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from legacy_weights.errors import UsageError, WriteError
from legacy_weights.hierarchy import texts
from legacy_weights.streams import elements
from legacy_weights.tree import JSON, AnyArray, Array

_LONGEST_NAME = 60_000  # bytes; zip ends at 65,535
_ADVICE = "npz holds every dtype: --to npz"


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """An array to be exported.

    Parameters
    ----------
    name : str
    array : Array
    links : tuple of str
        Further names of it.
    """

    name: str
    array: Array
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """What is exported: arrays in their order, and what is to be known of them if asked for."""

    entries: tuple[Entry, ...]
    facts: Callable[[], Mapping[str, JSON]]


def write_npz(content: Content, path: str) -> None:
    """Write NumPy's archive: a member ``NAME.npy`` an array, not compressed, in C order.

    The form is that of numpy/lib/_npyio_impl.py (``_savez``), array after array instead of all at
    once; :func:`numpy.load` reads it without pickles.
    """
    names = {entry.name for entry in content.entries}
    for name in sorted(names):
        if len(name.encode()) > _LONGEST_NAME or f"{name}.npy" in names:
            raise UsageError(f"npz cannot carry the name {name[:80]!r}")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for entry in content.entries:
            member = zipfile.ZipInfo(f"{entry.name}.npy")  # of 1980: same arrays, same bytes
            with archive.open(member, "w", force_zip64=True) as file:
                _write_npy(entry, file)


def _write_npy(entry: Entry, file: Any) -> None:
    array = entry.array
    try:
        described = np.lib.format.dtype_to_descr(array.dtype)
        header = {"descr": described, "fortran_order": False, "shape": array.shape}
        np.lib.format.write_array_header_1_0(file, header)
    except ValueError:
        try:  # fields with names beyond Latin-1, or very many of them: a newer form, it warns
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                np.lib.format.write_array(file, np.asarray(array.load()), allow_pickle=False)
        except ValueError as error:
            raise UsageError(f"npz has no form for this dtype: {error}", where=entry.name) from None
        return
    for block in elements(array):
        file.write(block.view(np.uint8).data)


def write_safetensors(content: Content, path: str) -> None:
    """Write safetensors, with the facts as metadata, structure as JSON.

    The library lays arrays out by their alignment: the order is that of ``layout``.
    """
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import save_file
    except ImportError as error:
        raise _missing("safetensors", "pip install 'legacy-weights[export]'") from error
    _check_dtypes(content, "safetensors", lambda d: d.kind in "biuf" or d.str[1:] == "c8")
    if any(entry.name == "__metadata__" for entry in content.entries):
        raise UsageError("safetensors cannot carry the name '__metadata__'")
    metadata = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in content.facts().items()
        if value is not None
    }
    try:
        save_file({entry.name: _little(entry) for entry in content.entries}, path, metadata)
    except SafetensorError as error:
        raise WriteError(f"safetensors could not write it: {error}") from error


def write_json(content: Content, path: str) -> None:
    """Write one JSON document: the facts, and ``arrays`` with flat ``values`` in C order.

    Floats are written so that they read back exactly; NaN and infinities are
    ``{"$float": "nan"}``, a complex number is two numbers in a row, bytes are Latin-1 text.
    """
    _check_dtypes(content, "JSON", lambda d: d.kind in "biufcSU")
    with open(path, "w", encoding="ascii") as file:
        head = json.dumps(dict(content.facts()), indent=1)
        file.write(f'{head[:-2]},\n "arrays": [')
        for number, entry in enumerate(content.entries):
            facts = {
                "name": entry.name,
                "dtype": entry.array.dtype.str,
                "shape": list(entry.array.shape),
            }
            file.write(f'{"," if number else ""}\n  {json.dumps(facts)[:-1]}, "values": [')
            for place, text in enumerate(_json_values(entry.array)):
                file.write(f"{', ' if place else ''}{text}")
            file.write("]}")
        file.write("\n ]\n}\n")


def _json_values(array: Array) -> Iterator[str]:
    if array.dtype.itemsize == 0 and array.size:
        yield texts.dumps([""] * array.size)[1:-1]
    for block in elements(array):
        values: Any = block
        if array.dtype.kind == "c":
            values = block.view(block.real.dtype)
        listed = values.tolist()
        if array.dtype.kind == "S":
            listed = [value.decode("latin-1") for value in listed]
        yield texts.dumps(listed)[1:-1]


def write_torch(content: Content, path: str) -> None:
    """Write a state dict of PyTorch: tensors by name, one of several names once."""
    try:
        import torch
    except ImportError as error:
        raise _missing("torch", "pip install torch") from error
    state: dict[str, Any] = {}
    for entry in content.entries:
        try:
            tensor = torch.from_numpy(_little(entry).copy())
        except TypeError:
            raise UsageError(
                f"PyTorch has no dtype {entry.array.dtype}", where=entry.name, advice=_ADVICE
            ) from None
        state |= dict.fromkeys((entry.name, *entry.links), tensor)
    torch.save(state, path)


def _little(entry: Entry) -> AnyArray:
    """Return an array in C order, in the byte order of this machine."""
    values = np.asarray(entry.array.load())
    native = values.astype(values.dtype.newbyteorder("="), copy=False)
    # ascontiguousarray alone would give a scalar one dimension.
    return np.ascontiguousarray(native).reshape(values.shape)


def _check_dtypes(content: Content, what: str, fits: Any) -> None:
    """Raise if arrays are of dtypes that a format lacks; long doubles are none of any."""
    wrong = [
        f"{entry.name} ({entry.array.dtype})"
        for entry in content.entries
        if not fits(entry.array.dtype) or entry.array.dtype.char in "gG"
    ]
    if wrong:
        more = f", … {len(wrong) - 6} more" if len(wrong) > 6 else ""
        raise UsageError(
            f"{what} has no form for the dtype of {', '.join(wrong[:6])}{more}", advice=_ADVICE
        )


def _missing(library: str, command: str) -> UsageError:
    return UsageError(f"{library} is not installed", advice=command)
