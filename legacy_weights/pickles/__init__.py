"""An inert pickle machine: reads every pickle, runs none."""

# The modules of opcodes register their handlers when they are imported.
from legacy_weights.pickles import calls as calls
from legacy_weights.pickles import collections as collections
from legacy_weights.pickles import control as control
from legacy_weights.pickles import numbers as numbers
from legacy_weights.pickles import strings as strings
from legacy_weights.pickles.machine import Machine as Machine
