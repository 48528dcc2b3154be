"""The neutral tree: what a legacy file holds, whatever it was written by.

Readers make a :class:`Tree`, the hierarchy stores one, models and flat vectors are built from one.
Arrays are lazy: a tree costs little until an array is asked for.  Every array stands at one path
(see :mod:`legacy_weights.paths`): ``/snapshots/NAME/…`` if it belongs to the model, else
``/other/SECTION/…`` by its role.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

AnyArray: TypeAlias = NDArray[Any]
JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"


class Role(enum.StrEnum):
    """What an array is for."""

    WEIGHT = "weight"
    STATE = "state"
    """Needed to run the model, never trained: running averages, normalisers."""
    OPTIMIZER = "optimizer"
    RANDOM = "random"
    CONSTANT = "constant"
    DATA = "data"
    OTHER = "other"

    @property
    def section(self) -> str:
        """Name of the group below ``/other`` in which arrays of this role stand."""
        return _SECTIONS[self]


_SECTIONS = {
    Role.WEIGHT: "unclassified",
    Role.STATE: "unclassified",
    Role.OPTIMIZER: "optimizer",
    Role.RANDOM: "random",
    Role.CONSTANT: "constants",
    Role.DATA: "data",
    Role.OTHER: "unclassified",
}


class Trainable(enum.IntEnum):
    """Whether training changes a weight."""

    NO = 0
    YES = 1
    UNKNOWN = -1


class Order(enum.StrEnum):
    """Where the order of a snapshot's weights comes from, the strongest first."""

    STATED = "stated"
    """The file states it: a ``params`` list, ``layer_names``, a list, the chain of layers."""
    FORMAT = "format"
    """The program that wrote the file is known to keep this order."""
    CREATED = "created"
    """The order in which Theano created the variables (``auto_N``)."""
    UNKNOWN = "unknown"
    """Nothing states it; names are sorted naturally, and loading by order is refused."""


