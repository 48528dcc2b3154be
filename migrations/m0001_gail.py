"""GAIL's own layout (version 0) becomes version 1 of the hierarchy.

A training log of openai/imitation (2016; ``TrainingLog`` and ``Model.save_h5`` in
``policyopt/nn.py``) keeps its arguments in an attribute of the root, its log in a table, and one
group of arrays a snapshot.  The step leaves table and arrays where they are, and adds what they
lack: the order of the flat vector, roles, which snapshots are complete, and the arguments as a
document.  Arrays at the root become the only snapshot; trajectories go below ``/other/data``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from legacy_weights import paths
from legacy_weights.description import Description, attribute_records
from legacy_weights.errors import DamagedError
from legacy_weights.families import gail
from legacy_weights.tree import JSON, Array, Order, Role, Table, Trainable

FROM = 0
TO = 1

_ORDER_NOTE = "GAIL's variable scopes"


def upgrade(old: Description) -> Description:
    """Return the description in version 1."""
    trajectories = gail.trajectory_kind(old.arrays)
    found = {} if trajectories else _snapshots(old)
    taken = {path for members in found.values() for path in members}
    arrays: dict[str, Array] = {}
    rows: list[JSON] = []
    for name, members in found.items():
        for position, path in enumerate(members):
            inside = _inside(path, name)
            place = paths.join(("snapshots", name, *inside))
            arrays[place] = old.arrays[path]
            role, trainable = gail.role("/".join(inside))
            rows.append(_row(name, place, "/".join(inside), role, trainable, position, path))
    loose = [path for path in old.arrays if path not in taken]
    for position, path in enumerate(loose):
        parts = paths.split(path)
        place = paths.join(("other", Role.DATA.section, *parts))
        arrays[place] = old.arrays[path]
        name = "/".join(parts)
        rows.append(_row("", place, name, Role.DATA, Trainable.NO, position, path))
    tables = dict(_tables(old))
    warnings = list(_warnings(old, found))
    complete = [name for name in found if _is_complete(old, found, name)]
    manifest: dict[str, JSON] = {
        "family": "GAIL",
        "evidence": _evidence(trajectories, found),
        "default_snapshot": next(reversed(complete or [*found]), None),
        "partial": len(complete) < len(found),
        "classes": [],
        "warnings": list(warnings),
    }
    documents: dict[str, JSON] = {
        "/meta/manifest": manifest,
        "/meta/args": _documents(old, trajectories),
        "/meta/history": [{"action": "upgrade", "from": FROM, "to": TO}],
        "/meta/records": attribute_records(old),
        "/index": rows,
    }
    return Description(
        version=TO,
        source=old.source,
        attributes=dict(_groups(old, found)),
        arrays=arrays,
        tables=tables,
        documents=documents,
        groups=tuple(paths.join(("snapshots", name)) for name in found),
    )


def _snapshots(old: Description) -> dict[str, list[str]]:
    """Return the paths of the arrays of each snapshot, in GAIL's order."""
    names = [paths.split(path)[1] for path in old.groups if path.count("/") == 2]
    found: dict[str, list[str]] = {
        name: []
        for name in sorted(names, key=paths.natural)
        if paths.join(("snapshots", name)) in old.groups
    }
    loose: list[str] = []
    for path in old.arrays:
        parts = paths.split(path)
        if parts[0] == "snapshots" and len(parts) > 2 and parts[1] in found:
            found[parts[1]].append(path)
        elif parts[0] != "snapshots" and len(parts) > 1:
            loose.append(path)
    found = {name: members for name, members in found.items() if members}
    if loose and not found:
        # Model.save_h5: the names of the arrays begin with a slash, so the key's group has none.
        keys = [path for path in old.groups if "hash" in old.attributes.get(path, {})]
        name = paths.split(keys[0])[-1] if len(keys) == 1 else "model"
        found = {name: loose}
    ordered: dict[str, list[str]] = {}
    for name, members in found.items():
        by_name = {"/".join(_inside(path, name)): path for path in members}
        ordered[name] = [by_name[inner] for inner in gail.order_names(by_name)[0]]
    return ordered


def _inside(path: str, snapshot: str) -> tuple[str, ...]:
    """Return the names of an array's scopes within its snapshot."""
    parts = paths.split(path)
    return parts[2:] if parts[:2] == ("snapshots", snapshot) else parts


def _hash(old: Description, name: str) -> str | None:
    for path in old.groups:
        if paths.split(path)[-1] == name and "hash" in old.attributes.get(path, {}):
            value = old.attributes[path]["hash"]
            return value if isinstance(value, str) else None
    return None


def _is_complete(old: Description, found: Mapping[str, Sequence[str]], name: str) -> bool:
    """Whether a snapshot was written whole: its hash comes last, and it lacks no variable."""
    hashes = [_hash(old, other) is not None for other in found]
    if any(hashes) and _hash(old, name) is None:
        return False
    return len(found[name]) == max(map(len, found.values()))


def _groups(
    old: Description, found: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, dict[str, JSON]]]:
    for name, members in found.items():
        known = gail.order_names("/".join(_inside(path, name)) for path in members)[1]
        yield (
            paths.join(("snapshots", name)),
            {
                "iteration": gail.iteration(name),
                "order_source": str(Order.FORMAT if known else Order.UNKNOWN),
                "order_note": _ORDER_NOTE if known else "",
                "complete": _is_complete(old, found, name),
                "legacy_hash": _hash(old, name),
            },
        )


def _row(
    snapshot: str,
    place: str,
    name: str,
    role: Role,
    trainable: Trainable,
    position: int,
    origin: str,
) -> dict[str, JSON]:
    return {
        "snapshot": snapshot,
        "path": place,
        "name": name,
        "role": str(role),
        "trainable": int(trainable),
        "position": position,
        "origin": [origin],
    }


def _tables(old: Description) -> Iterator[tuple[str, Table]]:
    for path, table in old.tables.items():
        place = path if path == "/log" else paths.join(("logs", "/".join(paths.split(path))))
        yield place, Table(place, table.columns)


def _documents(old: Description, trajectories: str | None) -> dict[str, JSON]:
    """Return the arguments as structured metadata; GAIL keeps them as JSON text."""
    documents: dict[str, JSON] = {}
    text = old.attributes.get("/", {}).get("args")
    if isinstance(text, str):
        try:
            documents["args"] = gail.json_value(text, "args")
        except DamagedError:
            documents["args"] = text
    if trajectories:
        documents["trajectories"] = trajectories
    return documents


def _warnings(old: Description, found: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for path, reason in old.unread.items():
        yield f"{path} is not read: {reason}"
    for name, members in found.items():
        if not _is_complete(old, found, name):
            most = max(map(len, found.values()))
            yield (
                f"snapshot {name} is incomplete: {len(members)} of {most} variables"
                + ("" if _hash(old, name) else ", and it was never closed by its hash")
            )
        if not gail.order_names("/".join(_inside(path, name)) for path in members)[1]:
            yield f"snapshot {name} has variables that GAIL did not use; their order is not known"


def _evidence(trajectories: str | None, found: Mapping[str, Sequence[str]]) -> str:
    if trajectories:
        return f"trajectories ({trajectories})"
    return "training log" if any(gail.iteration(name) is not None for name in found) else "model"
