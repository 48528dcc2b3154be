"""Which Theano wrote a file, as far as the file shows it.

Each sign is a class or an attribute that came or went with a release; the releases are the tags
of Theano's repository.  An object that an old file brought into a newer Theano keeps its old
form, so signs can contradict each other: then no version is stated.
"""

from __future__ import annotations

from collections.abc import Iterator

from legacy_weights.families.graph import Graph
from legacy_weights.families.labels import class_of, text_of
from legacy_weights.pickles.objects import ABSENT, Instance

_RELEASES = ("0.5", "0.6", "0.7", "0.8", "0.9", "1.0")
_FIRST = {
    "theano.tensor.type.": "0.6",  # before, the types stood in theano.tensor.basic
    "theano.sandbox.gpuarray.": "0.6",
    "theano.gpuarray.": "0.9",
}
"""Modules that came with a release."""
_LAST = {
    "theano.tensor.basic.TensorType": "0.5",
    "theano.sandbox.cuda.": "0.9",
    "theano.sandbox.gpuarray.": "0.8",
}
"""Modules and classes that were there up to a release."""
_PYMC = ("theano.graph.", "theano.link.basic.", "theano.compile.function.types.")
"""Modules that only Theano-PyMC has, from 1.1 on."""


def framework(graph: Graph) -> str:
    """Return the name of the framework and what shows of its version.

    ``Theano 0.7 or later, before 1.0``, or ``Theano`` alone if nothing shows.

    Nothing, if the file has no object of Theano or its heirs.
    """
    lowest, highest, theano = 0, len(_RELEASES) - 1, False
    names: dict[int, str] = {}
    for _, raw in graph.instances():
        dotted = names.get(id(raw.cls)) or names.setdefault(id(raw.cls), class_of(raw))
        if dotted.startswith("aesara."):
            return "Aesara"
        if dotted.startswith("pytensor."):
            return "PyTensor"
        if not dotted.startswith("theano."):
            continue
        if dotted.startswith(_PYMC):
            return "Theano-PyMC 1.1"
        theano = True
        for first, last in _signs(graph, raw, dotted):
            lowest = max(lowest, _RELEASES.index(first))
            highest = min(highest, _RELEASES.index(last))
    return _stated(lowest, highest) if theano else ""


def _stated(lowest: int, highest: int) -> str:
    """Return both ends in words: a release was preceded by a year of development versions."""
    shown = []
    if lowest <= highest and lowest > 0:
        shown.append(f"{_RELEASES[lowest]} or later")
    if lowest <= highest < len(_RELEASES) - 1:
        shown.append(f"before {_RELEASES[highest + 1]}")
    return " ".join(["Theano", *([", ".join(shown)] if shown else [])])


def _signs(graph: Graph, raw: Instance, dotted: str) -> Iterator[tuple[str, str]]:
    """Yield the first and the last release that a record can be of."""
    for start, first in _FIRST.items():
        if dotted.startswith(start):
            yield first, _RELEASES[-1]
    for start, last in _LAST.items():
        if dotted.startswith(start):
            yield _RELEASES[0], last
    name = dotted.rpartition(".")[2]
    if name == "_constructor_Function" and len(raw.args) in (3, 4):
        # theano/compile/function_module.py: `trust_input` came with the betas of 1.0.
        yield ("1.0", "1.0") if len(raw.args) == 4 else (_RELEASES[0], "0.9")
    if name.endswith("Variable") and raw.state is not ABSENT:
        attributes = graph.attributes(raw)
        auto = attributes.get("auto_name")
        if isinstance(auto, str | bytes) and text_of(auto).startswith("auto_"):
            yield "0.7", _RELEASES[-1]  # Variable.__init__ of theano/gof/graph.py
        elif "auto_name" not in attributes and {"owner", "index", "name"} <= attributes.keys():
            yield _RELEASES[0], "0.6"
