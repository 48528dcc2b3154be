"""joblib's stand-ins for arrays, in the streams of every version.

``joblib.dump`` pickles an object of its own in the place of an array, and writes the values
elsewhere (``joblib/numpy_pickle.py``; scikit-learn has a copy as ``sklearn.externals.joblib``):

- ``NDArrayWrapper`` (before 0.10): an ``.npy`` file beside the pickle;
- ``ZNDArrayWrapper`` (before 0.10, compressed): a ``ZF`` file beside the pickle, with the bare
  values; the rest of the array's state is in the stand-in;
- ``NumpyArrayWrapper`` (0.10 and later): the values follow in the stream after the BUILD opcode.
  Arrays of objects follow as a pickle; since 1.2 other values are aligned, by a byte that states
  the length of the padding, and the padding.
"""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np

from legacy_weights.containers import Part, show
from legacy_weights.errors import DamagedError, LegacyWeightsError
from legacy_weights.families.labels import text_of
from legacy_weights.families.values import attributes
from legacy_weights.pickles import Machine, dtypes, known, numpy_values
from legacy_weights.pickles.numpy_values import value_of
from legacy_weights.pickles.objects import ABSENT, Global, Instance, ObjectArray
from legacy_weights.readers.members import Members, Name
from legacy_weights.tree import Call

_MODULE = re.compile(r"(?:\w+\.)*joblib\.numpy_pickle(?:_compat)?")
_RECONSTRUCT = Global("numpy.core.multiarray", "_reconstruct")
_PLAIN = ("ndarray", "memmap")
_NOTES = 20
_STATE = 10
"""Parts of the state of an array; NumPy writes four."""


class Wrappers:
    """Puts arrays in the places of joblib's stand-ins for them.

    Parameters
    ----------
    members : Members
    part : Part
        The stream that is read.

    Attributes
    ----------
    inline : int
        Number of arrays whose values are inside the stream.
    missing : dict
        Why a file beside the stream gave no array, by its name.
    classes : list of Global
        What such files name.
    calls : list of Call
        What such files would call outside of known data types.
    notes : list of str
        What a user should know of such files.
    """

    def __init__(self, members: Members, part: Part) -> None:
        self.members = members
        self.part = part
        self.inline = 0
        self.missing: dict[Name, str] = {}
        self.classes: list[Global] = []
        self.calls: list[Call] = []
        self.notes: list[str] = []
        self._made: dict[Name, Any] = {}

    def __call__(self, machine: Machine, instance: Instance, position: int) -> int:
        """Replace the topmost object of a machine's stack, if it is a stand-in.

        Parameters
        ----------
        machine : Machine
        instance : Instance
            The topmost object, its state complete.
        position : int
            Offset behind its last opcode.

        Returns
        -------
        int
            Offset of the next opcode.

        Raises
        ------
        DamagedError
            The stand-in of values in the stream is malformed, or they are not all there; or a file
            beside it is damaged.
        """
        cls = instance.cls
        if not isinstance(cls, Global) or not _MODULE.fullmatch(cls.module):
            return position
        if cls.name == "NumpyArrayWrapper":
            self.inline += 1
            return _in_stream(machine, instance, position)
        if cls.name in ("NDArrayWrapper", "ZNDArrayWrapper"):
            name = attributes(instance).get("filename")
            if isinstance(name, str | bytes):
                self._from_file(machine, instance, name, packed=cls.name.startswith("Z"))
        return position

    def _from_file(self, machine: Machine, wrapper: Instance, name: Name, *, packed: bool) -> None:
        if name not in self._made and name not in self.missing:
            try:
                made = (self._packed if packed else self._npy)(machine, wrapper, name)
                self._made[name] = made
            except DamagedError:
                raise
            except LegacyWeightsError as error:
                self.missing[name] = error.found
        if name in self._made:
            machine.stack[-1] = self._made[name]

    def _npy(self, machine: Machine, wrapper: Instance, name: Name) -> Any:
        content, own = self.members.side_array(self.part, name)
        if not own:
            self.classes += content.classes
            self.calls += content.calls
            self.notes += [f"{show(text_of(name))}: {note}" for note in content.notes]
        content.values[-1] = _with_class(wrapper, content.values[-1])
        return content.values[-1]

    def _packed(self, machine: Machine, wrapper: Instance, name: Name) -> Any:
        """Complete the state of an array, as ``ndarray.__reduce__`` gave it, by its values."""
        values = self.members.side_values(self.part, name)
        given = attributes(wrapper)
        args, state = given.get("init_args"), given.get("state")
        if type(args) is not tuple or type(state) is not tuple or len(state) > _STATE:
            machine.fail("joblib's ZNDArrayWrapper without the state of an array")
        _become(wrapper, args)
        wrapper.state = (*state, values)
        known.complete(machine, wrapper)
        if not isinstance(wrapper.value, np.ndarray):
            machine.fail("joblib's ZNDArrayWrapper with the state of no array")
        return wrapper

    @property
    def kind(self) -> str:
        """What to say of the stream's kind: nothing if joblib left nothing in it."""
        return "joblib > " if self.inline or self._made or self.missing else ""

    def remarks(self) -> list[str]:
        """Return what a user should know."""
        found = [
            f"the array file {show(text_of(name))} cannot be used ({reason}); its array is missing"
            for name, reason in itertools.islice(self.missing.items(), _NOTES)
        ]
        if len(self.missing) > _NOTES:
            found.append(f"{len(self.missing) - _NOTES:,} more array files cannot be used")
        return [*self.notes[:_NOTES], *found]


def _in_stream(machine: Machine, wrapper: Instance, position: int) -> int:
    """Put the array that follows in the stream on the stack; return the offset behind it."""
    given = attributes(wrapper)
    shape, order, dtype = given.get("shape"), given.get("order"), value_of(given.get("dtype"))
    if not isinstance(dtype, np.dtype) or order not in ("C", b"C", "F", b"F"):
        machine.fail("joblib's NumpyArrayWrapper without a type and an order")
    if dtype.hasobject:
        value, end = machine.inner(position)
        if not isinstance(value_of(value), ObjectArray):
            machine.fail("joblib's array of objects is followed by something else")
        machine.stack[-1] = value
        return end
    if type(given.get("numpy_array_alignment_bytes")) is int:
        position += 1 + machine.data[position]
    try:
        length = numpy_values.count(shape) * dtype.itemsize
        left = max(machine.end - position, 0)
        if length > left:
            machine.truncated(f"{length:,} bytes of an array are announced, and {left:,} are left")
        values = machine.view[position : position + length]
        array = numpy_values.view(shape, dtype, values, order in ("F", b"F"))
    except dtypes.DTypeError as error:
        machine.fail(f"joblib's array of {error}")
    machine.stack[-1] = _with_class(wrapper, array)
    return position + length


def _with_class(wrapper: Instance, array: Any) -> Any:
    """Return the array, or for a subclass (a matrix) the stand-in, which then stands for it."""
    cls = attributes(wrapper).get("subclass")
    if not isinstance(array, np.ndarray) or not isinstance(cls, Global) or cls.name in _PLAIN:
        return array
    _become(wrapper, (cls, (0,), b"b"))
    wrapper.value = array
    return wrapper


def _become(wrapper: Instance, args: tuple[Any, ...]) -> None:
    """Make a stand-in the record that a pickle has of an array."""
    wrapper.cls, wrapper.args, wrapper.kwargs = _RECONSTRUCT, args, None
    wrapper.state, wrapper.earlier = ABSENT, None
