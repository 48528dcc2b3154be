"""The thread beside the one that writes."""

import threading
import time

import pytest

from legacy_weights.hierarchy import worker


def test_jobs_are_done_in_order():
    done = []
    with worker.Worker() as thread:
        for number in range(100):
            thread.submit(lambda number=number: done.append(number))
        thread.finish()
    assert done == list(range(100))


def test_the_first_failure_is_raised():
    done = []
    with worker.Worker() as thread:
        thread.submit(lambda: 1 / 0)
        thread.submit(lambda: done.append(1))
        with pytest.raises(ZeroDivisionError):
            thread.finish()
    assert not done


def test_too_much_does_not_wait(monkeypatch):
    monkeypatch.setattr(worker, "_MOST_WAITING", 100)
    kept = []

    def job():
        time.sleep(0.005)
        kept.pop()

    with worker.Worker() as thread:
        for _ in range(10):
            thread.submit(job, 60)
            kept.append(60)
            assert sum(kept) <= 240
        thread.finish()


def test_it_ends_with_its_block():
    before = threading.active_count()
    with worker.Worker() as thread:
        thread.submit(lambda: None)
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before
