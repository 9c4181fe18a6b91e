"""Every Python snippet in the README and the guides runs.

A fenced block that begins with ```` ```python NAME.py ```` is saved under that name, all blocks
of one document in one folder. Modules must import; files named test_*.py must pass.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(
    r"^```python(?: (?P<name>\S+\.py))?\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)


def snippets(document: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for block in BLOCK.finditer(document.read_text("utf-8")):
        name = block["name"]
        assert name, f"{document.name}: a Python block without a file name is not run"
        found[name] = found.get(name, "") + block["code"]
    return found


def run(folder: Path, *arguments: str) -> None:
    settings = {"SESSION_STORE": "memory://", "SESSION_TRUSTED_ID_KEY": "k" * 32}
    environment = {**os.environ, **settings, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_snippets_of(document: Path, tmp_path: Path) -> None:
    found = snippets(document)
    for name, code in found.items():
        (tmp_path / name).write_text(code, "utf-8")
    tests = [name for name in found if name.startswith("test_")]
    for name in found.keys() - set(tests):
        run(tmp_path, "-c", f"import {name.removesuffix('.py')}")
    if tests:
        run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", *tests)


def test_the_readme_has_snippets() -> None:
    assert snippets(ROOT / "README.md")
