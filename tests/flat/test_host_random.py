"""Random layouts and random histories, against plain NumPy arrays as the model."""

import numpy as np
import pytensor
from flat.nets import cell, set_by_loop
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from numpy.testing import assert_array_equal

from legacy_weights.flat import FlatVector

SHAPES = st.lists(
    array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4), min_size=1, max_size=8
)
DTYPES = st.sampled_from(["float64", "float32", "float16", "complex128"])


@settings(deadline=None)
@given(shapes=SHAPES, dtype=DTYPES, data=st.data())
def test_set_then_get_is_the_identity_and_equals_a_loop_of_set_value(shapes, dtype, data):
    variables = [pytensor.shared(np.zeros(shape, dtype)) for shape in shapes]
    twins = [pytensor.shared(np.zeros(shape, dtype)) for shape in shapes]
    flat = FlatVector(variables)
    assert flat.size == sum(int(np.prod(shape)) for shape in shapes)
    for _ in range(2):
        theta = data.draw(arrays(dtype, flat.size))
        flat.set(theta)
        set_by_loop(twins, theta)
        assert flat.get().tobytes() == theta.tobytes()
        for mine, twin, shape in zip(variables, twins, shapes, strict=True):
            assert mine.get_value().shape == twin.get_value().shape == shape
            assert np.asarray(mine.get_value()).tobytes() == np.asarray(twin.get_value()).tobytes()
        assert flat.flatten(flat.unflatten(theta)).tobytes() == theta.tobytes()


class Histories(RuleBasedStateMachine):
    """Everything that can happen to variables, in any order.

    `model` is what each variable must hold; `held` pairs whatever was handed out with what it must
    show for ever, unless someone writes into it in place.
    """

    def __init__(self):
        super().__init__()
        self.variables = [pytensor.shared(np.zeros((2, 2)), f"v{i}") for i in range(3)]
        self.variables.append(pytensor.shared(np.zeros(()), "v3"))
        self.flat = FlatVector(self.variables)
        self.model = [np.zeros((2, 2)) for _ in range(3)] + [np.zeros(())]
        self.held = []
        self.counter = 0.0

    which = st.integers(0, 2)

    def fresh(self, shape):
        self.counter += 100
        return np.arange(int(np.prod(shape))).reshape(shape) + self.counter

    @rule()
    def set(self):
        theta = self.fresh((13,))
        self.flat.set(theta)
        self.model = [theta[i : i + 4].reshape(2, 2) for i in (0, 4, 8)] + [theta[12].reshape(())]

    @rule(i=st.integers(0, 3), borrow=st.booleans())
    def set_value(self, i, borrow):
        self.model[i] = self.fresh(self.model[i].shape)
        value = self.model[i].copy()
        self.variables[i].set_value(value, borrow=borrow)
        if borrow:
            self.held.append((value, value.copy()))

    @rule(i=which, turned=st.booleans())
    def hold(self, i, turned):
        value = cell(self.variables[i])
        value = value.T if turned else value
        self.held.append((value, value.copy()))

    @rule()
    def view(self):
        view = self.flat.view()
        self.held.append((view, view.copy()))

    @rule()
    def let_go(self):
        self.held = self.held[:-1]

    @rule(i=which, j=which)
    def swap(self, i, j):
        one, two = (self.variables[k].container.storage for k in (i, j))
        one[0], two[0] = two[0], one[0]
        self.model[i], self.model[j] = self.model[j], self.model[i]

    @rule(i=which, j=which)
    def share(self, i, j):
        self.variables[j].container.storage[0] = cell(self.variables[i])
        self.model[j] = self.model[i]

    @rule(i=which)
    def replace(self, i):
        self.model[i] = self.model[i] + 1
        self.variables[i].container.storage[0] = cell(self.variables[i]) + 1

    @rule(i=which)
    def update_in_place(self, i):
        value = cell(self.variables[i])
        inside = [np.shares_memory(value, cell(other)) for other in self.variables]
        if inside.count(True) > 1 or any(np.shares_memory(value, held) for held, _ in self.held):
            return  # these would rightly see it
        value *= -1
        self.model[i] = -self.model[i]

    @invariant()
    def everybody_sees_what_they_should(self):
        assert_array_equal(self.flat.get(), np.concatenate([m.ravel() for m in self.model]))
        for variable, expected in zip(self.variables, self.model, strict=True):
            assert_array_equal(variable.get_value(), expected)
        for value, expected in self.held:
            assert_array_equal(value, expected)


Histories.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestHistories = Histories.TestCase
