"""A thread that does jobs in order, beside the one that writes.

Hashing lets go of Python's global lock, so on two cores it costs next to nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

_MOST_WAITING = 1 << 26  # bytes


class Worker:
    """A thread that does jobs in the order in which they come; it ends with its ``with`` block."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[Callable[[], object], int] | None] = SimpleQueue()
        self._space = threading.Condition()
        self._waiting = 0
        self._failure: BaseException | None = None
        # A daemon: a run that is broken off does not wait for a hash that nobody wants.
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._jobs.put(None)

    def submit(self, job: Callable[[], object], nbytes: int = 0) -> None:
        """Have a job done.

        Parameters
        ----------
        job : callable
        nbytes : int
            Bytes that the job keeps in memory.  If too many wait, this call waits too.
        """
        with self._space:
            while self._waiting > _MOST_WAITING:
                self._space.wait()
            self._waiting += nbytes
        self._jobs.put((job, nbytes))

    def finish(self) -> None:
        """Wait until all is done; raise the first exception that a job raised."""
        self._jobs.put(None)
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        while (task := self._jobs.get()) is not None:
            job, nbytes = task
            if self._failure is None:
                try:
                    job()
                except BaseException as error:
                    self._failure = error
            del job, task
            with self._space:
                self._waiting -= nbytes
                self._space.notify()
