"""The security page names tests; each of them is there."""

from __future__ import annotations

import re
from pathlib import Path

from serverless_sessions import testing

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text("utf-8")
CASES = [ROOT / "tests", Path(testing.__file__).parent]


def test_every_test_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    sources = [path.read_text("utf-8") for folder in CASES for path in folder.rglob("*.py")]
    defined = {name for source in sources for name in re.findall(r"def (test_\w+)\(", source)}
    assert len(named) > 50
    assert named - defined == set()


def test_every_statement_has_a_test_or_is_the_applications() -> None:
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", PAGE.partition("## The checklist")[2], re.MULTILINE)
    unproven = [statement for statement, proof in rows[2:] if not re.search(r"`test_\w+`", proof)]
    assert unproven == []
