"""The README's example of the flat vector gives what the README shows."""

import doctest
import re

import pytest
from support import ROOT


@pytest.mark.filterwarnings("default")
def test_the_example_of_the_readme(monkeypatch):
    monkeypatch.chdir(ROOT)
    text = (ROOT / "README.md").read_text()
    section = text[text.index("## The flat vector") : text.index("## GAIL policies")]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    example = doctest.DocTestParser().get_doctest(code, {}, "README.md", "README.md", 0)
    failed, tried = doctest.DocTestRunner().run(example)
    assert (failed, tried > 8) == (0, True)
