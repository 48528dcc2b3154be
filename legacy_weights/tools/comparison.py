"""What a comparison of two files found."""

from __future__ import annotations

from dataclasses import dataclass, field

from legacy_weights.errors import LegacyWeightsError
from legacy_weights.hierarchy.storage import dtype_text
from legacy_weights.streams import of_file
from legacy_weights.terminal import shape
from legacy_weights.tools.compare import Values, comparable, compare
from legacy_weights.tree import Array


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same.

    Parameters
    ----------
    kind : str
        ``missing``, ``added``, ``dtype``, ``shape``, ``values``, ``role``, ``order``,
        ``snapshot``, ``log``, ``metadata``, ``records``, ``classes`` or ``readable``.
    path : str
        In the first file; of what is ``added``, in the second.
    message : str
    values : Values, optional
        How values differ.
    """

    kind: str
    path: str
    message: str
    values: Values | None = None


@dataclass(frozen=True, slots=True)
class Renamed:
    """Arrays of the same values that stand at other places; a hint.

    Parameters
    ----------
    first, second : tuple of str
        Paths of either file.
    sha256 : str
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    sha256: str


@dataclass(slots=True)
class Comparison:
    """What :func:`diff` found.

    Parameters
    ----------
    differences : list of Difference
    renamed : list of Renamed
    compared : int
        How many pairs of arrays were compared.
    skipped : list of str
        What was not compared.
    notes : list of str
        What differs and is no difference: how the files were understood.
    files : (str, str)
        How errors call them.
    tolerant : bool
        Whether an array that cannot be read is a difference (``readable``), and no error.
    """

    differences: list[Difference] = field(default_factory=list)
    renamed: list[Renamed] = field(default_factory=list)
    compared: int = 0
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    files: tuple[str, str] = ("", "")
    tolerant: bool = False

    @property
    def equal(self) -> bool:
        """Whether nothing that was compared differs."""
        return not self.differences

    def add(self, kind: str, path: str, message: str, values: Values | None = None) -> None:
        """Put down a difference."""
        self.differences.append(Difference(kind, path, message, values))

    def values(self, path: str, first: Array, second: Array) -> None:
        """Compare two arrays, and put down how they differ."""
        if first.dtype != second.dtype:
            kinds = f"dtype {dtype_text(first.dtype)} and {dtype_text(second.dtype)}"
            self.add("dtype", path, kinds)
        if first.shape != second.shape:
            self.add("shape", path, f"shape {shape(first.shape)} and {shape(second.shape)}")
        elif comparable(first, second):
            try:
                values = compare(of_file(first, self.files[0]), of_file(second, self.files[1]))
            except LegacyWeightsError as error:
                if not self.tolerant:
                    raise
                self.add("readable", path, str(error))
                return
            if values is not None:
                self.add("values", path, told(values), values)


def told(values: Values) -> str:
    """Return in words how values differ."""
    text = f"{values.count:,} of {values.size:,} differ"
    if values.nans:
        text += f", {values.nans:,} by NaN"
    if values.largest is not None:
        text += f", by {values.largest:.3g} at most"
        if values.relative is not None:
            text += f" (relative {values.relative:.2g})"
    return f"{text}, at {list(values.at)}" if values.at else text
