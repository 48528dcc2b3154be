"""A file that is there whole or not at all.

It is written under another name in the same directory, which says whose it is, and gets its own
name when it is complete.  What a killed run left is removed by the next run for the same target.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from legacy_weights.errors import UsageError, WriteError

_LONGEST = 180  # bytes of the target's name in the temporary one; file systems end at 255
_NO_HARD_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
_ADVICE = {
    errno.ENOSPC: "Free some space there, or choose another place (-o)",
    errno.EDQUOT: "Free some of your quota there, or choose another place (-o)",
    errno.EFBIG: "Files of this size are not allowed there; choose another place (-o)",
    errno.EACCES: "Choose a place where you may write (-o)",
    errno.EPERM: "Choose a place where you may write (-o)",
    errno.EROFS: "Choose a place where you may write (-o)",
}


@contextmanager
def written_beside(target: str, *, overwrite: bool) -> Iterator[str]:
    """Give the block a new empty file beside `target`, and put it there when the block is done.

    Parameters
    ----------
    target : str
    overwrite : bool
        Whether what stands at `target` is replaced; a symbolic link itself, not what it points to.

    Yields
    ------
    str
        Path of the temporary file.  If the block raises, it is removed and nothing has changed.

    Raises
    ------
    UsageError
        The target exists (also if another run was faster), or its directory does not.
    WriteError
        The system refuses: no space, no permission.
    """
    check_target(target, overwrite=overwrite)
    try:
        remove_leftovers(target)
        temporary = name_beside(target)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
        try:
            yield temporary
            _publish(temporary, target, overwrite)
        except WriteError:
            write_more(temporary)
            raise
        finally:
            discard(temporary)
    except OSError as error:
        raise explained(error) from error


def name_beside(target: str) -> str:
    """Return a new name for a temporary file for `target`."""
    return f"{_stem(target)}{_mark()}{secrets.token_hex(4)}.part"


def linked_beside(target: str) -> str | None:
    """Give the file at `target` a second, temporary name; None where the disk has no hard links."""
    name = name_beside(target)
    try:
        os.link(target, name)
    except OSError as error:
        if error.errno in _NO_HARD_LINKS:
            return None
        raise
    return name


def sync(path: str) -> None:
    """Wait until a file, or the names in a directory, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_directory(path: str) -> None:
    """Wait until the name of a file is on the disk, where a directory can be waited for."""
    if os.name == "posix":
        sync(os.path.dirname(path) or ".")


def remove_leftovers(target: str) -> None:
    """Remove temporary files for `target` whose process, of this machine, is gone."""
    stem = _stem(target)
    directory, prefix = os.path.split(stem)
    name = re.compile(re.escape(prefix) + re.escape(_host()) + r"-([0-9]+)-[0-9a-f]{8}\.part")
    for found in os.listdir(directory or "."):
        match = name.fullmatch(found)
        if match and not _is_running(int(match.group(1))):
            with suppress(OSError):
                os.unlink(os.path.join(directory, found))


def check_target(target: str, *, overwrite: bool) -> None:
    """Make sure that a file may be written at `target`, before any work is done.

    Raises
    ------
    UsageError
        Something stands there, or its directory does not exist.
    """
    if os.path.isdir(target):
        raise UsageError("it is a directory")
    if not overwrite and os.path.lexists(target):
        raise UsageError(
            "it exists already", advice="Name another file (-o) or overwrite it (--overwrite)"
        )
    directory = os.path.dirname(target) or "."
    if not os.path.isdir(directory):
        raise UsageError(f"there is no directory {directory}")


def _publish(temporary: str, target: str, overwrite: bool) -> None:
    if overwrite:
        os.replace(temporary, target)
    else:
        try:
            os.link(temporary, target)  # unlike a rename, it fails if the target exists
            os.unlink(temporary)
        except FileExistsError as error:
            raise UsageError("it was made by another program in the meantime") from error
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            _publish_without_links(temporary, target)
    sync_directory(target)


def _publish_without_links(temporary: str, target: str) -> None:
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError as error:
        raise UsageError("it was made by another program in the meantime") from error
    try:
        os.replace(temporary, target)
    except BaseException:
        os.unlink(target)
        raise


def write_more(path: str) -> None:
    """Raise the OSError that explains why writing failed, for HDF5 does not tell."""
    with open(path, "ab") as file:
        file.write(bytes(1 << 20))
        file.flush()
        os.fsync(file.fileno())


def discard(path: str) -> None:
    """Remove a temporary file, if it is there."""
    with suppress(FileNotFoundError):
        # HDF5 cannot close what it cannot flush; this gives the space back all the same.  A second
        # link is the target, made a moment ago.
        if os.stat(path).st_nlink == 1:
            os.truncate(path, 0)
        os.unlink(path)


def _stem(target: str) -> str:
    """Return how the names of all temporary files for `target` begin."""
    directory, name = os.path.split(target)
    raw = os.fsencode(name)
    if len(raw) > _LONGEST:
        raw = raw[:_LONGEST] + hashlib.sha256(raw).hexdigest()[:16].encode()
    return os.path.join(directory, f".{os.fsdecode(raw)}.")


def _host() -> str:
    """Return a few letters for this machine: on a shared disk, another's processes live on."""
    name = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def _mark() -> str:
    return f"{_host()}-{os.getpid()}-"


def _is_running(process: int) -> bool:
    if os.name != "posix":
        return True  # there, signal 0 would end the process
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def explained(error: OSError) -> WriteError:
    """Return our error for one of the system's."""
    code = error.errno or 0
    found = f"it could not be written: {os.strerror(code) if code else error}"
    return WriteError(found, advice=_ADVICE.get(code))
