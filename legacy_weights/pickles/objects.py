"""What the inert machine makes of the things a pickle names: records, and nothing else.

None of these classes has behaviour.  A :class:`Global` is two texts, an :class:`Instance` keeps
what the pickle would have passed to a callable and to ``__setstate__``.
"""

from __future__ import annotations

from typing import Any, Final


class _Absent:
    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
"""Stands where a pickle gave no state, which is not the same as the state ``None``."""

_CHAIN = 8
"""So many calls of the result of a call are followed to a name; no program wrote more."""
_SHOWN = 80


class Global:
    """The name of a class or function: what GLOBAL, INST and STACK_GLOBAL name.

    Parameters
    ----------
    module, name : str
        As in the file, decoded as UTF-8, else as Latin-1.
    offset : int
        Of the first opcode that named it.

    Attributes
    ----------
    trust : int or None
        What is known of it as a callable, once it is asked for; see
        :mod:`legacy_weights.pickles.suspects`.
    """

    __slots__ = ("module", "name", "offset", "trust")

    def __init__(self, module: str, name: str, offset: int = -1) -> None:
        self.module = module
        self.name = name
        self.offset = offset
        self.trust: int | None = None

    @property
    def dotted(self) -> str:
        """``module.name``."""
        return f"{self.module}.{self.name}"

    def __repr__(self) -> str:
        return f"<global {self.dotted[:_SHOWN]!r}>"


class Instance:
    """What a callable of the file would have returned: REDUCE, NEWOBJ, NEWOBJ_EX, INST and OBJ.

    Parameters
    ----------
    cls : Global or Instance
        The class or callable.
    args : tuple
        Its positional arguments.
    offset : int
        Of the opcode that made it.

    Attributes
    ----------
    kwargs : dict or None
        Keyword arguments, from NEWOBJ_EX.
    base : object
        For a subclass of a built-in type (protocols 0 and 1), the value of that type; else
        :data:`ABSENT`.
    state : object
        The argument of BUILD, or :data:`ABSENT`.
    earlier : list or None
        Arguments of earlier BUILDs on the same object; no pickler writes two.
    items : list or None
        What APPEND, APPENDS and ADDITEMS added.
    pairs : list of tuple or None
        The (key, value) pairs that SETITEM and SETITEMS added.
    value : object
        The plain value (an array, a number) that this record is known to stand for, or
        :data:`ABSENT`.
    """

    __slots__ = (
        "args",
        "base",
        "cls",
        "earlier",
        "items",
        "kwargs",
        "offset",
        "pairs",
        "state",
        "value",
    )

    def __init__(self, cls: Global | Instance, args: tuple[Any, ...], offset: int) -> None:
        self.cls = cls
        self.args = args
        self.offset = offset
        self.kwargs: dict[Any, Any] | None = None
        self.base: Any = ABSENT
        self.state: Any = ABSENT
        self.earlier: list[Any] | None = None
        self.items: list[Any] | None = None
        self.pairs: list[tuple[Any, Any]] | None = None
        self.value: Any = ABSENT

    @property
    def cls_name(self) -> str:
        """The dotted name of the class; that of the innermost callable where calls are chained."""
        cls: Any = self.cls
        for _ in range(_CHAIN):
            if not isinstance(cls, Instance):
                break
            cls = cls.cls
        return cls.dotted if isinstance(cls, Global) else type(cls).__name__

    def __repr__(self) -> str:
        return f"<instance of {self.cls_name[:_SHOWN]!r}>"


class PersistentId:
    """A reference to something outside the pickle, by PERSID or BINPERSID."""

    __slots__ = ("offset", "pid")

    def __init__(self, pid: Any, offset: int) -> None:
        self.pid = pid
        self.offset = offset

    def __repr__(self) -> str:
        return f"<persistent id of byte {self.offset:,}>"


class ObjectArray:
    """An array of dtype object: its elements are in a list.

    Parameters
    ----------
    shape : tuple of int
    items : list
        In C order, whatever their order in memory was (``_getlist_pkl`` in NumPy's
        ``methods.c``).
    fortran : bool
        Whether they were in Fortran order in memory.
    dtype : str
        ``|O``, or the description of a structured dtype with object fields.
    """

    __slots__ = ("dtype", "fortran", "items", "shape")

    def __init__(
        self, shape: tuple[int, ...], items: list[Any], fortran: bool, dtype: str = "O"
    ) -> None:
        self.shape = shape
        self.items = items
        self.fortran = fortran
        self.dtype = dtype


class MaskedArray:
    """A masked array: data, mask and fill value."""

    __slots__ = ("data", "fill_value", "mask")

    def __init__(self, data: Any, mask: Any, fill_value: Any) -> None:
        self.data = data
        self.mask = mask
        self.fill_value = fill_value
