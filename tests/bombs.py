"""Small pickles that would keep a machine busy or fill its memory: `BOMBS`, by name.

Those in `REFUSED` ask for something that no program writes, and get an error; all others are
read, in little time.
"""

import struct


def short(text):
    """Return a SHORT_BINSTRING."""
    return b"U" + bytes([len(text)]) + text


def long(text):
    """Return a BINSTRING."""
    return b"T" + struct.pack("<i", len(text)) + text


def text(value):
    """Return a BINUNICODE."""
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def integer(value):
    """Return a LONG1 or LONG4."""
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return (
        b"\x8a" + bytes([len(raw)]) if len(raw) < 256 else b"\x8b" + struct.pack("<i", len(raw))
    ) + raw


def dag(opcodes, levels=40, seed=b"N"):
    """Return an object that holds another twice, which holds another twice, and so on."""
    return seed + opcodes * levels


DTYPE = b"cnumpy\ndtype\n"
F8 = DTYPE + b"(U\x02f8tR"
ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
SCALAR = b"cnumpy.core.multiarray\nscalar\n"
LIST = b"q\xff0](h\xffh\xffe"  # of the topmost object, twice
FIELDS = b"".join(short(b"%d" % i) + b"(h\x05K\x00t" for i in range(2000))
NAMES = b"(" + b"".join(short(b"%d" % i) for i in range(2000)) + b"t"
NESTED = DTYPE + b"(U\x02f8tR"
for _ in range(40):
    # Each level has eight fields of the level below.
    NESTED += (
        b"q\x050"
        + DTYPE
        + b"(U\x02V8tR(K\x03U\x01|N("
        + b"".join(short(b"%d" % i) for i in range(8))
        + b"t}("
        + b"".join(short(b"%d" % i) + b"(h\x05K\x00t" for i in range(8))
        + b"uM\x00\xffK\x01K\x00tb"
    )
PRIME = 2**61 - 1  # the modulus of Python's hash of numbers
X = b"cx\nY\n"

