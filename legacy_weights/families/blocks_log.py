"""The training logs of Blocks: a row an iteration, a column a channel.

``blocks/log/log.py``: a ``TrainingLog`` is a dictionary of dictionaries, by the number of the
iteration and the name of the channel; not every row has every channel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from legacy_weights.families.contents import column, is_plain, mapping, plain_json
from legacy_weights.families.graph import Graph
from legacy_weights.families.interpretation import Interpretation
from legacy_weights.families.labels import class_of, label, short
from legacy_weights.pickles.objects import Instance
from legacy_weights.tree import AnyArray, Array, Table

_CELLS = 5_000_000
_COLUMNS = 400


def log_tables(graph: Graph, result: Interpretation) -> None:
    """Add the logs of a file to `result`; the same log in several members once.

    A channel that some rows lack has NaN there.
    """
    seen: set[tuple[Any, ...]] = set()
    budget = _CELLS
    for node, raw in graph.instances():
        dotted = class_of(raw)
        if not (dotted.startswith("blocks.") and dotted.endswith("TrainingLog")):
            continue
        rows, budget = _rows(raw, budget)
        columns = _columns(rows) if rows else None
        if columns is None:
            if raw.pairs:
                where = short(graph.path(node)) or "the file"
                result.warnings.append(f"the log at {where} is kept as records only: no table")
            continue
        key = tuple((name, values.tobytes()) for name, values in columns.items())
        if key in seen:
            continue
        path = f"/logs/log{f'_{len(seen)}' if seen else ''}"
        seen.add(key)
        result.tables.append(Table(path, {k: Array.of(v) for k, v in columns.items()}))
        status = {
            label(name): plain_json(value)
            for name, value in mapping(graph.attributes(raw).get("status"))
            if isinstance(name, str | bytes) and is_plain(value)
        }
        result.metadata.setdefault("status", status)


def _rows(raw: Instance, budget: int) -> tuple[dict[int, dict[str, Any]], int]:
    """Return the rows by their iteration, and what is left of the budget; a huge log has none."""
    rows: dict[int, dict[str, Any]] = {}
    labelled: dict[int, dict[str, Any]] = {}
    for time, row in mapping(raw):
        held = row if type(row) is dict else ()
        budget -= 1 + len(held)
        if budget < 0:
            return {}, 0
        if type(time) is int and 0 <= time < 2**63 and type(row) is dict:
            if id(row) not in labelled:  # a small file can have one row a million times
                named = {label(k): v for k, v in row.items() if isinstance(k, str | bytes)}
                labelled[id(row)] = named
            rows[time] = labelled[id(row)]
    return rows, budget


def _columns(rows: dict[int, dict[str, Any]]) -> dict[str, AnyArray] | None:
    """Return the iterations and the channels of numbers, or None if they are too many."""
    times = sorted(rows)
    names = list(dict.fromkeys(name for time in times for name in sorted(rows[time])))
    if len(names) > _COLUMNS or len(names) * len(times) > _CELLS:
        return None
    columns: dict[str, AnyArray] = {"iteration": np.array(times, np.int64)}
    for name in names:
        held = [(place, rows[t][name]) for place, t in enumerate(times) if name in rows[t]]
        values = column([value for _, value in held])
        if values is None:
            continue
        if len(values) < len(times):
            places = [place for place, _ in held]
            dtype = values.dtype if values.dtype.kind == "f" else np.float64
            whole = np.full(len(times), np.nan, dtype)
            whole[places] = values
            values = whole
        columns[f"{name} (channel)" if name in columns else name] = values
    return columns if len(columns) > 1 else None
