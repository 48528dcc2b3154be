"""How much a wrapped file may unpack to, whatever it declares."""

from __future__ import annotations

from legacy_weights.errors import LimitError
from legacy_weights.limits import Limits


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
        self._allowed = min(limits.unpacked, max(limits.unpacked_free, limits.ratio * size))
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
                advice="It may be a decompression bomb; if you trust it, raise the limits "
                f"`unpacked` ({self.limits.unpacked:,} bytes), `ratio` ({self.limits.ratio:,} to "
                f"1) and `unpacked_free` ({self.limits.unpacked_free:,} bytes)",
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
