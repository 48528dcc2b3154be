"""Optimizer memory: shared variables that training updates and that are no parameters.

Velocities, accumulators and step counters are told from parameters by the updates that the file
holds: those of compiled functions, whose inputs carry the variable and its ``update``
(``theano/compile/pfunc.py``, ``theano/compile/io.py``), the dictionaries and lists of
(variable, expression) that programs pass to ``theano.function``, and ``default_update``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from legacy_weights import paths
from legacy_weights.families.expressions import Contents, is_expression, numbers
from legacy_weights.families.graph import Graph, Node
from legacy_weights.families.interpretation import Interpretation
from legacy_weights.families.labels import class_of, label
from legacy_weights.families.marks import is_library
from legacy_weights.families.naming import Cell, Name, Paths
from legacy_weights.families.steps import StepKind
from legacy_weights.families.values import class_name
from legacy_weights.pickles.objects import Instance
from legacy_weights.tree import Role

_NO_UPDATES = ("grad", "given", "replace")
"""Mappings of variables to expressions that go by such a name are no updates."""
_DEFAULT_UPDATES = ("default_update", "_default_update")
_OUTPUTS = ("SymbolicOutput", "Out")


class Memory(NamedTuple):
    """What an optimizer remembers.

    Parameters
    ----------
    cell : Cell
    serves : Cell or None
        The parameter that it belongs to, if the updates show one.
    """

    cell: Cell
    serves: Cell | None


class Updates:
    """The updates of a file's cells.

    Parameters
    ----------
    graph : Graph
    cells : sequence of Cell
        Of all shared variables, parameters or not.

    Attributes
    ----------
    expressions : dict of int to list
        What becomes of a cell, by its position among `cells`; in the order of the file.
    needed : set of int
        The positions of cells that an output of a function is made of: a model cannot run
        without them.
    """

    def __init__(self, graph: Graph, cells: Sequence[Cell]) -> None:
        self.graph = graph
        self.cells = cells
        self.expressions: dict[int, list[Any]] = {}
        self.needed: set[int] = set()
        self._marks = {
            id(node.raw): number
            for number, cell in enumerate(cells)
            for known in (cell, *cell.copies)
            for node in known.known_as
        }
        for variable, expression in _pairs(graph, self._marks):
            self.expressions.setdefault(self._marks[id(variable)], []).append(expression)
        if self.expressions:
            self._contents = Contents(graph, self._marks)
            outputs = list(filter(lambda held: is_expression(graph, held), _outputs(graph)))
            self.needed = set(numbers(self._contents.of(outputs)))

    def parameters(self) -> list[Cell]:
        """Return the cells that are trained: updated, and needed for what a function gives."""
        return [self.cells[number] for number in self.expressions if number in self.needed]

    def memory(self, parameters: Sequence[Cell]) -> list[Memory]:
        """Return the optimizer memory among the cells.

        Running averages, which training updates too, are none: the model's own expressions need
        them.

        Parameters
        ----------
        parameters : sequence of Cell
            What is known not to be memory: those that the file or the framework states.
        """
        if not self.expressions or not parameters:
            return []
        known = {id(cell) for cell in parameters}
        trained = [n for n in self.expressions if id(self.cells[n]) in known]
        others = [n for n in self.expressions if n not in self.needed]
        others = [n for n in others if id(self.cells[n]) not in known]
        users = self._users(trained, others)
        shown = self._shown() if len(users) < len(others) else set()
        return [
            Memory(self.cells[n], self._served(n, users.get(n, []), trained))
            for n in others
            if n in users or n not in shown
        ]

    def _users(self, trained: list[int], others: list[int]) -> dict[int, list[int]]:
        """Return for each of `others` the first two parameters whose updates contain it."""
        found: dict[int, list[int]] = {}
        left = sum(1 << n for n in others)
        for parameter in trained:
            mask = self._contents.of(self.expressions[parameter]) & left
            for n in numbers(mask):
                users = found.setdefault(n, [])
                users.append(parameter)
                if len(users) == 2:
                    left &= ~(1 << n)
        return found

    def _served(self, n: int, users: list[int], trained: list[int]) -> Cell | None:
        """Return the one parameter whose update contains a cell, or that its own contains."""
        if not users:
            mask = self._contents.of(self.expressions[n])
            users = [parameter for parameter in trained if mask >> parameter & 1][:2]
        return self.cells[users[0]] if len(users) == 1 else None

    def _shown(self) -> set[int]:
        """Return the positions of cells that an expression of the program is made of."""
        updates = {id(held) for several in self.expressions.values() for held in several}
        shown = [
            node.raw
            for node in self.graph.nodes.values()
            if not node.hidden and id(node.raw) not in updates
            if is_expression(self.graph, node.raw)
        ]
        return set(numbers(self._contents.of(shown)))


def _pairs(graph: Graph, marks: Mapping[int, int]) -> Iterator[tuple[Any, Any]]:
    """Yield each cell's variable with what it becomes."""
    for node in graph.nodes.values():
        raw = node.raw
        if type(raw) is Instance:
            attributes = graph.attributes(raw)
            if is_library(class_of(raw)):
                found = (attributes.get("variable"), attributes.get("update"))
                own = [(raw, attributes.get(name)) for name in _DEFAULT_UPDATES]
                yield from _valid(graph, marks, [found, *own])
            held = raw.pairs or ()
        elif type(raw) is dict:
            held = list(raw.items())
        else:
            held = raw if type(raw) in (list, tuple) else ()
        if held and not _goes_by(node, _NO_UPDATES):
            pairs = [pair for pair in held if type(pair) in (tuple, list) and len(pair) == 2]
            valid = list(_valid(graph, marks, pairs))
            if len(valid) == len(held):
                yield from valid


