"""New models in the same hierarchy as the old ones: whole files, and logs that grow."""

from legacy_weights.saving.saved import save
from legacy_weights.saving.training_log import TrainingLog

__all__ = ["TrainingLog", "save"]
