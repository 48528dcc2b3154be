"""The natural-gradient step, against linear algebra and hand-computed values."""

from __future__ import annotations

import numpy as np
import pytest

from legacy_weights.models.trpo import conjugate_gradient, line_search, natural_step


def problem(n=6):
    rng = np.random.default_rng(0)
    root = rng.normal(size=(n, n))
    return root @ root.T + np.eye(n), rng.normal(size=n)


def test_conjugate_gradient_solves():
    a, b = problem()
    x = conjugate_gradient(lambda v: a @ v, b, 50, 1e-14)
    np.testing.assert_allclose(x, np.linalg.solve(a, b), rtol=1e-10)


def test_conjugate_gradient_stops():
    a, b = problem()
    calls = []
    x = conjugate_gradient(lambda v: calls.append(0) or a @ v, b, 2)
    assert len(calls) == 2
    assert np.linalg.norm(a @ x - b) > 1e-5 * np.linalg.norm(b)
    # One product solves a multiple of the identity; the second would divide by zero.
    np.testing.assert_allclose(conjugate_gradient(lambda v: 4 * v, b, 10), b / 4)
    np.testing.assert_array_equal(conjugate_gradient(lambda v: v, 0 * b, 10), 0 * b)


@pytest.mark.parametrize(("scale", "failures"), [(1.0, 0), (3.0, 1), (8.0, 3)])
def test_line_search_halves(scale, failures):
    # f(x) = x² from 1 along -scale: accepted as soon as it falls by a tenth of the slope.
    point, halved = line_search(
        lambda x: float(x[0] ** 2), np.ones(1), 1.0, -2.0 * scale, np.array([-scale])
    )
    assert halved == failures
    assert point[0] == 1 - scale / 2**failures


def test_line_search_gives_up():
    point, failures = line_search(lambda x: np.inf, np.ones(1), 0.0, -1.0, np.array([-1.0]))
    assert failures == 10
    assert point[0] == 1 - 2.0**-10


def step(loss, wall=np.inf, **options):
    h, g = problem()
    tried = []

    def loss_and_kl(x):
        tried.append(x)
        return loss(x), 0.0 if len(tried) > 2 else wall

    point, halvings = natural_step(
        np.zeros(6),
        0.0,
        g,
        loss_and_kl,
        lambda v: h @ v,
        max_kl=0.01,
        damping=0.1,
        max_cg_iter=20,
        **options,
    )
    return h, g, point, halvings


def test_full_step_has_the_divergence_asked_for():
    h, g, point, halvings = step(lambda x: -1e9, wall=0.0, backtrack=True)
    damped = h + 0.1 * np.eye(6)
    direction = -np.linalg.solve(damped, g)
    np.testing.assert_allclose(point / np.linalg.norm(point), direction / np.linalg.norm(direction))
    np.testing.assert_allclose(0.5 * point @ damped @ point, 0.01, rtol=1e-5)
    assert halvings == 0


def test_wall_at_twice_the_divergence():
    whole = step(lambda x: -1e9, backtrack=False)[2]
    *_, point, halvings = step(lambda x: -1e9, wall=0.0200001, backtrack=True)
    assert halvings == 2
    np.testing.assert_allclose(point, whole / 4)
    *_, halvings = step(lambda x: -1e9, wall=0.02, backtrack=True)
    assert halvings == 0
