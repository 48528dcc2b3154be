import pickle
import time

import numpy as np
import pytest
from revive import load

from legacy_weights.errors import DamagedError
from legacy_weights.pickles import Machine
from legacy_weights.pickles.objects import ABSENT, Global, Instance
from legacy_weights.pickles.opcodes import TextModeError

NAMED = [
    b"cos\nsystem\n",
    b"X\x02\0\0\0osX\x06\0\0\0system\x93",
    b"\x8c\x02os\x94\x8c\x06system\x94\x93",
]


@pytest.mark.parametrize("opcodes", NAMED)
def test_a_name_is_two_texts(opcodes):
    found = load(opcodes + b".")
    assert type(found) is Global
    assert (found.module, found.name, found.dotted) == ("os", "system", "os.system")


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"caf\xc3\xa9", "café"),  # UTF-8
        (b"caf\xe9", "café"),  # Latin-1
        (b"a.b c", "a.b c"),
        (b"", ""),
    ],
)
def test_names_are_decoded_as_utf_8_else_latin_1(raw, name):
    found = load(b"cmodule\n" + raw + b"\n.")
    assert found.name == name


@pytest.mark.parametrize(
    "names", [b"U\x02osX\x01\0\0\0x", b"X\x02\0\0\0osU\x01x", b"NN", b"K\1K\2"]
)
def test_names_on_the_stack_that_are_no_text(names):
    with pytest.raises(DamagedError, match="no text"):
        load(names + b"\x93.")


@pytest.mark.parametrize("data", [b"cos\r\nsystem\n.", b"cos\nsystem\r\n.", b"(ios\r\nsystem\r\n."])
def test_names_after_a_text_mode_transfer(data):
    with pytest.raises(TextModeError):
        load(data)


def instances(target):
    """Return what each opcode makes of a call of `os.system` with one argument."""
    return {
        "REDUCE": target + b"U\x01x\x85R",
        "NEWOBJ": target + b"U\x01x\x85\x81",
        "NEWOBJ_EX": target + b"U\x01x\x85}\x92",
        "OBJ": b"(" + target + b"U\x01xo",
    }


@pytest.mark.parametrize("opcode", ["REDUCE", "NEWOBJ", "NEWOBJ_EX", "OBJ", "INST"])
@pytest.mark.parametrize("named", NAMED)
def test_calls_are_records(opcode, named):
    data = b"N0(U\x01xios\nsystem\n" if opcode == "INST" else b"N0" + instances(named)[opcode]
    found = load(data + b".")
    assert type(found) is Instance
    assert found.cls.dotted == found.cls_name == "os.system"
    assert (found.args, found.kwargs, found.state, found.value) == ((b"x",), None, ABSENT, ABSENT)
    if opcode == "INST":
        assert found.offset == data.index(b"ios")
    else:
        assert found.offset == len(data) - 1


@pytest.mark.parametrize("data", [b"(ix\nY\n.", b"(cx\nY\no."])
def test_old_style_instances_are_of_python_2(data):
    machine = Machine(data)
    assert machine.load().args == ()
    assert machine.python2


def test_keyword_arguments_are_kept():
    found = load(b"cx\nY\nU\x01a\x85}U\x01kK\x05s\x92.")
    assert (found.args, found.kwargs) == ((b"a",), {b"k": 5})


def test_keyword_arguments_keep_a_call_a_record():
    # complex(1, 2, imag=…) is no plain value
    found = load(b"cbuiltins\ncomplex\nK\x01K\x02\x86}U\x01kK\x05s\x92.")
    assert (found.args, found.kwargs) == ((1, 2), {b"k": 5})


def test_the_result_of_a_call_is_called():
    found = load(b"c__builtin__\ngetattr\n(cx\nY\nU\x01mtR)R.")
    assert found.args == ()
    assert type(found.cls) is Instance
    assert found.cls.args[0].dotted == "x.Y"
    assert found.cls.args[1] == b"m"
    assert found.cls_name == "__builtin__.getattr"


