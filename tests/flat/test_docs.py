"""Every example of docs/flat.md runs, in the order of the page."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytensor
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "flat.md"
BLOCK = re.compile(r"(<!-- needs (\w+) -->\n)?```python\n(.*?)```", re.DOTALL)


def test_the_examples_run():
    pytest.importorskip("scipy")
    page = PAGE.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(page))
    assert len(blocks) == page.count("```python") >= 8
    names: dict[str, object] = {}
    # The default mode compiles for a minute; the results are the same.
    with pytensor.config.change_flags(mode="FAST_COMPILE"):
        for block in blocks:
            _, needed, code = block.groups()
            if needed and not find_spec(needed):
                continue
            line = page[: block.start(3)].count("\n")
            exec(compile("\n" * line + code, str(PAGE), "exec"), names)
