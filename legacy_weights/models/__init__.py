"""PyTensor models rebuilt from trees.

PyTensor is imported when something that needs it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from legacy_weights.models.graph import Network, PolicyGraph
    from legacy_weights.models.layers import Feedforward, feedforward
    from legacy_weights.models.loading import load_model, load_policy
    from legacy_weights.models.model import Model, ModelGraph
    from legacy_weights.models.plotting import plot
    from legacy_weights.models.policy import Policy
    from legacy_weights.models.replaying import Replay, replay
    from legacy_weights.models.trpo import StepInfo

__all__ = [
    "Feedforward",
    "Model",
    "ModelGraph",
    "Network",
    "Policy",
    "PolicyGraph",
    "Replay",
    "StepInfo",
    "feedforward",
    "load_model",
    "load_policy",
    "plot",
    "replay",
]

_HOMES = {
    "Feedforward": "layers",
    "Model": "model",
    "ModelGraph": "model",
    "Network": "graph",
    "Policy": "policy",
    "PolicyGraph": "graph",
    "Replay": "replaying",
    "StepInfo": "trpo",
    "feedforward": "layers",
    "load_model": "loading",
    "load_policy": "loading",
    "plot": "plotting",
    "replay": "replaying",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
