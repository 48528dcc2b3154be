"""A picture of a training log: its curves, and the weights of one snapshot."""

from __future__ import annotations

from math import ceil
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from legacy_weights.choosing import choose
from legacy_weights.errors import UsageError
from legacy_weights.families.gail import scopes
from legacy_weights.tree import Snapshot, Table, Tree

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

# What GAIL's logs call things (policyopt/rl.py, policyopt/imitation.py), the weightiest first.
_TITLES = {
    "ret": "return",
    "trueret": "true return",
    "iret": "return by the imitated reward",
    "avglen": "episode length (steps)",
    "ent": "policy entropy (nats)",
    "kl": "KL of the step (nats)",
    "dl": "gain of the surrogate",
    "gnorm": "gradient, largest component",
    "dx": "parameter change, largest",
    "vf_r2": "value function R²",
    "bcloss": "cloning loss",
    "valloss": "cloning loss, validation",
}
_GAIL = "GAIL"
_COLUMNS = 3
_CURVE = "#2a6f97"


def plot(
    tree: Tree,
    path: str | PathLike[str] | None = None,
    snapshot: int | str | None = None,
) -> Figure:
    """Draw the training curves of a log and the weights of a snapshot.

    Parameters
    ----------
    tree : Tree
        Of a GAIL log or a migrated file.
    path : path, optional
        Where to save the picture; its suffix tells the format (png, pdf, svg).
    snapshot : int or str, optional
        Whose weights; None is the last.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UsageError
        If there is nothing to draw, no such snapshot, or no matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError(
            "matplotlib is not installed", advice="pip install 'legacy-weights[plot]'"
        ) from error
    log = next((table for table in tree.tables if table.path == "/log" and table.length), None)
    curves = _curves(log, tree.family)
    chosen = choose(tree, snapshot) if tree.snapshots or snapshot is not None else None
    weights = _weights(chosen, tree.family)
    if not curves and not weights:
        raise UsageError("the file has neither a log nor weights to draw")
    rows = [ceil(len(part) / _COLUMNS) for part in (curves, weights) if part]
    figure = Figure(
        figsize=(4.2 * _COLUMNS, 2.6 * sum(rows) + 0.5 * len(rows)), layout="constrained"
    )
    parts = figure.subfigures(len(rows), 1, height_ratios=rows, squeeze=False)[:, 0]
    if curves:
        parts[0].suptitle(f"Training: {_environment(tree)}{tree.source.name}")
        for axes, (name, x, y) in zip(_grid(parts[0], len(curves)), curves, strict=True):
            _draw_curve(axes, name, x, y, chosen)
    if weights and chosen is not None:
        parts[-1].suptitle(f"Weights of {chosen.name} (matrices: inputs down, outputs across)")
        for axes, (name, matrix) in zip(_grid(parts[-1], len(weights)), weights, strict=True):
            _draw_weights(axes, name, matrix)
    if path is not None:
        figure.savefig(path, dpi=120)
    return figure


def _environment(tree: Tree) -> str:
    args = tree.metadata.get("args")
    name = args.get("env_name") if isinstance(args, dict) else None
    return f"{name}, " if name else ""


def _curves(log: Table | None, family: str) -> list[tuple[str, Any, Any]]:
    if log is None:
        return []
    drawn = {
        name: column.load()
        for name, column in log.columns.items()
        if column.dtype.kind in "biuf" and len(column.shape) == 1
    }
    x = drawn.pop("iter", np.arange(log.length))
    names = [name for name in _TITLES if name in drawn]
    if family != _GAIL:  # of GAIL's twenty columns the weightiest are enough
        names += [name for name in drawn if name not in _TITLES]
    return [(name, x, drawn[name]) for name in names]


def _weights(snapshot: Snapshot | None, family: str) -> list[tuple[str, Any]]:
    if snapshot is None:
        return []
    found = []
    for leaf in snapshot.leaves:
        if leaf.in_theta and len(leaf.array.shape) == 2 and leaf.array.size:
            parts = list(scopes(leaf.name))
            if family == _GAIL:
                parts = [p for p in parts[1:] if p not in ("FeedforwardNet", "AffineLayer")]
            found.append(("/".join(parts) or leaf.name, leaf.array.load()))
    return found


def _grid(figure: SubFigure, n: int) -> list[Axes]:
    axes = figure.subplots(ceil(n / _COLUMNS), _COLUMNS, squeeze=False).ravel()
    for unused in axes[n:]:
        unused.set_axis_off()
    return list(axes[:n])


def _draw_curve(axes: Axes, name: str, x: Any, y: Any, snapshot: Snapshot | None) -> None:
    axes.plot(x, y, color=_CURVE, linewidth=1.2)
    axes.set_title(_TITLES.get(name, name), fontsize=10)
    axes.set_xlabel("iteration", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25)
    if snapshot is not None and snapshot.iteration is not None:
        axes.axvline(snapshot.iteration, color="0.5", linewidth=0.8, linestyle=":")


def _draw_weights(axes: Axes, name: str, matrix: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_title(f"{name}  {matrix.shape[0]} × {matrix.shape[1]}", fontsize=10)
    axes.tick_params(labelsize=8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if matrix.shape[0] == 1:
        axes.bar(np.arange(matrix.shape[1]), matrix[0], color=_CURVE, width=0.9)
        axes.axhline(0.0, color="0.5", linewidth=0.8)
        return
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    finite = np.abs(matrix[np.isfinite(matrix)])
    limit = float(finite.max()) if finite.size else 0.0
    image = axes.imshow(
        matrix,
        cmap="RdBu_r",
        vmin=-(limit or 1.0),
        vmax=limit or 1.0,
        aspect="auto",
        interpolation="nearest",
    )
    axes.figure.colorbar(image, ax=axes).ax.tick_params(labelsize=7)
