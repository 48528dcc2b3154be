"""How fast the flat vector is: each figure as a ratio to one ``np.copyto`` of the same bytes.

Run it on a machine with nothing else to do::

    python benchmarks/flat.py            # all sizes; the largest needs about 8 GB
    python benchmarks/flat.py A B        # some of them
    python benchmarks/flat.py A B --jax  # the JAX backend only

All candidates of a table are timed in one process, by turns, and the best of many rounds counts.
``spread`` is the median of the baseline over its best: near 1 on a quiet machine, and no figure is
worth more than that.  Peers stand beside it where they are installed.
"""

from __future__ import annotations

import argparse
import gc
import operator
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytensor

from legacy_weights.flat import FlatVector

Shapes = list[tuple[int, ...]]
Table = dict[str, Callable[[], object]]

SIZES: dict[str, Shapes] = {
    "A": [(11, 64), (64,), (64, 64), (64,), (64, 3), (3,)],
    "B": [(100, 100)] * 100,
    "C": [(250, 625)] * 160,
    "D": [(250, 400)] * 1000,
}
TARGETS = {
    "host set": {"A": 4, "B": 1.2, "C": 1.1, "D": 1.1},
    "host get(out=)": {"A": 4, "B": 1.2, "C": 1.1, "D": 1.1},
    "JAX set of a host theta": {"A": 1.3, "B": 1.3, "C": 1.15, "D": 1.15},
    "JAX set of a device theta": {"A": 1.3, "B": 1.3, "C": 1.15, "D": 1.15},
}
BINDING_MS = 50


def rounds(candidates: Table, seconds: float) -> dict[str, list[float]]:
    """Time the candidates by turns, and return the seconds a call of each round."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    repeats = {}
    for name, call in candidates.items():
        call()
        start = time.perf_counter()
        call()
        # About 2 ms a turn: longer than a timer's tick, shorter than most interruptions.
        repeats[name] = max(1, int(2e-3 / (time.perf_counter() - start)))
    gc.disable()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[next(iter(times))]) < 7:
        for name, call in candidates.items():
            turn = range(repeats[name])
            start = time.perf_counter()
            for _ in turn:
                call()
            times[name].append((time.perf_counter() - start) / len(turn))
    gc.enable()
    return times


def show(size: str, shapes: Shapes, baseline: str, times: dict[str, list[float]]) -> None:
    """Print a table: the best of each candidate, and its ratio to the best of the baseline."""
    best = min(times[baseline])
    spread = statistics.median(times[baseline]) / best
    elements = sum(int(np.prod(shape)) for shape in shapes)
    print(f"\n{size}: {len(shapes)} variables, {elements:,} float64; spread {spread:.2f}")
    for name, seconds in times.items():
        ratio = min(seconds) / best
        target = TARGETS.get(name, {}).get(size)
        verdict = "" if target is None else f"  (target {target}{'' if ratio <= target else ' !'})"
        print(f"  {name:58s} {min(seconds) * 1e6:12.1f} µs {ratio:7.2f}{verdict}")


def variables(shapes: Shapes) -> list[Any]:
    """Return shared variables of zeros."""
    return [pytensor.shared(np.zeros(s), f"v{i:04d}", borrow=True) for i, s in enumerate(shapes)]


def host(size: str, shapes: Shapes, seconds: float) -> None:
    """Print the table of the host backend."""
    members = variables(shapes)
    start = time.perf_counter()
    flat = FlatVector(members)
    binding = (time.perf_counter() - start) * 1e3
    theta, out = np.random.default_rng(0).normal(size=(2, flat.size))
    buffer = np.zeros(flat.size)
    candidates: Table = {
        "np.copyto": lambda: np.copyto(buffer, theta),
        "host set": lambda: flat.set(theta),
        "host get(out=)": lambda: flat.get(out),
    }
    show(size, shapes, "np.copyto", rounds(candidates, seconds))
    np.testing.assert_array_equal(out, theta)
    print(
        f"  binding {binding:.1f} ms" + (f" (target {BINDING_MS})" if len(shapes) == 1000 else "")
    )
    peers: Table = {
        "np.copyto": candidates["np.copyto"],
        "peer: GAIL's set_params loop on PyTensor": lambda: gail_set(peer_members, theta),
        "peer: loop of set_value(borrow=True)": lambda: loop_set(peer_members, theta),
    }
    peer_members = variables(shapes)
    peers |= torch_peer(shapes, theta)
    show(f"{size} (peers)", shapes, "np.copyto", rounds(peers, seconds))


def gail_set(members: Sequence[Any], theta: np.ndarray) -> None:
    """Do what imitation's policyopt/nn.py does in ``set_params_from_flat``."""
    position = 0
    for member in members:
        value = member.get_value(borrow=True)
        member.set_value(theta[position : position + value.size].reshape(value.shape))
        position += value.size


