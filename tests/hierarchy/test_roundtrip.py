"""Whatever NumPy can hold comes back, bit for bit: dtypes, shapes, layouts and names."""

import math

import numpy as np
import pytest
from hierarchy.samples import leaf, raw, rich_tree, same_trees, tree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from legacy_weights import paths
from legacy_weights.hierarchy import check, open_file, write
from legacy_weights.tree import Array, Leaf, Role

NUMBERS = "|b1 |i1 <i2 >i4 <i8 |u1 >u2 <u8 <f2 >f2 <f4 >f8 <c8 >c16 <f16 >f16 <c32 >c32"
OTHERS = "|S0 |S1 |S5 <U0 <U1 >U3 |V0 |V1 |V7 <M8 >M8[ns] <M8[25s] <m8[D] >m8[Y]"
simple_dtypes = st.sampled_from([np.dtype(text) for text in f"{NUMBERS} {OTHERS}".split()])
field_names = st.text(st.characters(exclude_categories=()), min_size=1, max_size=3)


@st.composite
def structured_dtypes(draw, inner):
    names = draw(st.lists(field_names, unique=True, max_size=4))
    formats = [draw(inner) for _ in names]
    formats = [
        np.dtype((base, draw(hnp.array_shapes(max_dims=2, max_side=2))))
        if base.itemsize and draw(st.booleans())
        else base
        for base in formats
    ]
    titles = [f"title {number}" if draw(st.booleans()) else None for number in range(len(names))]
    fields = {"names": names, "formats": formats, "titles": titles}
    if draw(st.booleans()):
        offsets = [draw(st.integers(0, 20)) for _ in names]
        ends = [offset + dtype.itemsize for offset, dtype in zip(offsets, formats, strict=True)]
        fields |= {"offsets": offsets, "itemsize": max(ends, default=0) + draw(st.integers(0, 5))}
        dtype = np.dtype(fields)
    else:
        dtype = np.dtype(fields, align=draw(st.booleans()))
    return np.dtype((np.record, dtype)) if draw(st.booleans()) and names else dtype


dtypes = st.recursive(simple_dtypes, structured_dtypes, max_leaves=4)
shapes = st.one_of(
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    st.integers(30, 40).map(lambda rank: (1,) * (rank - 2) + (2, 3)),
)


@st.composite
def arrays(draw):
    """Draw an array and the bytes that its elements have in C order."""
    dtype, shape = draw(dtypes), draw(shapes)
    size = math.prod(shape)
    if dtype.itemsize == 0 or size == 0:
        return np.ndarray(shape, dtype), b""
    if dtype.kind == "b":
        content = bytes(draw(st.lists(st.integers(0, 1), min_size=size, max_size=size)))
    else:
        content = draw(st.binary(min_size=dtype.itemsize, max_size=dtype.itemsize)) * size
    # Beside other bytes, as in a pickle: not aligned, not writable.
    values = np.frombuffer(b"x" + content, dtype, offset=1).reshape(shape)
    layout = draw(st.sampled_from(["C", "F", "strided", "backwards"]))
    void = values.view(np.dtype((np.void, dtype.itemsize)))
    if layout == "F":
        values = np.asfortranarray(void).view(dtype)
    elif layout == "backwards" and shape:
        values = void[::-1].copy()[::-1].view(dtype)
    elif layout == "strided" and shape and shape[-1] == 1:
        values = np.broadcast_to(void.reshape(shape[:-1])[..., None], shape).view(dtype)
    return values, content


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(arrays(), min_size=1, max_size=8))
def test_arrays(tmp_path_factory, drawn):
    path = tmp_path_factory.mktemp("roundtrip") / "out.h5"
    leaves = [
        leaf(f"/snapshots/model/{number}", values) for number, (values, _) in enumerate(drawn)
    ]
    written = write(tree(*leaves), path)
    assert written.verified == written.arrays == len(drawn)
    assert check(path) == []
    with open_file(path) as file:
        for number, (values, content) in enumerate(drawn):
            found = file[str(number)]
            assert found.dtype == values.dtype
            assert found.dtype.str == values.dtype.str
            assert found.dtype.fields == values.dtype.fields
            assert found.dtype.type is values.dtype.type
            assert found.dtype.isalignedstruct == values.dtype.isalignedstruct
            assert found.shape == values.shape
            assert raw(found) == content
            if leaves[number].array.fortran:
                assert found.flags.f_contiguous


names = st.text(st.characters(exclude_categories=()), max_size=12) | st.sampled_from(
    [
        "",
        ".",
        "..",
        "a/b",
        "_c_W",
        "__members__",
        "100%",
        "%41",
        "W\0",
        "x" * 300,
        "é" * 200,
        "index",
    ]
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(names, min_size=1, max_size=6, unique=True), names, st.text(max_size=600))
def test_names(tmp_path_factory, found, scope, origin):
    path = tmp_path_factory.mktemp("names") / "out.h5"
    model = scope or "model"
    leaves = [
        Leaf(paths.join(("snapshots", model, scope, name)), name, Array.of(np.ones(1)), Role.WEIGHT,
             origins=(origin, name), note=origin)
        for name in found
    ]  # fmt: skip
    first = tree(*leaves, name=model, warnings=tuple(found), classes=tuple(found))
    write(first, path)
    assert check(path) == []
    with open_file(path) as file:
        same_trees(first, file.tree())
        assert list(file.weights()) == found


def test_a_rich_tree(tmp_path):
    path = tmp_path / "out.h5"
    first = rich_tree()
    write(first, path)
    assert check(path) == []
    with open_file(path) as file:
        second = file.tree()
        same_trees(first, second)
        assert second.snapshots[0].leaves[0].array is second.snapshots[1].leaves[1].array
        write(second, tmp_path / "again.h5")
    assert (tmp_path / "again.h5").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<U3", "S3"])
def test_large_arrays_in_any_order(tmp_path, monkeypatch, order, dtype):
    monkeypatch.setattr("legacy_weights.hierarchy.store._LARGE", 1000)
    monkeypatch.setattr("legacy_weights.hashing.BLOCK", 256)
    content = np.random.default_rng(0).integers(1, 100, (60, 7, 5, 12), "u1")
    values = content.reshape(-1)[: 60 * 7 * np.dtype(dtype).itemsize].view(dtype).reshape(60, 7)
    path = tmp_path / "out.h5"
    write(tree(leaf("/snapshots/model/x", np.array(values, order=order))), path)
    assert check(path) == []
    with open_file(path) as file:
        assert raw(file["x"]) == raw(values)
