"""The table of the opcodes' handlers."""

import pickletools

from legacy_weights.pickles.opcodes import HANDLERS, PROTOCOLS


def test_each_opcode_has_a_handler():
    known = {ord(opcode.code): opcode.proto for opcode in pickletools.opcodes}
    handled = {code: PROTOCOLS[code] for code in range(256) if HANDLERS[code]}
    assert handled == known
