"""How long `policy.act` takes, as a ratio to the same forward pass by hand in NumPy.

    python benchmarks/policy.py [--seconds 2]

Both are timed in turn within one process, on one observation and on a batch of 5,000; the best of
many rounds counts.  The NumPy side is the leanest there is: the standard deviation is computed
beforehand, nothing is checked, and discrete actions are taken from the unnormalized scores.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from legacy_weights.models import Network, Policy

Array = NDArray[np.float64]
BATCH = 5_000


@dataclass(frozen=True)
class Case:
    """A policy's shape: that of a GAIL expert."""

    name: str
    kind: str
    observations: int
    hidden: tuple[int, ...]
    func: str
    outputs: int

    @property
    def spec(self) -> tuple[dict[str, str | int], ...]:
        """The hidden layers, as GAIL writes them."""
        layers = [
            ({"type": "fc", "n": n}, {"type": "nonlin", "func": self.func}) for n in self.hidden
        ]
        return tuple(layer for pair in layers for layer in pair)


CASES = (
    Case("CartPole", "GibbsPolicy", 4, (64, 64), "tanh", 2),
    Case("Hopper", "GaussianPolicy", 11, (64, 64), "tanh", 3),
    Case("HalfCheetah", "GaussianPolicy", 17, (50,), "lrelu", 6),
    Case("Ant", "GaussianPolicy", 111, (64, 64), "tanh", 8),
)


def arrays_of(case: Case) -> dict[str, Array]:
    """Return random weights by GAIL's names."""
    rng = np.random.default_rng(0)
    widths = (case.observations, *case.hidden)
    arrays = {
        "obsnorm/Standardizer/count": np.array(1e6),
        "obsnorm/Standardizer/mean_1_D": rng.normal(size=(1, case.observations)),
        "obsnorm/Standardizer/meansq_1_D": rng.uniform(5, 9, (1, case.observations)),
    }
    for i, (n, m) in enumerate(zip(widths, (*case.hidden, case.outputs), strict=True)):
        last = i == len(case.hidden)
        scope = "out" if last else f"hidden/FeedforwardNet/layer_{2 * i}"
        arrays[f"{scope}/AffineLayer/W"] = rng.normal(size=(n, m)) / np.sqrt(n)
        arrays[f"{scope}/AffineLayer/b"] = rng.normal(size=(1, m)) * 0.1
    if case.kind == "GaussianPolicy":
        arrays["logstdevs_1_Da"] = np.zeros((1, case.outputs))
    return {f"{case.kind}/{name}": array for name, array in arrays.items()}


def by_hand(case: Case, arrays: dict[str, Array]) -> Callable[[Array], Array]:
    """Return the forward pass (batch, observations) → actions in plain NumPy."""
    inner = {name.partition("/")[2]: array for name, array in arrays.items()}
    mean = inner["obsnorm/Standardizer/mean_1_D"]
    meansq = inner["obsnorm/Standardizer/meansq_1_D"]
    stdev = np.sqrt(np.maximum(meansq - mean**2, 0.0)) + 1e-6
    scopes = [f"hidden/FeedforwardNet/layer_{2 * i}" for i in range(len(case.hidden))]
    layers = [(inner[f"{s}/AffineLayer/W"], inner[f"{s}/AffineLayer/b"]) for s in scopes]
    w_out, b_out = inner["out/AffineLayer/W"], inner["out/AffineLayer/b"]
    tanh, discrete = case.func == "tanh", case.kind == "GibbsPolicy"

    def act(obs: Array) -> Array:
        x = (obs - mean) / stdev
        for w, b in layers:
            x = x @ w + b
            x = np.tanh(x) if tanh else np.maximum(x, 0.01 * x)
        out = x @ w_out + b_out
        return out.argmax(axis=1)[:, None] if discrete else out

    return act


def compete(functions: list[Callable[[Array], Array]], obs: Array, seconds: float) -> list[float]:
    """Return the best time a call of each function, timed in turn for `seconds` in all."""
    best = [np.inf] * len(functions)
    started = time.perf_counter()
    functions[0](obs)
    calls = max(1, int(2e-3 / max(time.perf_counter() - started, 1e-6)))
    while time.perf_counter() - started < seconds:
        for i, function in enumerate(functions):
            begin = time.perf_counter()
            for _ in range(calls):
                function(obs)
            best[i] = min(best[i], (time.perf_counter() - begin) / calls)
    return best


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each figure")
    seconds = parser.parse_args().seconds
    warnings.filterwarnings("ignore", "PyTensor could not link to a BLAS")
    print(f"{'policy':<12} {'obs':>6} {'NumPy':>11} {'policy.act':>11} {'ratio':>6}")
    for case in CASES:
        arrays = arrays_of(case)
        policy = Policy(Network(arrays, case.spec))
        hand = by_hand(case, arrays)
        for size in (1, BATCH):
            obs = np.random.default_rng(1).normal(size=(size, case.observations))
            np.testing.assert_allclose(policy.act(obs), hand(obs), rtol=1e-9, atol=1e-12)
            ours, theirs = compete([policy.act, hand], obs, seconds)
            print(
                f"{case.name:<12} {size:>6} {theirs * 1e6:>8.1f} µs {ours * 1e6:>8.1f} µs"
                f" {ours / theirs:>6.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
