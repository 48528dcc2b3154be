"""What one stream of a file may refer to: other members of its archive, files beside it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from legacy_weights.containers import Part, Siblings, check_plain, unwrap
from legacy_weights.errors import LegacyWeightsError, UnreadableError, in_file
from legacy_weights.families.labels import text_of
from legacy_weights.families.values import resolve
from legacy_weights.limits import DEFAULTS, Limits
from legacy_weights.pickles import Machine
from legacy_weights.pickles.machine import Purse
from legacy_weights.pickles.objects import ObjectArray
from legacy_weights.readers import npy, pickle
from legacy_weights.readers.content import Content

Name = str | bytes


class Members:
    """The streams of one file, and the files beside it.

    Arrays among them are read when something refers to them, and once: whoever refers to one gets
    the same object.

    Parameters
    ----------
    parts : sequence of Part
        The streams of the file.
    siblings : Siblings, optional
        The files beside it.
    limits : Limits, optional

    Attributes
    ----------
    contents : dict of int to Content
        What was read so far, by the position of the stream.
    referenced : set of int
        The positions of the streams to whose array another one refers.
    values : set of int
        Those of streams that are nothing but the bytes of an array that stands elsewhere.
    machine : callable
        Makes a machine with the file's limits; all of them have one purse.
    """

    def __init__(
        self, parts: Sequence[Part], siblings: Siblings | None = None, limits: Limits = DEFAULTS
    ) -> None:
        self.parts = parts
        self.siblings = siblings
        self.limits = limits
        self.machine: Callable[..., Machine] = functools.partial(
            Machine, limits=limits, purse=Purse(limits.free)
        )
        # Of members with one name the last counts, as in Python's zipfile and tarfile.
        self._by_label = {part.label: i for i, part in enumerate(parts) if part.label is not None}
        self.contents: dict[int, Content] = {}
        self.referenced: set[int] = set()
        self.values: set[int] = set()
        self._unfit: set[int] = set()
        self._beside: dict[Name, _Side] = {}

    def array(self, part: Part, name: str) -> Any:
        """Return the array that a member holds, by its name beside that of another.

        Parameters
        ----------
        part : Part
            The stream that refers to it.
        name : str

        Returns
        -------
        object
            The array as the inert machine has it; None if there is no such member, or if it
            holds something else.
        """
        index = self._index(part, name)
        if index is None or index in self._unfit:
            return None
        try:
            content = self.contents.get(index) or _content(self.parts[index], self.machine)
        except LegacyWeightsError:  # to be raised when the member itself is read
            content = None
        if content is None or not _is_array(content):
            self._unfit.add(index)
            return None
        self.contents[index] = content
        self.referenced.add(index)
        return content.values[-1]

    def _index(self, part: Part, name: str) -> int | None:
        if part.label is None:
            return None
        folder = part.label[: part.label.rfind("/") + 1]
        return self._by_label.get(folder + name)

    def side_array(self, part: Part, name: Name) -> tuple[Content, bool]:
        """Read an ``.npy`` file that stands beside a stream.

        Returns
        -------
        content : Content
            Its last value is the array.
        own : bool
            Whether the file is itself a stream of this one.

        Raises
        ------
        LegacyWeightsError
            If there is no such file, or if it is something else.
        """
        check_plain(name)
        if part.label is not None:
            index = self._index(part, text_of(name))
            if index is None or self.array(part, text_of(name)) is None:
                raise UnreadableError("there is no such .npy file in the archive")
            return self.contents[index], True
        side = self._sibling(name)
        with in_file(side.path):
            if side.content is None:
                side.content = _content(side.part, self.machine)
            if not _is_array(side.content):
                raise UnreadableError("it is no .npy file")
        return side.content, False

    def side_values(self, part: Part, name: Name) -> memoryview:
        """Return the values that a ``ZF`` file beside a stream holds.

        Raises
        ------
        LegacyWeightsError
            If there is no such file, or if it is something else.
        """
        check_plain(name)
        if part.label is None:
            side = self._sibling(name).part
        else:
            index = self._index(part, text_of(name))
            if index is None:
                raise UnreadableError("there is no such file in the archive")
            self.values.add(index)
            side = self.parts[index]
        if not may_be_values(side):
            raise UnreadableError("it is no ZF file of joblib")
        return side.buffer.view

    def _sibling(self, name: Name) -> _Side:
        if name not in self._beside:
            if self.siblings is None:
                raise UnreadableError("the files beside this one are not known")
            path = self.siblings.path(name)
            with in_file(path):
                parts = unwrap(self.siblings.open(name), limits=self.limits)
            if len(parts) != 1:
                raise UnreadableError("it is an archive")
            self._beside[name] = _Side(path, parts[0])
        return self._beside[name]


def may_be_values(part: Part) -> bool:
    """Whether a stream can be the bare bytes of an array, whose type a pickle beside knows."""
    return part.chain[-1:] == ("joblib-ZF",)


@dataclass(slots=True)
class _Side:
    """A file beside the one that is read."""

    path: Path
    part: Part
    content: Content | None = None


def _content(part: Part, machine: Callable[..., Machine]) -> Content:
    """Read a stream that refers to no other."""
    if npy.sniff(bytes(part.buffer.view[:16])):
        return npy.read(part.buffer.view, machine)
    return pickle.read(part.buffer.data, machine=machine)


def _is_array(content: Content) -> bool:
    """Whether a stream is an array, or a name and an array.

    The latter is how ``theano.misc.pkl_utils`` (``PersistentGpuArrayID``) writes an array of a
    GPU: a pickle of the name of its context, then the array.
    """
    *before, array = content.values
    if not isinstance(resolve(array), np.ndarray | ObjectArray):
        return False
    return not before or (len(before) == 1 and isinstance(before[0], str | bytes | None))