@pytest.mark.parametrize(
    "target", [b"N", b"K\x01", b"U\x01x", b"]", b"}", b")", b"Ppid\n", b"\x88"]
)
@pytest.mark.parametrize("call", [b")R", b")\x81", b")}\x92"])
def test_only_names_and_results_are_called(target, call):
    with pytest.raises(DamagedError, match="would call an object of type"):
        load(target + call + b".")


@pytest.mark.parametrize("args", [b"N", b"]", b"}", b"K\x01", b"U\x01x"])
@pytest.mark.parametrize("call", [b"R", b"\x81", b"}\x92"])
def test_arguments_are_tuples(args, call):
    with pytest.raises(DamagedError, match="not a tuple"):
        load(b"cx\nY\n" + args + call + b".")


def test_calls_of_too_little():
    for data in (
        b"R.",
        b")R.",
        b"\x81.",
        b"\x92.",
        b"}\x92.",
        b"(o.",
        b"o.",
        b"ix\nY\n.",
        b"b.",
        b"Nb.",
    ):
        with pytest.raises(DamagedError):
            load(data)
    with pytest.raises(DamagedError, match="no dictionary"):
        load(b"cx\nY\n)N\x92.")


@pytest.mark.parametrize(
    "target", [b"cx\nY\n", b"]", b"}", b")", b"K\x01", b"N", b"U\x01x", b"F1.5\n", b"Ppid\n"]
)
def test_only_instances_are_built(target):
    with pytest.raises(DamagedError, match="has no state"):
        load(target + b"}b.")


def test_values_of_numpy_are_not_built():
    scalar = pickle.dumps(np.float64(1.5), 2)[:-1]
    with pytest.raises(DamagedError, match="has no state"):
        load(scalar + b"}b.")


def test_states():
    assert load(b"cx\nY\n)R.").state is ABSENT
    assert load(b"cx\nY\n)RNb.").state is None
    found = load(b"cx\nY\n)RK\x01bK\x02bK\x03b.")
    assert (found.state, found.earlier) == (3, [1, 2])


def test_many_states_take_linear_time():
    def seconds(count):
        data = b"cx\nY\n)R}q\x01b" + b"h\x01b" * count + b"."
        began = time.process_time()
        assert len(load(data).earlier) == count
        return time.process_time() - began

    seconds(1000)
    few, many = min(seconds(20_000) for _ in range(3)), seconds(200_000)
    assert many < 30 * few + 0.5


def test_buffers_out_of_band_are_named():
    buffers = []
    data = pickle.dumps(pickle.PickleBuffer(b"x" * 10), 5, buffer_callback=buffers.append)
    assert buffers
    with pytest.raises(DamagedError, match="out of band"):
        load(data)


def test_readonly_buffers():
    assert load(b"C\x02ab\x98.") == b"ab"


class New:
    def __init__(self):
        self.__dict__.update(a=1, b=[2])


class Slots:
    __slots__ = ("a", "b")

    def __init__(self):
        self.a = 5


class Arguments:
    def __new__(cls, *args, **kwargs):
        return super().__new__(cls)

    def __getnewargs_ex__(self):
        return (1, 2), {"k": 3}


def name(cls):
    return f"{cls.__module__}.{cls.__qualname__}"


@pytest.mark.parametrize("protocol", range(6))
def test_instances_by_cpython(protocol):
    found = load(pickle.dumps(New(), protocol))
    assert found.cls_name == name(New)
    assert found.state == {"a": 1, "b": [2]}
    assert found.args == ()
    assert found.base is ABSENT


@pytest.mark.parametrize("protocol", range(2, 6))
def test_slots_by_cpython(protocol):
    assert load(pickle.dumps(Slots(), protocol)).state == (None, {"a": 5})


@pytest.mark.parametrize("protocol", [4, 5])
def test_arguments_by_cpython(protocol):
    found = load(pickle.dumps(Arguments(), protocol))
    assert (found.cls_name, found.args, found.kwargs) == (name(Arguments), (1, 2), {"k": 3})


def test_the_shared_class_is_one_object():
    one, other = load(pickle.dumps([New(), New()], 2))
    assert one.cls is other.cls
    assert one.offset < other.offset
