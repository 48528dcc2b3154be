from legacy_weights.pickles.objects import ABSENT, Global, Instance, PersistentId


def test_a_chain_of_calls_is_named_by_its_beginning():
    instance = Instance(Global("x", "Y"), (), 0)
    for _ in range(5):
        instance = Instance(instance, (), 0)
    assert instance.cls_name == "x.Y"
    for _ in range(100_000):
        instance = Instance(instance, (), 0)
    assert instance.cls_name == "Instance"


def test_reprs_are_short_and_run_nothing():
    long = Global("x" * 1000, "\x1b[31m")
    nested = PersistentId(None, 5)
    for _ in range(100_000):
        nested = PersistentId(nested, 5)
    for value in (long, Instance(long, (nested,), 0), nested, ABSENT):
        assert len(repr(value)) < 120
        assert repr(value).isprintable()
    assert repr(Global("os", "system")) == "<global 'os.system'>"
