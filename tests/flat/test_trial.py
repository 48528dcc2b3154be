"""Values that are tried come back, whatever happened, unless they are kept."""

import numpy as np
import pytest
from flat.nets import cell, needs_jax
from numpy.testing import assert_array_equal

from legacy_weights.errors import LayoutError, UsageError
from legacy_weights.flat import FlatVector


@pytest.fixture(params=["host", pytest.param("jax", marks=needs_jax)])
def flat(request, net, theta):
    flat = FlatVector(net.variables, request.param)
    flat.set(theta)
    return flat


def test_values_come_back(flat, net, theta):
    with flat.trial() as trial:
        trial.set(theta * 2)
        assert_array_equal(net.theta(), theta * 2)
    assert flat.get().tobytes() == theta.tobytes()


def test_values_come_back_after_an_exception(flat, theta):
    def try_it():
        with flat.trial() as trial:
            trial.set(theta * 2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        try_it()
    assert flat.get().tobytes() == theta.tobytes()


def test_values_can_be_kept(flat, theta):
    with flat.trial() as trial:
        trial.set(theta * 2)
        trial.keep()
    assert_array_equal(flat.get(), theta * 2)


def test_kept_values_are_those_at_the_end(flat, theta):
    with flat.trial() as trial:
        trial.keep()
        trial.set(theta * 3)
    assert_array_equal(flat.get(), theta * 3)


def test_what_others_changed_comes_back_too(flat, net, theta):
    with flat.trial():
        net.W.set_value(np.ones((2, 3)))
        flat.set(theta * 5)
        net.b.set_value(np.ones((1, 3)))
    assert_array_equal(net.theta(), theta)


def test_updates_in_place_come_back(net, theta):
    flat = FlatVector(net.variables)
    flat.set(theta)
    with flat.trial():
        cell(net.W)[...] = 7
    assert_array_equal(net.theta(), theta)


def test_trials_nest(flat, theta):
    with flat.trial() as outer:
        outer.set(theta * 2)
        with flat.trial() as inner:
            inner.set(theta * 3)
        assert_array_equal(flat.get(), theta * 2)
        with flat.trial() as inner:
            inner.set(theta * 4)
            inner.keep()
        assert_array_equal(flat.get(), theta * 4)
    assert_array_equal(flat.get(), theta)


def test_one_can_be_used_again_but_not_within_itself(flat, theta):
    trial = flat.trial()
    for factor in (2, 3):
        with trial:
            trial.set(theta * factor)
            with pytest.raises(UsageError, match="open already"), trial:
                pass
        assert_array_equal(flat.get(), theta)


def test_outside_its_block_it_does_nothing(flat, theta):
    trial = flat.trial()
    for call in (trial.keep, lambda: trial.set(theta)):
        with pytest.raises(UsageError, match="the trial is over"):
            call()


def test_a_bad_theta_raises_and_values_come_back(flat, theta):
    def try_it():
        with flat.trial() as trial:
            trial.set(theta * 2)
            trial.set(theta[1:])

    with pytest.raises(LayoutError):
        try_it()
    assert_array_equal(flat.get(), theta)


@needs_jax
def test_values_come_back_where_they_moved(net, theta):
    flat = FlatVector(net.variables)
    flat.set(theta)
    with flat.trial() as trial:
        trial.set(theta * 2)
        flat.to_device()
    assert flat.backend == "jax"
    assert_array_equal(flat.get(), theta)
    with flat.trial() as trial:
        trial.set(theta * 2)
        flat.to_host()
    assert flat.backend == "host"
    assert_array_equal(flat.get(), theta)
