"""Which file and which snapshot of it is meant."""

import numpy as np
import pytest
from hierarchy.samples import leaf, tree

from legacy_weights.choosing import choose_word, split_name
from legacy_weights.errors import UsageError
from legacy_weights.tree import Order, Snapshot


@pytest.mark.parametrize("inside", [None, "iter0000100"])
@pytest.mark.parametrize("prefix", ["", "snapshots/"])
def test_names_of_snapshots_in_paths(tmp_path, inside, prefix):
    file = tmp_path / "x.h5"
    file.touch()
    path = file if inside is None else f"{file}/{prefix}{inside}"
    assert split_name(path) == (file, inside)
    assert split_name(tmp_path / "missing.h5") == (tmp_path / "missing.h5", None)


def test_digits_are_a_name_or_else_an_iteration():
    def snapshot(name, iteration):
        leaves = (leaf(f"/snapshots/{name}/W", np.zeros(1)),)
        return Snapshot(name, leaves, Order.STATED, iteration=iteration)

    found = tree(snapshots=(snapshot("7", 1), snapshot("b", 7), snapshot("c", 3)))
    assert choose_word(found, "7").name == "7"
    assert choose_word(found, "3").name == "c"
    assert choose_word(found, None).name == "c"
    for word in ("9", "٣", "-3", "9" * 5000):
        with pytest.raises(UsageError, match="one of 7, b, c"):
            choose_word(found, word)
