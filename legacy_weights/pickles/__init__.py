"""An inert pickle machine: reads every pickle, runs none."""

# The modules of opcodes register their handlers when they are imported.
from legacy_weights.pickles import calls as calls
from legacy_weights.pickles import control as control
from legacy_weights.pickles import literals as literals
from legacy_weights.pickles.machine import Limits as Limits
from legacy_weights.pickles.machine import Machine as Machine
