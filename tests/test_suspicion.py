"""What a person is told of calls, and which files are refused."""

import json

import pytest
from hostile import call, npy, text, zipped

import legacy_weights
from legacy_weights.cli import main
from legacy_weights.errors import RefusedError

EVIL = b"(" + call("os:system", text("true")) + call("lib:build", b"K\1") + b"l."
ODD = b"(" + call("lib:build", b"K\1") + call("lib:make", b"K\1") + b"l."


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.pkl").write_bytes(EVIL)
    (tmp_path / "odd.pkl").write_bytes(ODD)
    return tmp_path


def test_an_exploit_is_refused_with_its_offset(folder, capsys):
    assert main(["evil.pkl"]) == 3
    error = capsys.readouterr().err
    assert f"byte {EVIL.index(b'R')}: the pickle calls os.system by REDUCE" in error
    assert not (folder / "evil.migrated.h5").exists()
    with pytest.raises(RefusedError):
        legacy_weights.read("evil.pkl")


def test_inspect_still_shows_it_and_says_so_first(folder, capsys):
    assert main(["inspect", "evil.pkl"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("DANGER    1 calls that only an attack makes: os.system (REDUCE, ")
    assert lines[2].startswith("CALLS     1 calls outside known data types: lib.build (REDUCE, ")
    assert not any(line.startswith("note") for line in lines)
    assert main(["inspect", "evil.pkl", "--strict"]) == 3


def test_other_calls_are_told_and_strict_refuses_them(folder, capsys):
    assert main(["inspect", "odd.pkl", "--json"]) == 1  # it has no array
    found = json.loads(capsys.readouterr().out)["calls"]
    places = [place for place, byte in enumerate(ODD) if byte == ord("R")]
    assert [(c["name"], c["offset"], c["exploit"]) for c in found] == [
        ("lib.build", places[0], False),
        ("lib.make", places[1], False),
    ]
    for arguments in (["odd.pkl", "--strict"], ["inspect", "odd.pkl", "--strict"]):
        assert main(arguments) == 3
        assert "lib.build" in capsys.readouterr().err
    with pytest.raises(RefusedError, match=r"lib\.build"):
        legacy_weights.read("odd.pkl", strict=True)


def test_a_migrated_file_still_tells(folder, capsys):
    assert main(["odd.pkl", "--quiet"]) == 1
    assert main(["inspect", "odd.migrated.h5"]) == 1
    out = capsys.readouterr().out
    assert "\nCALLS     2 calls outside known data types: lib.build" in out
    assert main(["inspect", "odd.migrated.h5", "--strict"]) == 3


def test_the_member_of_an_archive_is_named(folder):
    (folder / "a.zip").write_bytes(zipped("inner/x.pkl", EVIL))
    with pytest.raises(RefusedError, match=r"member 'inner/x\.pkl', byte "):
        legacy_weights.read("a.zip")


def test_what_follows_as_garbage_calls_nothing(folder):
    (folder / "tail.pkl").write_bytes(b"N." + EVIL[:-2] + b"\xff" * 9)
    assert legacy_weights.read("tail.pkl", strict=True).calls == ()


def test_objects_in_an_array_count(folder):
    from hostile import objects

    (folder / "o.npy").write_bytes(npy(objects(call("lib:build", b"K\1")) + b"."))
    tree = legacy_weights.read("o.npy")
    assert [call.name for call in tree.calls] == ["lib.build"]
