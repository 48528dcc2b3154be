"""Opens Theano-era files without running them, and brings their weights to PyTensor.

>>> import legacy_weights
>>> report = legacy_weights.migrate("best_model.pkl")
>>> with legacy_weights.open(report.path) as file:
...     weights = file.weights()

Importing this package is cheap; what a function needs is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from legacy_weights.api import Report as Report
    from legacy_weights.api import migrate as migrate
    from legacy_weights.api import open as open
    from legacy_weights.api import read as read
    from legacy_weights.errors import LegacyWeightsError as LegacyWeightsError
    from legacy_weights.flat import FlatVector as FlatVector
    from legacy_weights.flat import assign as assign
    from legacy_weights.flat import flat_grad as flat_grad
    from legacy_weights.models import load_model as load_model
    from legacy_weights.models import load_policy as load_policy
    from legacy_weights.saving import TrainingLog as TrainingLog
    from legacy_weights.saving import save as save

_HOMES = {
    "FlatVector": "flat",
    "LegacyWeightsError": "errors",
    "Report": "api",
    "TrainingLog": "saving",
    "assign": "flat",
    "flat_grad": "flat",
    "load_model": "models",
    "load_policy": "models",
    "migrate": "api",
    "open": "api",
    "read": "api",
    "save": "saving",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