BOMBS = {
    "empty dictionaries": b"(" + b"}" * 1_000_000 + b"l.",
    "empty sets": b"(" + b"\x8f" * 200_000 + b"l.",
    "memo index": b"Nr\xff\xff\xff\xff0j\xff\xff\xff\xff.",
    "memo index in text": b"Np99999999999999999\n0g99999999999999999\n.",
    "marks": b"(" * 1_000_000 + b".",
    "nested lists": b"]" * 150_000 + b"a" * 149_999 + b".",
    "nested tuples": b")" + b"\x85" * 300_000 + b".",
    "nested dictionaries": b"}N" * 100_000 + b"}" + b"s" * 100_000 + b".",
    "nested calls": X + b"q\x010N" + b"\x85q\x020h\x01h\x02R" * 90_000 + b".",
    "calls of calls": X + b")R" * 100_000 + b".",
    "nested states": X + b"q\x010" + b"h\x01)R" * 100_000 + b"b" * 99_999 + b".",
    "nested persistent ids": b"N" + b"Q" * 100_000 + b".",
    "lists that double": dag(LIST) + b".",
    "tuples that double": dag(b"2\x86") + b".",
    "deep key": b"})" + b"\x85" * 200_000 + b"Ns.",
    "key that doubles": b"}" + dag(b"2\x86") + b"Ns.",
    "key of many": b"}q\x01(" + b"N" * 100_001 + b"tNs.",
    "long key, again": b"}" + long(b"x" * 500_000) + b"q\x02Ns" + b"h\x02Ns" * 100_000 + b".",
    "wide key, again": b"}(" + b"N" * 50_000 + b"tq\x02Ns" + b"h\x02Ns" * 100_000 + b".",
    "huge key": b"}" + integer(1 << 400_000) + b"Ns.",
    "huge key in a tuple": b"}" + integer(1 << 400_000) + b"\x85Ns.",
    "keys of one hash": b"}(" + b"".join(integer(k * PRIME) + b"N" for k in range(1, 9000)) + b"u.",
    "keys of one hash, one by one": b"}"
    + b"".join(integer(k * PRIME) + b"Ns" for k in range(1, 9000))
    + b".",
    "tuples of one hash": b"}("
    + b"".join(
        b"(" + b"".join(b"J" + struct.pack("<i", -1 - (k >> i & 1)) for i in range(13)) + b"tN"
        for k in range(2**13)
    )
    + b"u.",
    "digits": b"L" + b"9" * 1_000_000 + b"L\n.",
    "digits, again": b"(" + (b"L" + b"9" * 99_000 + b"L\n") * 10 + b"l.",
    "line without an end": b"c" + b"x" * 1_000_000,
    "state, again and again": X + b")R]q\x01b" + b"h\x01b" * 200_000 + b".",
    "one state, many instances": X
    + b"q\x010}("
    + b"".join(short(b"%d" % i) + b"N" for i in range(5000))
    + b"uq\x020("
    + b"h\x01)Rh\x02b" * 100_000
    + b"l.",
    "one argument, many calls": b"("
    + X
    + b"q\x01("
    + b"N" * 20_000
    + b"tq\x020"
    + b"h\x01h\x02R" * 100_000
    + b"l.",
    "__newobj__ of itself": b"ccopy_reg\n__newobj__\nq\x01(" + b"h\x01" * 50_000 + b"tq\x02R.",
    "__newobj__, again": b"(ccopy_reg\n__newobj__\nq\x01("
    + X
    + b"N" * 50_000
    + b"tq\x02"
    + b"h\x01h\x02R" * 50_000
    + b"l.",
    "encoded text, again": b"(c_codecs\nencode\nq\x01"
    + text("x" * 400_000)
    + short(b"latin1")
    + b"\x86q\x02"
    + b"h\x01h\x02R" * 50_000
    + b"l.",
    "array of a list, again": b"(carray\narray\nq\x01U\x01d]("
    + b"G" * 9 * 10_000
    + b"e\x86q\x02"
    + b"h\x01h\x02R" * 50_000
    + b"l.",
    "array of lists that double": b"carray\narray\nU\x01d"
    + dag(LIST, seed=b"](K\x01K\x01e")
    + b"\x86R.",
    "huge array": ARRAY + b"(K\x01(" + integer(10**18) + b"t" + F8 + b"NU\x00tb.",
    "array of astronomical size": ARRAY
    + b"(K\x01("
    + integer(1 << 4_000_000)
    + b"q\x09"
    + b"h\x09" * 63
    + b"t"
    + F8
    + b"NU\x00tb.",
    "array without bytes": ARRAY
    + b"(K\x01("
    + integer(10**17)
    + b"t"
    + DTYPE
    + b"(U\x02S0tRNU\x00tb.",
    "empty array of giants": ARRAY + b"(K\x01(K\x00t" + DTYPE + b"(U\x0bV2000000000tRNU\x00tb.",
    "empty array with a huge axis": ARRAY
    + b"(K\x01(K\x00"
    + integer(2**62)
    + b"t"
    + F8
    + b"NU\x00tb.",
    "shape that doubles": ARRAY + b"(K\x01" + dag(b"2\x86") + F8 + b"NU\x00tb.",
    "deep shape": ARRAY + b"(K\x01)" + b"\x85" * 100_000 + F8 + b"NU\x00tb.",
    "axes that double": b"cnumpy.core.numeric\n_frombuffer\n("
    + b"U\x08"
    + b"x" * 8
    + F8
    + b"(K\x01tU\x01K"
    + dag(b"2\x86")
    + b"tR.",
    "state of an array, again": ARRAY
    + b"("
    + b"N" * 20_000
    + b"tq\x03b"
    + b"h\x03b" * 50_000
    + b".",
    "objects of an array, again": ARRAY
    + b"(K\x01(M\x10\x27t"
    + DTYPE
    + b"(U\x01OtRI00\n]("
    + b"N" * 10_000
    + b"etq\x03b"
    + b"h\x03b" * 100_000
    + b".",
    "scalar of two gigabytes": SCALAR + DTYPE + b"(U\x0bV2000000000tR\x85R.",
    "scalar, again": b"("
    + SCALAR
    + b"q\x01"
    + DTYPE
    + b"(U\x07V500000tR"
    + long(b"x" * 500_000)
    + b"\x86q\x02"
    + b"h\x01h\x02R" * 50_000
    + b"l.",
    "dtype of dtypes": NESTED + b".",
    "fields that nest": DTYPE
    + b"(U\x02V8tR(K\x03U\x01|N(U\x01at"
    + b"}U\x01a" * 30_000
    + b"N"
    + b"s" * 30_000
    + b"K\x08K\x01K\x00tb.",
    "dtype, again": b"("
    + F8
    + b"q\x050"
    + DTYPE
    + b"q\x06(U\x02V8tq\x07R(K\x03U\x01|N"
    + NAMES
    + b"}("
    + FIELDS
    + b"uK\x08K\x01K\x00tq\x08b"
    + b"h\x06h\x07Rh\x08b" * 50_000
    + b"l.",
    "state of a dtype, again": DTYPE
    + b"(U\x02V8tR("
    + b"N" * 20_000
    + b"tq\x01b"
    + b"h\x01b" * 9
    + b".",
    "frames": b"\x95" + b"\0" * 8 + b"N" + (b"\x95" + b"\0" * 8) * 100_000 + b".",
    "a frame longer than the file": b"\x80\x04\x95" + b"\xff" * 8 + b"N.",
}

REFUSED = {
    *("marks", "deep key", "key that doubles", "key of many", "long key, again"),
    *("wide key, again", "huge key", "huge key in a tuple", "keys of one hash"),
    *("keys of one hash, one by one", "tuples of one hash", "digits", "line without an end"),
    *("__newobj__, again", "encoded text, again", "array of a list, again", "huge array"),
    *("array of astronomical size", "array without bytes", "empty array with a huge axis"),
    *("shape that doubles", "deep shape", "axes that double", "scalar of two gigabytes"),
    *("scalar, again", "dtype of dtypes", "fields that nest", "dtype, again"),
    *("state of a dtype, again", "a frame longer than the file"),
}
