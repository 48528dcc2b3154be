"""The bytes of one stream: a mapped file, unpacked data, or a window on either."""

from __future__ import annotations

import io
import mmap
import os
import stat
import tempfile
from os import PathLike
from types import TracebackType
from typing import IO, Self

from legacy_weights.errors import DamagedError, UnreadableError, UsageError, in_file
from legacy_weights.limits import DEFAULTS

MEMORY = DEFAULTS.memory
"""Bytes of unpacked data that are held in memory; more goes to a temporary file."""

# A fifo that takes the file's place between stat and open must not block us.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)


class Buffer:
    """Bytes that are read in place.

    Parameters
    ----------
    data : mmap.mmap or bytes
        All of them.

    Attributes
    ----------
    view : memoryview
        Read-only, over exactly these bytes; never a copy.
    data : mmap.mmap or bytes
        The same bytes as an object that has ``find`` and slices to bytes.  For a window on
        something larger (a stored member of an archive) it is made when it is first asked for, by
        copying; who needs `view` only pays nothing.

    Notes
    -----
    Arrays may outlive the buffer: as long as anything holds a view of the bytes, :meth:`close`
    leaves them mapped, and the last view to go unmaps them.  A file that another process cuts
    short while it is mapped ends this process by a signal, as with every memory map.
    """

    __slots__ = ("_data", "view")

    def __init__(self, data: mmap.mmap | bytes) -> None:
        self._data: mmap.mmap | bytes | None = data
        self.view = memoryview(data).toreadonly()

    @property
    def data(self) -> mmap.mmap | bytes:
        """The bytes as a map or as bytes, see above."""
        if self._data is None:
            with Sink() as sink:
                sink.write(self.view)
                self._data = sink.finish()
        return self._data

    def window(self, start: int, stop: int) -> Buffer:
        """Return a buffer over the bytes from `start` up to `stop`, without copying them."""
        if start == 0 and stop == len(self.view) and self._data is not None:
            return Buffer(self._data)
        part = Buffer.__new__(Buffer)
        part._data = None
        part.view = self.view[start:stop]
        return part

    def __len__(self) -> int:
        return len(self.view)

    def close(self) -> None:
        """Give the bytes up; where views of them are in use, those keep them."""
        try:
            self.view.release()
            if isinstance(self._data, mmap.mmap):
                self._data.close()
        except BufferError:
            pass
        self._data = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Sink:
    """Takes unpacked bytes, in memory first, beyond a limit in a temporary file without a name.

    Parameters
    ----------
    memory : int
        Bytes that stay in memory.

    Attributes
    ----------
    size : int
        Bytes taken so far.
    """

    def __init__(self, memory: int = MEMORY) -> None:
        self.size = 0
        self._memory = memory
        self._file: IO[bytes] = io.BytesIO()

    def write(self, chunk: bytes | memoryview) -> None:
        """Append `chunk`."""
        try:
            if isinstance(self._file, io.BytesIO) and self.size + len(chunk) > self._memory:
                self._spill()
            self._file.write(chunk)
        except OSError as error:
            raise self._no_room(error) from error
        self.size += len(chunk)

    def align(self, multiple: int) -> int:
        """Pad with NUL so that the next byte stands at a multiple of `multiple`; return where."""
        self.write(bytes(-self.size % multiple))
        return self.size

    def finish(self) -> mmap.mmap | bytes:
        """Return everything that was taken."""
        if isinstance(self._file, io.BytesIO):
            return self._file.getvalue()
        try:
            self._file.flush()
            return mmap.mmap(self._file.fileno(), self.size, access=mmap.ACCESS_READ)
        except OSError as error:
            raise self._no_room(error) from error

    def _spill(self) -> None:
        memory, self._file = self._file, tempfile.TemporaryFile()  # noqa: SIM115
        assert isinstance(memory, io.BytesIO)
        self._file.write(memory.getbuffer())

    def _no_room(self, error: OSError) -> UnreadableError:
        return UnreadableError(
            f"no room for the unpacked data, {self.size:,} bytes so far: {error.strerror}",
            advice="Make room, or name a directory with more of it in the variable TMPDIR",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._file.close()
        except OSError as flushing:
            if error is None:
                raise self._no_room(flushing) from flushing


def open_buffer(path: str | PathLike[str], *, links: bool = True) -> Buffer:
    """Map a file, read-only.

    Parameters
    ----------
    path : path-like
        A regular file, or a symbolic link to one.
    links : bool
        Whether a symbolic link is followed.

    Returns
    -------
    Buffer
        Over the whole file; no byte of it is read yet.

    Raises
    ------
    UsageError
        There is no such file.
    UnreadableError
        It is a directory, a fifo, a device or (if none is to be followed) a symbolic link, or the
        system refuses it.
    DamagedError
        It is empty.
    """
    with in_file(path):
        try:
            _check_regular(os.stat(path, follow_symlinks=links).st_mode)
            flags = _FLAGS if links else _FLAGS | getattr(os, "O_NOFOLLOW", 0)
            with open(os.open(path, flags), "rb", buffering=0) as file:
                status = os.fstat(file.fileno())
                _check_regular(status.st_mode)
                if status.st_size == 0:
                    raise DamagedError("the file is empty", advice="Get it again from its source")
                return Buffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _missing(path) from error
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UnreadableError(f"the system refuses to read it: {reason}") from error
        except ValueError as error:
            raise UsageError(f"this is no usable file name: {error}") from error


def _check_regular(mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    kinds = (
        *((stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a fifo"), (stat.S_ISSOCK, "a socket")),
        (stat.S_ISLNK, "a symbolic link"),
    )
    kind = next((name for test, name in kinds if test(mode)), "a device")
    raise UnreadableError(f"it is {kind}", expected="a regular file")


def _missing(path: str | PathLike[str]) -> UsageError:
    try:
        target = os.readlink(path)
    except (OSError, ValueError):
        return UsageError("no such file")
    advice = None
    if "annex/objects" in target.replace("\\", "/"):
        advice = "git-annex keeps its content elsewhere: run `git annex get` on it"
    return UsageError(f"it is a symbolic link to {target!r}, which does not exist", advice=advice)
