"""What the pickle of one stream refers to outside of itself, and what it stands for.

Persistent ids of two programs are known (the texts are theirs):

- ``theano.misc.pkl_utils.dump`` (``PersistentNdarrayID`` and its heirs): ``ndarray.NAME``,
  ``cuda_ndarray.NAME`` or ``gpuarray.NAME`` for the member NAME of the same zip archive;
- ``blocks.serialization.dump`` (``_mangle_parameter_name``): ``#1TYPE.CONTEXT.NAME``, before that
  ``#TYPE.NAME``, for the array NAME of the member ``_parameters``, an ``.npz`` file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from legacy_weights.containers import Part
from legacy_weights.families.labels import key_repr, text_of
from legacy_weights.pickles.objects import PersistentId
from legacy_weights.readers.joblib import Wrappers
from legacy_weights.readers.members import Members

_LONGEST = 65_535
"""The name of a member has no more bytes (``APPNOTE.TXT`` of PKWARE, section 4.4.10)."""
_TYPES = ("ndarray", "gpuarray", "cuda_ndarray")
_NOTES = 20


class References:
    """What one stream refers to.

    Parameters
    ----------
    members : Members
    part : Part
        The stream.

    Attributes
    ----------
    wrappers : Wrappers
        joblib's stand-ins for arrays.
    unresolved : dict
        Persistent ids for which nothing was found: their text, and an example's place.
    """

    def __init__(self, members: Members, part: Part) -> None:
        self.members = members
        self.part = part
        self.wrappers = Wrappers(members, part)
        self.unresolved: dict[str, int] = {}
        self._more = 0

    def persistent_load(self, pid: Any, offset: int) -> Any:
        """Return the array that a persistent id means, else a record of the id."""
        for name in _member_names(pid):
            found = self.members.array(self.part, name)
            if found is not None:
                return found
        if len(self.unresolved) < _NOTES:
            self.unresolved.setdefault(key_repr(pid), offset)
        else:
            self._more += 1
        return PersistentId(pid, offset)

    def remarks(self) -> list[str]:
        """Return what a user should know."""
        found = [
            f"persistent id {text} (byte {offset:,}) names nothing that is here; it is kept as a "
            "record"
            for text, offset in self.unresolved.items()
        ]
        if self._more:
            found.append(f"{self._more:,} more references by persistent ids name nothing here")
        return [*self.wrappers.remarks(), *found]


def _member_names(pid: Any) -> Iterator[str]:
    """Yield the names that the member which a persistent id means can have."""
    if type(pid) is tuple and len(pid) == 2 and all(map(_may_name, pid)):
        kind, name = map(text_of, pid)
    elif _may_name(pid):
        kind, _, name = text_of(pid).partition(".")
    else:
        return
    if kind in _TYPES:
        yield from (name, f"{name}.npy")
    elif kind.startswith("#"):
        if kind.startswith("#1"):
            name = name.partition(".")[2]
        yield f"_parameters!/{name}.npy"


def _may_name(text: Any) -> bool:
    return isinstance(text, str | bytes) and len(text) <= _LONGEST
