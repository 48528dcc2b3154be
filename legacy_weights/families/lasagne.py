"""Lasagne (2014 to 2019): networks of layers, and the variables that are their parameters.

The parameters of a network are those of its layers, in the order of ``get_all_params``
(``lasagne/layers/helper.py``): along the chain of layers, in each in the order of its making,
each once.  A parameter's name is that of its variable, which begins with the layer's name if the
layer has one: ``conv1.W`` (``lasagne/layers/base.py``, ``Layer.add_param``).  Where such a name is
not unique, the layer's label comes before it: ``dense3/W``.  What is not tagged as trainable,
such as the averages of batch normalization, is state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from legacy_weights import paths
from legacy_weights.families.arrangement import Arrangement
from legacy_weights.families.graph import Graph
from legacy_weights.families.interpretation import Interpretation
from legacy_weights.families.lasagne_layers import Layers
from legacy_weights.families.lasagne_network import Entry, Network, entries_of, network_of
from legacy_weights.families.lasagne_settings import describe_layers
from legacy_weights.families.listed import stated_lists
from legacy_weights.families.naming import Name, Paths
from legacy_weights.families.order import order_cells
from legacy_weights.families.others import add_others
from legacy_weights.families.snapshots import add_snapshot
from legacy_weights.families.theano import evidence
from legacy_weights.families.updates import Memory, Updates, describe_memory
from legacy_weights.families.variables import Variables
from legacy_weights.tree import Trainable


def interpret(graph: Graph) -> Interpretation | None:
    """Return what Lasagne's conventions make of a graph, or None if no layer has its variables."""
    layers = Layers(graph)
    if not layers.found:
        return None
    variables = Variables(graph)
    network = network_of(graph, layers, variables)
    if variables.cells and not entries_of(layers, variables, network.places):
        return None
    result = Interpretation(
        "Lasagne", f"{_version(graph, layers)}, {evidence(graph, variables.cells)}"
    )
    memory = add_network(graph, layers, variables, network, result)
    add_rest(graph, variables, memory, result)
    return result


def _version(graph: Graph, layers: Layers) -> str:
    """Return what the attributes of layers tell of the version."""
    known = [graph.attributes(layer).keys() for layer in layers.found.values()]
    if any("get_output_kwargs" in names for names in known):
        return "layers of Lasagne 0.2 (since February 2016)"
    if any("params" in names for names in known):
        return "layers of Lasagne 0.1 or 0.2 (since May 2015)"
    return "layers of Lasagne before 0.1"


# Parameters ------------------------------------------------------------------------------------


def _name(entries: Sequence[Entry]) -> None:
    """Give each cell its full name."""
    own = [entry.cell.name or entry.attribute for entry in entries]
    count = Counter(own)
    for number, (entry, name) in enumerate(zip(entries, own, strict=True)):
        last = name or f"param{number}"
        entry.cell.full_name = (last,) if name and count[name] == 1 else (*entry.label, last)


def add_network(
    graph: Graph,
    layers: Layers,
    variables: Variables,
    network: Network,
    result: Interpretation,
) -> Sequence[Memory]:
    """Add the parameters of a network as a snapshot, and its layers to the metadata.

    Shared variables that a program states as its parameters, but that are none of a layer's,
    belong to the model too.

    Returns
    -------
    sequence of Memory
        What the optimizer remembers of the parameters.
    """
    entries = list(entries_of(layers, variables, network.places).values())
    _name(entries)
    trained = [entry.cell for entry in entries if "trainable" in entry.tags or not entry.tagged]
    state = [entry.cell for entry in entries if "trainable" not in entry.tags and entry.tagged]
    known = {id(entry.cell) for entry in entries}
    updates = Updates(graph, variables.cells)
    memory = updates.memory([entry.cell for entry in entries])
    known |= {id(entry.cell) for entry in memory}
    listed = stated_lists(graph, variables.cells)
    further = [c for c in variables.cells if id(c) in listed and id(c) not in known]
    order, note = network.order, network.note
    weights = [*trained, *further]
    if further:
        weights, order, note = order_cells(graph, weights, listed)
    trainable = {id(e.cell): Trainable.YES for e in entries if "trainable" in e.tags}
    trainable |= {id(cell): Trainable.YES for cell in further}
    if weights or state:
        arrangement = Arrangement(weights, state, order, network.order, note, trainable)
        add_snapshot(graph, arrangement, result)
    names = {key: "/".join(name) for key, name in _names(variables, result).items()}
    result.metadata["layers"] = describe_layers(graph, layers, network.places, names)
    result.warnings.extend(_expressions(layers, variables, network))
    if layers.cut:
        result.warnings.append("the layers have too many connections; not all were followed")
    return memory


def _expressions(layers: Layers, variables: Variables, network: Network) -> Iterator[str]:
    """Yield a notice if parameters are expressions, which Lasagne 0.2 allows."""
    count = sum(
        id(variable) not in variables.by_object
        for layer, _ in network.places
        for variable, _ in layers.parameters(layer)
    )
    if count:
        are = (
            "parameter of a layer is an expression" if count == 1 else "parameters are expressions"
        )
        yield (
            f"{count} {are}: the variables that make it up are the weights, and `layers` of the "
            "metadata says which"
        )


def add_rest(
    graph: Graph, variables: Variables, memory: Sequence[Memory], result: Interpretation
) -> None:
    """Add what is no parameter of a network; shared variables by their names."""
    names: dict[int, Name] = {}
    notes: dict[int, str] = {}
    namer = Paths()
    for cell in variables.cells:
        name = (cell.name,) if cell.name else namer.name(cell.node)
        if len(cell.arrays) == 1 and not cell.node.hidden and name:
            names[id(cell.arrays[0])] = name
            notes[id(cell.arrays[0])] = "a shared variable that is no layer's parameter"
    remembered = describe_memory(result, memory)
    add_others(
        graph,
        result,
        variables.roles | remembered.roles,
        names=names | remembered.names,
        notes=notes | remembered.notes,
    )


def names_by_layer(
    layers: Layers, variables: Variables, network: Network, result: Interpretation
) -> dict[str, list[Name]]:
    """Return what the parameters of each layer are called, in the layer's order."""
    names = _names(variables, result)
    return {
        "/".join(place.label): [
            names[id(shared)]
            for variable, _ in layers.parameters(place.layer)
            for shared in layers.shared_in(variable, names)
        ]
        for place in network.places
    }


def _names(variables: Variables, result: Interpretation) -> dict[int, Name]:
    """Return what variables are called in the snapshot, by the identity of each object."""
    places = {
        key: result.places.get(id(cell.arrays[0].raw), "")
        for key, cell in variables.by_object.items()
    }
    return {
        key: paths.split(place)[2:]
        for key, place in places.items()
        if place.startswith("/snapshots/")
    }
