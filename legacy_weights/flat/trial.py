"""Trying a theta out, and going back."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Protocol

from legacy_weights.errors import UsageError


class _Tried(Protocol):
    def set(self, theta: Any, *, cast: bool = False) -> None: ...

    def _save(self) -> Any: ...

    def _restore(self, saved: Any) -> None: ...


class Trial:
    """A block on whose way out the variables get their values back, unless they are kept.

    Made by :meth:`FlatVector.trial`.  The values are those at the beginning of the block, whatever
    changed them since: :meth:`set`, a compiled function, ``set_value``.  They come back after an
    exception too.  Trials can be nested; one can be entered several times, but not within itself.
    """

    def __init__(self, flat: _Tried) -> None:
        self._flat = flat
        self._saved: Any = None
        self._open = False
        self._keep = False

    def __enter__(self) -> Trial:
        if self._open:
            raise UsageError("this trial is open already", advice="Make another: flat.trial().")
        self._saved = self._flat._save()
        self._open = True
        self._keep = False
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        saved, self._saved = self._saved, None
        self._open = False
        if not self._keep:
            self._flat._restore(saved)

    def set(self, theta: Any, *, cast: bool = False) -> None:
        """Give the variables the values of `theta`, as :meth:`FlatVector.set` does."""
        self._require_open()
        self._flat.set(theta, cast=cast)

    def keep(self) -> None:
        """Let the values that the variables have at the end of the block stand."""
        self._require_open()
        self._keep = True

    def _require_open(self) -> None:
        if not self._open:
            raise UsageError("the trial is over", expected="to be inside its with block")
