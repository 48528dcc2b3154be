"""How much a wrapped file may unpack to, whatever it declares."""

from __future__ import annotations

from dataclasses import dataclass

from legacy_weights.containers._buffer import MEMORY
from legacy_weights.errors import LimitError


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what unwrapping one file may cost; all are counted while unpacking.

    Parameters
    ----------
    total : int
        Bytes unpacked in all, on every level of nesting together.  Members that are stored
        uncompressed are views of the file and do not count.
    ratio : int
        Bytes unpacked in all, as a multiple of the file's size.
    free : int
        Bytes that may be unpacked whatever the ratio.
    members : int
        Members of all archives of the file together; a compressed stream is one, too.
    depth : int
        Wrappers inside one another.
    dictionary : int
        Bytes of memory that an LZMA decoder may ask for.
    memory : int
        Bytes of one unpacked stream, or of all members of one archive, that are held in memory;
        more goes to a temporary file without a name.
    """

    total: int = 16 << 30
    ratio: int = 200
    free: int = 256 << 20
    members: int = 100_000
    depth: int = 8
    dictionary: int = 256 << 20
    memory: int = MEMORY


class Budget:
    """What is left of the limits while one file is unwrapped.

    Parameters
    ----------
    limits : Limits
    size : int
        Bytes of the file.
    """

    def __init__(self, limits: Limits, size: int) -> None:
        self.limits = limits
        self._size = size
        self._allowed = min(limits.total, max(limits.free, limits.ratio * size))
        self._unpacked = 0
        self._members = 0

    def spend(self, count: int, place: str) -> None:
        """Count unpacked bytes.

        Raises
        ------
        LimitError
            They are too many.
        """
        self._unpacked += count
        if self._unpacked > self._allowed:
            raise LimitError(
                f"it unpacks to more than {self._allowed:,} bytes",
                where=place,
                expected=f"no more than that of a file of {self._size:,} bytes",
                advice="It may be a decompression bomb; if you trust it, raise the limits `total` "
                f"({self.limits.total:,} bytes), `ratio` ({self.limits.ratio:,} to 1) and `free` "
                f"({self.limits.free:,} bytes)",
            )

    def member(self, place: str) -> None:
        """Count a member of an archive, or a compressed stream.

        Raises
        ------
        LimitError
            There are too many.
        """
        self._members += 1
        if self._members > self.limits.members:
            raise LimitError(
                f"it has more than {self.limits.members:,} members or streams",
                where=place,
                advice="If you trust it, raise the limit `members`",
            )

    def nest(self, chain: tuple[str, ...], place: str) -> None:
        """Check that one more wrapper may be opened inside those of `chain`.

        Raises
        ------
        LimitError
            There are too many.
        """
        if len(chain) >= self.limits.depth:
            raise LimitError(
                f"it is wrapped more than {self.limits.depth} times: {' > '.join(chain)} > …",
                where=place or None,
                advice="If you trust it, raise the limit `depth`",
            )
