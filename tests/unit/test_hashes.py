"""What hashes are made of, in both packages."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

BROKEN = {"md5", "sha1"}


def sources() -> Iterator[Path]:
    for package in ("serverless_sessions", "serverless_sessions_adapters"):
        spec = find_spec(package)
        assert spec is not None
        for folder in spec.submodule_search_locations or ():
            yield from Path(folder).rglob("*.py")


def named_in(tree: ast.AST) -> Iterator[ast.AST]:
    """Where one of them is named: ``hashlib.md5``, ``from hashlib import md5``, ``"md5"``."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name):
                pass
            case ast.Constant(value=str(name)):
                pass
            case _:
                continue
        if name.lower().replace("-", "") in BROKEN:
            yield node


def test_fact_28_md5_and_sha_1_protect_nothing() -> None:
    """SHA-1 is Redis' address of a script, as the server has it, and declared to be no more."""
    texts = {path: path.read_text("utf-8") for path in sources()}
    found = [
        (path, ast.get_source_segment(text, node))
        for path, text in texts.items()
        for node in named_in(ast.parse(text))
    ]
    assert [(path.name, named) for path, named in found] == [("_redis_scripts.py", "hashlib.sha1")]
    assert "hashlib.sha1(text.encode(), usedforsecurity=False)" in texts[found[0][0]]