def loop_set(members: Sequence[Any], theta: np.ndarray) -> None:
    """Set copies of the slices, one by one."""
    position = 0
    for member in members:
        shape = member.get_value(borrow=True).shape
        size = int(np.prod(shape))
        piece = theta[position : position + size].reshape(shape).copy()
        member.set_value(piece, borrow=True)
        position += size


def torch_peer(shapes: Shapes, theta: np.ndarray) -> Table:
    """Return what PyTorch has for it, if it is installed."""
    try:
        import torch
    except ImportError:
        return {}
    parameters = [torch.nn.Parameter(torch.zeros(s, dtype=torch.float64)) for s in shapes]
    vector = torch.from_numpy(theta)
    convert = torch.nn.utils.vector_to_parameters
    return {
        "peer: torch vector_to_parameters(vec.clone())": lambda: convert(vector.clone(), parameters)
    }


def jax_backend(size: str, shapes: Shapes, seconds: float) -> None:
    """Print the tables of the JAX backend."""
    import jax

    flat = FlatVector(variables(shapes), backend="jax")
    sharding = jax.sharding.SingleDeviceSharding(flat.device)
    bounds = np.cumsum([0, *(entry.size for entry in flat.layout)]).tolist()

    def cut(theta: Any) -> list[Any]:
        return [
            jax.lax.slice(theta, (start,), (end,)).reshape(shape)
            for start, end, shape in zip(bounds, bounds[1:], shapes, strict=False)
        ]

    unravel = jax.jit(cut, out_shardings=sharding)
    theta = np.random.default_rng(0).normal(size=flat.size)
    there = jax.device_put(theta, flat.device)
    cells = [variable.container.storage for variable in flat.variables]
    value_of, wait = operator.itemgetter(0), jax.block_until_ready

    from_host = "block_until_ready(unravel(theta.copy()))"
    candidates: Table = {
        from_host: lambda: wait(unravel(theta.copy())),
        "JAX set of a host theta": lambda: (flat.set(theta), wait(list(map(value_of, cells)))),
    }
    show(f"{size}", shapes, from_host, rounds(candidates, seconds))
    from_device = "block_until_ready(unravel(theta on the device))"
    candidates = {
        from_device: lambda: wait(unravel(there)),
        "JAX set of a device theta": lambda: (flat.set(there), wait(list(map(value_of, cells)))),
    }
    show(f"{size}", shapes, from_device, rounds(candidates, seconds))
    ravel_pytree_peer(flat, there, seconds)
    np.testing.assert_array_equal(flat.get(), theta)


def ravel_pytree_peer(flat: FlatVector, theta: Any, seconds: float) -> None:
    """Print the figure of jax.flatten_util beside one copyto, where it compiles soon enough."""
    import jax
    from jax.flatten_util import ravel_pytree

    if len(flat.layout) > 160:
        return
    _, unravel = ravel_pytree([np.zeros(entry.shape) for entry in flat.layout])
    jitted = jax.jit(unravel)
    source, buffer = np.asarray(theta), np.zeros(flat.size)
    candidates: Table = {
        "np.copyto": lambda: np.copyto(buffer, source),
        "peer: jax jitted ravel_pytree unravel, theta on the device": lambda: jax.block_until_ready(
            jitted(theta)
        ),
    }
    shapes = [entry.shape for entry in flat.layout]
    show("peer", shapes, "np.copyto", rounds(candidates, seconds))


def main() -> None:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=list(SIZES), help="of A, B, C, D")
    parser.add_argument("--seconds", type=float, default=6.0, help="for each table")
    parser.add_argument("--host", action="store_true", help="the host backend only")
    parser.add_argument("--jax", action="store_true", help="the JAX backend only")
    options = parser.parse_args()
    for size in options.sizes:
        if not options.jax:
            host(size, SIZES[size], options.seconds)
        if not options.host:
            jax_backend(size, SIZES[size], options.seconds)


if __name__ == "__main__":
    main()
