"""Models of the deeplearning.net tutorials: layers from the expression that the file states.

Neither logistic_sgd.py, ``LogisticRegression``, nor mlp.py, ``HiddenLayer`` and ``MLP``, keeps the
name of its nonlinearity; but the variable ``p_y_given_x`` (or a layer's ``output``) carries the
operations that give it (theano/gof/graph.py, ``Apply``).  They are followed back to the input;
whatever is no affine layer and no nonlinearity is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from legacy_weights.errors import UnreadableError
from legacy_weights.families.marks import is_library
from legacy_weights.models.frameworks.records import Records
from legacy_weights.models.specification import (
    LINEAR,
    Dense,
    Function,
    Layer,
    Nonlinearity,
    Specification,
)
from legacy_weights.tree import JSON, Leaf, Record, Snapshot, Tree

_OUTPUTS = ("p_y_given_x", "output")
_FUNCTIONS = {"Tanh": "tanh", "ScalarSigmoid": "sigmoid", "ScalarSoftplus": "softplus"}
"""By the class of the scalar operation: theano/scalar/basic.py, theano/tensor/nnet/sigm.py."""
_TRANSFERS = frozenset(("HostFromGpu", "GpuFromHost", "GpuToGpu"))
"""theano/sandbox/cuda/basic_ops.py, theano/gpuarray/basic_ops.py: the same values elsewhere."""
_DEEPEST = 1000


def specification(tree: Tree, snapshot: Snapshot) -> Specification:
    """Return the layers of a tutorial's model.

    Parameters
    ----------
    tree : Tree
    snapshot : Snapshot
        Gives the names of the weights.

    Raises
    ------
    UnreadableError
        If the file states no expression of an output, more than one, or an operation in it is
        none of a feedforward network; the error names it.
    """
    expression = _Expression(Records(tree), snapshot)
    layers = expression.layers(expression.output())
    first = next(layer for layer in layers if isinstance(layer, Dense))
    return Specification("Theano", (expression.shape(first.weights)[0],), {"output": layers})


class _Call(NamedTuple):
    """An operation with its inputs: variables."""

    op: str
    settings: Mapping[str, JSON]
    inputs: list[Record]
    path: str


class _Expression:
    def __init__(self, records: Records, snapshot: Snapshot) -> None:
        self._records = records
        self._leaves: dict[str, Leaf] = {}
        for leaf in snapshot.leaves:
            for path in (leaf.path, *(path for path, _ in leaf.links)):
                self._leaves[path] = leaf
        self._shapes = {leaf.name: leaf.array.shape for leaf in snapshot.leaves}
        self._holders = self._find_holders()

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a weight."""
        return self._shapes[name]

    def _find_holders(self) -> dict[int, Record]:
        """Return the first object of a user's own that has a variable as its attribute."""
        found: dict[int, Record] = {}
        for record in self._records:
            if not is_library(record.cls):
                for value in self._records.attributes(record).values():
                    variable = self._records.record(value)
                    if variable is not None:
                        found.setdefault(variable.id, record)
        return found

    # Where the model ends ----------------------------------------------------------------------

    def output(self) -> Record:
        """Return the variable that the model computes in the end.

        Of the ``p_y_given_x`` (else the ``output``) of several layers it is the only one of
        which none of the others is made.
        """
        for attribute in _OUTPUTS:
            found = self._named(attribute)
            inner = self._below(found.values())
            last = [variable for key, variable in found.items() if key not in inner]
            if len(last) == 1:
                return last[0]
            if found:
                listed = ", ".join(sorted(variable.path for variable in found.values())[:8])
                raise UnreadableError(
                    f"the file has several outputs: {listed}",
                    expected=f"one `{attribute}` that is the last",
                )
        raise UnreadableError(
            "no object of the file keeps the expression that computes its output",
            expected="an attribute `p_y_given_x` or `output` that is an expression of Theano",
            advice="Its weights can be had by legacy_weights.open or read",
        )

    def _named(self, attribute: str) -> dict[int, Record]:
        found = {}
        for record in self._records:
            if not is_library(record.cls):
                value = self._records.attributes(record).get(attribute)
                variable = self._records.record(value)
                if variable is not None and self._call(variable) is not None:
                    found[variable.id] = variable
        return found

    def _below(self, variables: Iterable[Record]) -> set[int]:
        """Return the variables of which some are made; each is looked at once."""
        seen: set[int] = set()
        waiting = list(variables)
        while waiting:
            call = self._call(waiting.pop())
            for part in call.inputs if call else ():
                if part.id not in seen:
                    seen.add(part.id)
                    waiting.append(part)
        return seen

    # From there back to the input --------------------------------------------------------------

    def layers(self, output: Record) -> tuple[Layer, ...]:
        """Return the layers that lead to a variable, the first first."""
        found: list[Layer] = []
        variable, function = output, LINEAR
        for _ in range(_DEEPEST):
            call = self._call(variable)
            if call is None:
                break
            applied = self._function(call)
            if applied is not None:
                if function != LINEAR:
                    found.append(Nonlinearity(f"{variable.path}", function))
                function = applied
                if call.op == "SoftmaxWithBias":
                    variable = self._affine(call, function, found)
                    function = LINEAR
                else:
                    variable = call.inputs[0]
            else:
                variable = self._affine(call, function, found)
                function = LINEAR
        if function != LINEAR:
            found.append(Nonlinearity(variable.path, function))
        self._check_input(variable)
        if not any(isinstance(layer, Dense) for layer in found):
            raise UnreadableError("the expression has no weights", where=output.path)
        return tuple(reversed(found))

    def _function(self, call: _Call) -> Function | None:
        """Return the nonlinearity that an operation is, or None if it is none."""
        if call.op in ("Softmax", "SoftmaxWithBias"):
            if call.settings.get("axis") not in (None, -1, 1):
                raise self._refusal(call)
            return Function("softmax")
        scalar = self._scalar(call)
        if len(call.inputs) == 1 and scalar in _FUNCTIONS:
            return Function(_FUNCTIONS[scalar])
        return None

    def _affine(self, call: _Call, function: Function, found: list[Layer]) -> Record:
        """Add the affine layer that an operation ends; return the layer's input."""
        bias: str | None = None
        product: _Call | None = call
        if call.op == "SoftmaxWithBias" or (self._scalar(call) == "Add" and len(call.inputs) == 2):
            sides = [(self._bias(side), other) for side, other in _either(call)]
            known = [(name, other) for name, other in sides if name is not None]
            if len(known) != 1:
                raise self._refusal(call)
            bias, other = known[0]
            product = self._call(other)
        if product is None or product.op != "Dot" or len(product.inputs) != 2:
            raise self._refusal(product or call)
        weights = self._weight(product.inputs[1])
        if weights is None or len(self.shape(weights)) != 2:
            raise self._refusal(product)
        units = self.shape(weights)[1]
        row = bias is not None and len(self.shape(bias)) == 2
        where = self._where(product.inputs[1])
        found.append(Dense(where, units, weights, bias, function, row))
        return product.inputs[0]

    def _where(self, weights: Record) -> str:
        holder = self._holders.get(self._transferred(weights).id)
        if holder is None:
            return weights.path
        return f"{holder.path} ({holder.cls})" if holder.path else f"the model ({holder.cls})"

    def _bias(self, variable: Record) -> str | None:
        """Return the name of the weight that a variable is, if need be as a row."""
        name = self._weight(variable)
        if name is not None:
            shape = self.shape(name)
            return name if len(shape) == 1 or (len(shape) == 2 and shape[0] == 1) else None
        call = self._call(variable)
        if call is None or call.op != "DimShuffle":
            return None
        order = self._records.plain(call.settings.get("new_order"))
        name = self._weight(call.inputs[0]) if order == ["x", 0] else None
        return name if name is not None and len(self.shape(name)) == 1 else None

    def _weight(self, variable: Record) -> str | None:
        """Return the name of the shared variable that a variable is, or None."""
        attributes = self._records.attributes(self._transferred(variable))
        container = self._records.record(attributes.get("container"))
        if container is None:
            return None
        storage = self._records.plain(self._records.attributes(container).get("storage"))
        path = self._records.array(storage[0]) if isinstance(storage, list) and storage else None
        leaf = self._leaves.get(path or "")
        return None if leaf is None else leaf.name

    def _transferred(self, variable: Record) -> Record:
        """Return what a variable was before it went to a GPU or came from there."""
        for _ in range(4):
            call = self._call(variable)
            if call is None or call.op not in _TRANSFERS or not call.inputs:
                break
            variable = call.inputs[0]
        return variable

    def _check_input(self, variable: Record) -> None:
        """Refuse all but a free variable that is a matrix: the input."""
        attributes = self._records.attributes(variable)
        kind = self._records.record(attributes.get("type"))
        pattern = self._records.attributes(kind).get("broadcastable") if kind else None
        free = variable.cls.endswith("TensorVariable") and self._call(variable) is None
        if not free or self._records.plain(pattern) != [False, False]:
            raise UnreadableError(
                f"the expression begins with a {variable.cls}",
                where=variable.path,
                expected="a matrix of inputs",
            )

    # The records -------------------------------------------------------------------------------

    def _call(self, variable: Record) -> _Call | None:
        """Return the operation that gives a variable, or None if nothing does."""
        if not is_library(variable.cls):
            return None
        attributes = self._records.attributes(variable)
        owner = self._records.record(attributes.get("owner", attributes.get("_owner")))
        if owner is None:
            return None
        parts = self._records.attributes(owner)
        op = self._records.record(parts.get("op"))
        listed = self._records.plain(parts.get("inputs"))
        inputs = [self._records.record(part) for part in listed] if isinstance(listed, list) else []
        known = [part for part in inputs if part is not None]
        if op is None or not known or len(known) < len(inputs):
            raise UnreadableError("an operation without inputs", where=variable.path)
        name = op.cls.rpartition(".")[2] if is_library(op.cls) else op.cls
        return _Call(name, self._records.attributes(op), known, variable.path)

    def _scalar(self, call: _Call) -> str:
        """Return the class of the operation on numbers of an elementwise one, or nothing."""
        if call.op != "Elemwise":
            return ""
        scalar = self._records.record(call.settings.get("scalar_op"))
        return scalar.cls.rpartition(".")[2] if scalar and is_library(scalar.cls) else ""

    def _refusal(self, call: _Call) -> UnreadableError:
        scalar = self._scalar(call)
        named = f"{call.op} of {scalar}" if scalar else call.op
        return UnreadableError(
            f"the operation {named} belongs to no layer that can be rebuilt",
            where=call.path,
            expected="dot(x, W) + b, tanh, sigmoid, softplus, softmax",
            advice="The weights can be had by legacy_weights.open or read",
        )


def _either(call: _Call) -> list[tuple[Record, Record]]:
    first, second = call.inputs
    return [(second, first)] if call.op == "SoftmaxWithBias" else [(first, second), (second, first)]