def _valid(graph: Graph, marks: Mapping[int, int], pairs: Any) -> Iterator[tuple[Any, Any]]:
    for variable, expression in pairs:
        if id(variable) in marks and is_expression(graph, expression):
            yield variable, expression


def _goes_by(node: Node, words: tuple[str, ...]) -> bool:
    """Whether a word is in the name of the attribute or key that holds a value."""
    while node.parent is not None and node.step.kind in (StepKind.STATE, StepKind.INDEX):
        node = node.parent
    if node.step.kind not in (StepKind.ATTRIBUTE, StepKind.KEY):
        return False
    return any(word in label(node.step.key).lower() for word in words)


def _outputs(graph: Graph) -> Iterator[Any]:
    """Yield what compiled functions return."""
    for _, raw in graph.instances():
        if class_name(raw) in _OUTPUTS and is_library(class_of(raw)):
            yield graph.attributes(raw).get("variable")


# Names -----------------------------------------------------------------------------------------


class Described(NamedTuple):
    """What :func:`~legacy_weights.families.others.add_others` needs, by the nodes' identities."""

    roles: dict[int, Role]
    names: dict[int, Name]
    notes: dict[int, str]


def describe_memory(result: Interpretation, memory: Sequence[Memory]) -> Described:
    """Return roles, names and notes of the arrays of optimizer memory.

    A cell is named ``<parameter>/<its own name>``; without a name, by its attribute; else by a
    number among those of the parameter.

    Parameters
    ----------
    result : Interpretation
        With the snapshots whose weights the memory serves.
    memory : sequence of Memory
    """
    found = Described({}, {}, {})
    count: Counter[Name] = Counter()
    namer = Paths()
    for cell, serves in memory:
        place = result.places.get(id(serves.arrays[0].raw), "") if serves else ""
        base = paths.split(place)[2:]
        own = (cell.name,) if cell.name else _attribute(namer, cell.node)
        if not own:
            own = (f"update_{count[base]}",)
            count[base] += 1
        note = "memory of the optimizer" + (f" for {'/'.join(base)}" if base else "")
        for known in (cell, *cell.copies):
            below = Paths(below=known.inside)
            for array in known.arrays:
                part = below.name(array) if len(known.arrays) > 1 else ()
                found.roles[id(array)] = Role.OPTIMIZER
                found.names[id(array)] = (*base, *own, *part)
                found.notes[id(array)] = note
    return found


def _attribute(namer: Paths, node: Node) -> Name:
    """Return the last attribute or key of a path, and the positions below it."""
    if node.hidden:
        return ()
    name = namer.name(node)
    last = max((i for i, part in enumerate(name) if not part.isdecimal()), default=len(name))
    return name[last:]
