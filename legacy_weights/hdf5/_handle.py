"""An HDF5 file that the library has open, and the errors that it makes of the library's."""

from __future__ import annotations

import io
import os
import stat
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import h5py
from h5py import h5g, h5l, h5o

from legacy_weights.errors import (
    DamagedError,
    LegacyWeightsError,
    RefusedError,
    UnreadableError,
    UsageError,
)
from legacy_weights.hdf5._objects import encoded
from legacy_weights.limits import DEFAULTS, Limits

_OPEN_GROUPS = 1000
_PATIENCE = 1.0  # seconds that a locked file is waited for
_PAUSE = 0.02


class Handle:
    """An open file: finds objects by path, through hard links only.

    :class:`legacy_weights.hdf5.File` says what the parameters are.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        limits: Limits = DEFAULTS,
    ) -> None:
        self.path = os.fspath(path)
        self._unbacked = limits.unbacked
        self._longest_attribute = limits.attribute
        self._groups: dict[str, Any] = {}
        descriptor, self._h5 = self._open()
        # Lazy arrays can keep the file open for as long as they live, so it closes with them.
        self._bytes = io.FileIO(descriptor, closefd=False)
        self._close_bytes = weakref.finalize(self, os.close, descriptor)

    def _open(self) -> tuple[int, h5py.File | None]:
        """Open the file twice, for its bytes and by the library; wait a moment for a writer."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            descriptor = self._open_bytes()
            try:
                h5 = h5py.File(self.path, "r")
                if _is_one_file(descriptor, h5):
                    return descriptor, h5
                h5.close()  # a writer gave the name to its next file in between
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    os.close(descriptor)
                    advice = "Another program has it open for writing; try again when it is done"
                    raise UnreadableError("it is locked", advice=advice, file=self.path) from error
            except Exception as error:
                os.close(descriptor)
                if "signature not found" in str(error):
                    raise UnreadableError("it is no HDF5 file", file=self.path) from error
                raise DamagedError(_first_line(error), file=self.path) from error
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
            time.sleep(_PAUSE)

    def _open_bytes(self) -> int:
        try:
            # Before it is opened, for opening a pipe waits for a writer.
            if not stat.S_ISREG(os.stat(self.path).st_mode):
                raise UnreadableError("it is no regular file", file=self.path)
            return os.open(self.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise UnreadableError(error.strerror or str(error), file=self.path) from error

    def close(self) -> None:
        """Close the file; its lazy arrays cannot be read any more."""
        self._groups.clear()
        self._bytes.close()
        self._close_bytes()
        if self._h5 is not None:
            h5, self._h5 = self._h5, None
            with self._guard("/"):
                h5.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _root(self) -> Any:
        if self._h5 is None:
            raise UsageError("the file is closed", file=self.path)
        return h5o.open(self._h5.id, b"/")

    def _locate(self, path: str) -> tuple[Any, bytes]:
        """Return the group that holds `path`, None if there is none, and the name in it."""
        head, _, name = path.rpartition("/")
        if head not in self._groups or self._h5 is None:
            group = self._root()
            for part in encoded(head).split(b"/")[1:]:
                links = group.links
                if not links.exists(part) or links.get_info(part).type != h5l.TYPE_HARD:
                    return None, b""
                group = h5o.open(group, part)
                if not isinstance(group, h5g.GroupID):
                    return None, b""
            if len(self._groups) >= _OPEN_GROUPS:
                self._groups.clear()
            self._groups[head] = group
        return self._groups[head], encoded(name)

    def _object(self, path: str) -> Any:
        if path == "/":
            return self._root()
        parent, name = self._locate(path)
        if parent is None or not parent.links.exists(name):
            raise DamagedError("nothing stands there", where=path)
        if parent.links.get_info(name).type != h5l.TYPE_HARD:
            raise RefusedError("it is a link, and links are not followed", where=path)
        return h5o.open(parent, name)

    @contextmanager
    def _guard(self, path: str) -> Iterator[None]:
        """Turn whatever the HDF5 library raises into an error that names file and path."""
        try:
            yield
        except LegacyWeightsError as error:
            error.file = error.file or self.path
            raise
        # Altered files make h5py raise almost anything, TypeError and SystemError included.
        except Exception as error:
            raise DamagedError(_first_line(error), where=path, file=self.path) from error


def _is_one_file(descriptor: int, h5: h5py.File) -> bool:
    if os.name != "posix":
        return True  # there, a file that is open is not replaced
    return os.path.samestat(os.fstat(descriptor), os.fstat(h5.id.get_vfd_handle()))


def _first_line(error: BaseException) -> str:
    # The text of a KeyError is the representation of its argument.
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    lines = text.strip().splitlines()
    return lines[0] if lines else type(error).__name__
