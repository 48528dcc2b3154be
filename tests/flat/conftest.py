"""Fixtures of the flat vector; JAX is told to show two devices."""

from __future__ import annotations

import os

import numpy as np
import pytest

# Read when JAX first computes: two CPU devices, so that placement can be seen.
_FLAG = "--xla_force_host_platform_device_count=2"
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_FLAG}".strip()


@pytest.fixture(scope="session")
def jax():
    return pytest.importorskip("jax")


@pytest.fixture
def two_devices(jax):
    devices = jax.devices("cpu")
    assert len(devices) > 1, "JAX had computed before the flag for two devices was set"
    return devices[:2]


@pytest.fixture
def net():
    from flat.nets import Net

    return Net()


@pytest.fixture
def theta():
    return np.random.default_rng(5).normal(size=13)
