"""What became of an assignment: what matched, what is missing, what was unexpected."""

from __future__ import annotations

from dataclasses import dataclass

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """A variable and the array that it gets.

    Parameters
    ----------
    variable, source : str
        Their names.
    shape, source_shape : tuple of int
    dtype, source_dtype : str
    fits : bool
        Whether the array can be assigned: same shape, and a dtype that the variable holds exactly
        (or any that can be cast, where a cast was asked for).
    """

    variable: str
    source: str
    shape: Shape
    source_shape: Shape
    dtype: str
    source_dtype: str
    fits: bool

    def __str__(self) -> str:
        return (
            f"{self.variable} {self.shape} {self.dtype} <- "
            f"{self.source} {self.source_shape} {self.source_dtype}"
        )


@dataclass(frozen=True, slots=True)
class Report:
    """How variables and a source fit together.

    Parameters
    ----------
    matched : tuple of Match
        In the order of the variables; all of them fit if the assignment was done.
    missing : tuple of (str, tuple of int)
        Name and shape of the variables that the source has nothing for; they keep their values.
    unexpected : tuple of (str, tuple of int)
        Name and shape of the arrays that no variable took.
    """

    matched: tuple[Match, ...]
    missing: tuple[tuple[str, Shape], ...]
    unexpected: tuple[tuple[str, Shape], ...]

    @property
    def misfits(self) -> tuple[Match, ...]:
        """The matches whose shape or dtype does not fit."""
        return tuple(match for match in self.matched if not match.fits)

    @property
    def complete(self) -> bool:
        """Whether nothing is missing, nothing was unexpected, and everything fits."""
        return not (self.missing or self.unexpected or self.misfits)

    def __str__(self) -> str:
        parts = [f"{len(self.matched) - len(self.misfits)} matched"]
        for title, pairs in (("missing", self.missing), ("unexpected", self.unexpected)):
            if pairs:
                parts.append(f"{title}: " + ", ".join(f"{name} {shape}" for name, shape in pairs))
        if self.misfits:
            parts.append("do not fit: " + ", ".join(map(str, self.misfits)))
        return "; ".join(parts)
