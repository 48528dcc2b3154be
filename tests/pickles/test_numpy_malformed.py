"""Records that claim to be NumPy's and are malformed, or hostile."""

import numpy as np
import pytest
from bombs import integer
from revive import load

from legacy_weights.errors import DamagedError, LimitError
from legacy_weights.pickles.objects import ABSENT, Instance

RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tU\1btR"
F8 = b"cnumpy\ndtype\n(U\2f8I0\nI1\ntR(I3\nU\1<NNNI-1\nI-1\nI0\ntb"


def array_of(shape=b"(K\2t", dtype=F8, fortran=b"I00\n", raw=b"U\x10" + bytes(16)):
    return RECONSTRUCT + b"(K\1" + shape + dtype + fortran + raw + b"tb."


def test_array_of_by_hand():
    assert load(array_of()).value.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "data",
    [
        array_of(raw=b"U\x0f" + bytes(15)),
        array_of(raw=b"U\x11" + bytes(17)),
        array_of(raw=b"N"),
        array_of(raw=b"](K\1K\2e"),
        array_of(raw=b"X\2\0\0\0ab"),
        array_of(shape=b"(J\xff\xff\xff\xfft"),
        array_of(shape=b"(F2.0\nt"),
        array_of(shape=b"(\x88t"),
        array_of(shape=b"((K\2tt"),
        array_of(shape=b"(" + integer(2**63) + b"t"),
        array_of(shape=b"(" + b"K\1" * 65 + b"t"),
        array_of(dtype=b"cnumpy\ndtype\n(U\1OtR"),
        array_of(dtype=b"cnumpy\ndtype\n(U\1OtR", raw=b"](Ne"),
        array_of(dtype=b"cnumpy\ndtype\n(U\2S0tR"),
    ],
)
def test_arrays_that_are_none(data):
    with pytest.raises(DamagedError, match=r"numpy\.ndarray") as caught:
        load(data)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "data",
    [
        *(array_of(dtype=b"N"), array_of(shape=b"K\2"), array_of(dtype=b"cx\nY\n)R")),
        *(RECONSTRUCT + b"Nb.", RECONSTRUCT + b"}b.", RECONSTRUCT + b")b.", RECONSTRUCT + b"."),
        *(RECONSTRUCT + b"(NNNNNtb.", RECONSTRUCT + b"(NNNNNNNtb."),
        b"cnumpy.ma.core\n_mareconstruct\n)R(NNNNNNNtb.",
        b"cnumpy.ma.core\n_mareconstruct\n)R)b.",
        b"cnumpy.ma.core\n_mareconstruct\n)R(NNtb.",
        b"cnumpy\n_frombuffer\n)R.",
        b"cnumpy\ndtype\n)R.",
        b"cnumpy\nscalar\n)R.",
        b"cnumpy\nscalar\nN\x85R.",
        b"cnumpy\nscalar\n(cnumpy\ndtype\n(U\1OtRNtR.",
    ],
)
def test_records_that_are_no_arrays_stay_records(data):
    found = load(data)
    assert type(found) is Instance
    assert found.value is ABSENT


@pytest.mark.parametrize(
    "data",
    [
        b"cnumpy\ndtype\n(NtR.",
        b"cnumpy\ndtype\n(U\1xtR.",
        b"cnumpy\ndtype\n(U\4f8,4tR.",
        b"cnumpy\ndtype\n(U\2f8tRNb.",
        b"cnumpy\ndtype\n(U\2f8tR)b.",
        b"cnumpy\ndtype\n(U\2f8tR(" + b"N" * 11 + b"tb.",
        b"cnumpy\ndtype\n)R)b.",
        b"cnumpy\nscalar\n(" + F8 + b"U\7seven..tR.",
        b"cnumpy\nscalar\n(" + F8 + b"NtR.",
        b"cnumpy\nscalar\n(cnumpy\ndtype\n(U\2U1tRU\4\xff\xff\xff\xfftR.",  # no character
    ],
)
def test_what_is_no_dtype_or_scalar(data):
    with pytest.raises(DamagedError, match=r"numpy\.(dtype|scalar)"):
        load(data)


def test_bytes_are_never_pointers():
    """Bytes of a file as a `PyObject *` would run what they like; each way to that is closed."""
    pointer = b"U\x08" + bytes([0x41] * 8)
    for dtype in (
        b"cnumpy\ndtype\n(U\1OtR",
        b"cnumpy\ndtype\n(U\2O8tR",
        b"cnumpy\ndtype\n(U\1OtR(K\3U\1|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb",
        b"cnumpy\ndtype\n(U\2V8tR(K\3U\1|N(U\1at}U\1a(cnumpy\ndtype\n(U\1OtRK\0tsK\x08K\1K\0tb",
        b"cnumpy\ndtype\n(U\2V8tR(K\3U\1|(cnumpy\ndtype\n(U\1OtR(K\1ttNNK\x08K\1K\0tb",
    ):
        assert load(b"cnumpy\nscalar\n(" + dtype + pointer + b"tR.").value is ABSENT
        for data in (
            array_of(b"(K\1t", dtype, raw=pointer),
            b"cnumpy\n_frombuffer\n(" + pointer + dtype + b"(K\1tU\1CtR.",
            b"cnumpy.ma.core\n_mareconstruct\n)R(K\1(K\1t"
            + dtype
            + b"I00\n"
            + pointer
            + b"U\1\0Ntb.",
        ):
            with pytest.raises(DamagedError):
                load(data)


def test_axes():
    head = b"cnumpy._core.numeric\n_frombuffer\n(U\x30" + bytes(range(48)) + F8
    found = load(head + b"(K\2K\3tU\1K(K\1K\0ttR.").value
    assert found.shape == (3, 2)
    for axes in (
        b"(K\1K\1t",
        b"(K\1t",
        b"(K\1K\2t",
        b"(K\1Nt",
        b"(]Nt",
        b"(K\1" + integer(2**70) + b"t",
    ):
        with pytest.raises(DamagedError):
            load(head + b"(K\2K\3tU\1K" + axes + b"tR.")


def test_the_size_of_empty_arrays_is_nothing():
    dtype = b"cnumpy\ndtype\n(U\x0bV2000000000tR"
    found = load(array_of(b"(K\0t", dtype, raw=b"U\0"))
    assert (found.value.shape, found.value.nbytes) == ((0,), 0)
    with pytest.raises(LimitError):
        load(b"cnumpy\nscalar\n" + dtype + b"\x85R.")


def test_zeros_for_a_scalar_without_bytes():
    found = load(b"cnumpy\nscalar\n" + F8 + b"\x85R.")
    assert (type(found), found) == (np.float64, 0.0)
