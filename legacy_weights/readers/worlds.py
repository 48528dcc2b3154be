"""What a pickle names of programs that are not of Theano's world."""

from __future__ import annotations

from collections.abc import Iterable

from legacy_weights.families.labels import short
from legacy_weights.pickles.objects import Global

_WORLDS = {
    "cloudpickle": "cloudpickle wrote it ({}): functions and classes that it defines are kept as "
    "records, their code as bytes, and none is run",
    "torch": "it names PyTorch ({}): tensors that PyTorch packs into bytes of its own are kept as "
    "bytes; PyTorch reads them",
    "tensorflow": "it names TensorFlow ({}), which keeps its variables elsewhere: look for a "
    "checkpoint beside it",
}
_EXAMPLES = 3


def other_worlds(classes: Iterable[Global]) -> list[str]:
    """Return a note for each other program of which a file names classes or functions.

    cloudpickle has been copied into other packages, such as ``joblib.externals`` and ``pyspark``.

    Parameters
    ----------
    classes : iterable of Global
    """
    found: dict[str, dict[str, None]] = {}
    for named in classes:
        parts = named.module.split(".")
        world = "cloudpickle" if any(p.startswith("cloudpickle") for p in parts) else parts[0]
        if world in _WORLDS:
            found.setdefault(world, {})[short(named.dotted)] = None
    return [_WORLDS[world].format(_shown(list(names))) for world, names in sorted(found.items())]


def _shown(names: list[str]) -> str:
    more = ", …" if len(names) > _EXAMPLES else ""
    return ", ".join(sorted(names)[:_EXAMPLES]) + more