@dataclass(frozen=True, slots=True, eq=False)
class Array:
    """An array that is read when it is asked for.

    Parameters
    ----------
    dtype : numpy.dtype
        As in the legacy file, byte order included.
    shape : tuple of int
    load : callable
        Returns the array, of this dtype and shape, read-only; mostly a view of the mapped file.
    fortran : bool
        Whether the legacy file keeps the values in column-major order.
    stream : callable, optional
        Yields the bytes that `load` gives, in C order and some megabytes at a time, where these
        need not be read all at once; see :mod:`legacy_weights.streams`.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    load: Callable[[], AnyArray]
    fortran: bool = False
    stream: Callable[[], Iterator[memoryview]] | None = None

    @classmethod
    def of(cls, values: AnyArray) -> Array:
        """Wrap an array that is in memory (or mapped) already."""
        fortran = values.flags.f_contiguous and not values.flags.c_contiguous
        return cls(values.dtype, values.shape, lambda: values, fortran)

    @property
    def size(self) -> int:
        """Number of elements."""
        size = 1
        for length in self.shape:
            size *= length
        return size

    @property
    def nbytes(self) -> int:
        """Number of bytes of all elements."""
        return self.size * self.dtype.itemsize


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """An array with its place in the tree and what is known of it.

    Parameters
    ----------
    path : str
        Where it stands, such as ``/snapshots/model/conv1/W`` (components as in
        :mod:`legacy_weights.paths`).
    name : str
        The model's own name for it, unique within its snapshot or section.
    array : Array
    role : Role
    trainable : Trainable
    origins : tuple of str
        The paths at which the legacy file has it, the plainest first.
    links : tuple of (str, str)
        Further (path, name) under which the same object is known.
    note : str
        Why it has this role, in a few words, if that is not evident.
    """

    path: str
    name: str
    array: Array
    role: Role
    trainable: Trainable = Trainable.UNKNOWN
    origins: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    note: str = ""

    @property
    def in_theta(self) -> bool:
        """Whether the array is part of the flat parameter vector."""
        return (
            self.role is Role.WEIGHT
            and self.trainable is not Trainable.NO
            and self.array.dtype.kind in "fc"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """One complete set of a model's weights and state, in order.

    Parameters
    ----------
    name : str
        ``model`` where there is only one.
    leaves : tuple of Leaf
        In the order that `order` qualifies; roles ``weight`` and ``state``.
    order : Order
    order_note : str
        What states the order, in words: ``"`params` list"``.
    iteration : int, optional
    complete : bool
        False if the legacy file was cut off while writing it.
    legacy_hash : str, optional
        A hash that the legacy file carries, kept as provenance.
    """

    name: str
    leaves: tuple[Leaf, ...]
    order: Order
    order_note: str = ""
    iteration: int | None = None
    complete: bool = True
    legacy_hash: str | None = None

    def layout(self) -> Iterator[tuple[Leaf, int]]:
        """Yield each leaf with its start in the flat vector of its dtype, or -1.

        A snapshot has one flat vector a dtype (byte order apart); nearly all have one dtype.
        """
        ends: dict[str, int] = {}
        for leaf in self.leaves:
            if leaf.in_theta:
                kind = leaf.array.dtype.newbyteorder("<").str
                start = ends.get(kind, 0)
                ends[kind] = start + leaf.array.size
                yield leaf, start
            else:
                yield leaf, -1


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A log: named columns of equal length, in order.

    Parameters
    ----------
    path : str
        ``/log`` or ``/logs/NAME``.
    columns : mapping of str to Array
        One-dimensional (or one row an entry), all of the same length.
    """

    path: str
    columns: Mapping[str, Array]

    @property
    def length(self) -> int:
        """Number of rows."""
        return next((column.shape[0] for column in self.columns.values()), 0)


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """Something of the legacy file that is no array, kept inert.

    Parameters
    ----------
    id : int
    path : str
        Where the legacy file has it.
    cls : str
        The class or callable that the file names, such as ``__main__.LogisticRegression``.
    content : mapping of str to JSON
        ``args``, ``state``, ``items``, ``pairs`` … as JSON; ``{"$array": path}`` points to an
        array of the tree, ``{"$ref": id}`` to another record.
    """

    id: int
    path: str
    cls: str
    content: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a pickle asks for, outside of known data types; it is not made.

    Parameters
    ----------
    name : str
        What is called, as far as it shows: ``os.system``.
    offset : int
        Of the first opcode that calls it, in bytes of the stream.
    opcode : str
        That opcode: ``REDUCE``.
    exploit : bool
        Whether only an attack makes this call.
    member : str
        The archive's member that holds the pickle; nothing outside of archives.
    """

    name: str
    offset: int
    opcode: str
    exploit: bool
    member: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The legacy file.

    Parameters
    ----------
    name : str
        File name without directories.
    size : int
        In bytes.
    kind : str
        Containers and format, the outermost first: ``gzip > pickle 2``.
    sha256 : callable
        Computes the SHA-256 of the file's bytes, hexadecimal, when it is asked for.
    writer : str
        What is known of the program that wrote it: ``Python 2``.
    """

    name: str
    size: int
    kind: str
    sha256: Callable[[], str]
    writer: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """All that a file holds.

    Parameters
    ----------
    source : Source
    family : str
        The framework whose conventions name the weights: ``Theano``, ``plain arrays``, ``GAIL`` …
    evidence : str
        How it was recognised: ``class __main__.LogisticRegression``.
    snapshots : tuple of Snapshot
        Sets of weights; empty if the file has none.
    default_snapshot : str, optional
        The name of the one that a user means who names none.
    other : tuple of Leaf
        Every array that is in no snapshot.
    tables : tuple of Table
    records : callable
        Yields the inert records, made when they are asked for.
    classes : tuple of str
        Every class and callable that the file names, sorted.
    metadata : mapping of str to JSON
        What the file says of itself, such as GAIL's ``args``.
    history : tuple of mapping
        Named transformations that were applied, the oldest first.
    warnings : tuple of str
        What a user should know: repairs, losses, ambiguities.
    partial : bool
        True if the legacy file is known to be incomplete.
    calls : tuple of Call
        Calls outside of known data types, exploits first; what is told of them stands in the
        warnings, too.
    """

    source: Source
    family: str
    snapshots: tuple[Snapshot, ...] = ()
    default_snapshot: str | None = None
    other: tuple[Leaf, ...] = ()
    tables: tuple[Table, ...] = ()
    records: Callable[[], Iterable[Record]] = tuple
    classes: tuple[str, ...] = ()
    evidence: str = ""
    metadata: Mapping[str, JSON] = field(default_factory=dict)
    history: tuple[Mapping[str, JSON], ...] = ()
    warnings: tuple[str, ...] = ()
    partial: bool = False
    calls: tuple[Call, ...] = ()

    def leaves(self) -> Iterator[Leaf]:
        """Yield every array: snapshots in order, then the others."""
        for snapshot in self.snapshots:
            yield from snapshot.leaves
        yield from self.other
