"""Hand-made pickles: stand-ins for the classes of Theano and of its users, by the pickle of today.

The stand-ins carry the module and class names of the old software, and the attributes by which
it keeps its values (``theano/compile/sharedvalue.py``, ``theano/gof/link.py``).
"""

import io
import pickle
import sys
import types
from unittest import mock

import numpy as np

from legacy_weights import families
from legacy_weights.families.graph import Graph
from legacy_weights.pickles import Machine
from legacy_weights.readers.records import Records

_CLASSES = {}


def stub(dotted, base=object):
    """Return the stand-in for a class."""
    module, _, name = dotted.rpartition(".")
    if dotted not in _CLASSES:
        _CLASSES[dotted] = type(name, (base,), {"__module__": module})
    return _CLASSES[dotted]


def make(dotted, /, **attributes):
    """Return an instance of a stand-in with these attributes."""
    instance = stub(dotted)()
    instance.__dict__.update(attributes)
    return instance


def model(cls="Model", /, **attributes):
    """Return an instance of a user's class, whose module is lost."""
    return make(f"lost_models.{cls}", **attributes)


def container(value):
    """Return the container of a shared variable."""
    return make("theano.gof.link.Container", storage=[value], readonly=False)


def shared(value, name=None, created=None, cls="theano.tensor.sharedvar.TensorSharedVariable"):
    """Return a shared variable; a number makes that many numbers."""
    value = np.arange(float(value)) if isinstance(value, int) else value
    auto = None if created is None else f"auto_{created}"
    return make(cls, container=container(value), name=name, auto_name=auto, owner=None)


def clone(variable):
    """Return a clone as Theano makes it: another variable, the same container."""
    other = make("theano.tensor.sharedvar.TensorSharedVariable")
    other.__dict__.update(variable.__dict__)
    return other


def result(*inputs):
    """Return the variable that an operation on `inputs` gives."""
    node = make("theano.gof.graph.Apply", inputs=list(inputs), op=None)
    return make("theano.tensor.var.TensorVariable", owner=node, index=0, name=None)


def constant(value):
    """Return a constant of a graph."""
    return make("theano.tensor.var.TensorConstant", data=np.array(value), name=None, owner=None)


def dumps(*values, protocol=2, pickler=pickle.Pickler):
    """Return one pickle after another."""
    modules = {}
    for dotted, cls in _CLASSES.items():
        module = dotted.rpartition(".")[0]
        while module:
            modules.setdefault(module, types.ModuleType(module))
            module = module.rpartition(".")[0]
        setattr(modules[cls.__module__], cls.__name__, cls)
    with mock.patch.dict(sys.modules, modules):
        file = io.BytesIO()
        for value in values:
            pickler(file, protocol).dump(value)
        return file.getvalue()


def graph(value, protocol=2):
    """Return the graph of a value's pickle."""
    return Graph(Machine(dumps(value, protocol=protocol)).load())


def graph_of_bytes(data):
    """Return the graph of a pickle."""
    return Graph(Machine(data).load())


def interpret(value, protocol=2):
    """Return what the families make of a value's pickle."""
    return families.interpret(graph(value, protocol))


def weights(found):
    """Return name → values of the weights, in order."""
    (snapshot,) = found.snapshots
    return {
        leaf.name: leaf.array.load().tolist() for leaf in snapshot.leaves if leaf.role == "weight"
    }


def records(value, protocol=2):
    """Return the records of a value's pickle, without its arrays' places in a tree."""
    found = graph(value, protocol)
    return list(Records(found, families.interpret(found).places)())
