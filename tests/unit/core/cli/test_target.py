from __future__ import annotations

from pathlib import Path

import pytest

from serverless_sessions.cli.target import NoHandler, load_handler

MODULE = """
from functools import partial
def handler(event, context): return event
async def waits(event, context): return event
class Callable:
    def __call__(self, event, context): return event
class Waits:
    async def __call__(self, event, context): return event
instance, waiting, bound = Callable(), Waits(), partial(handler)
bound_waiting = partial(partial(waiting))
class Holder: inner = staticmethod(handler)
number = 42
"""


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "target_app.py").write_text(MODULE)
    return tmp_path


@pytest.mark.parametrize("name", ["handler", "instance", "bound", "Holder.inner"])
@pytest.mark.usefixtures("modules")
def test_any_callable_is_a_handler(name: str) -> None:
    assert load_handler(f"target_app:{name}")({"a": 1}, None) == {"a": 1}


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("target_app", "is not MODULE:HANDLER"),
        (":handler", "is not MODULE:HANDLER"),
        ("target_app:", "is not MODULE:HANDLER"),
        ("target_app:absent", "the module target_app has no absent"),
        ("target_app:number", "target_app:number is a int, not a function"),
        ("target_app:waits", "with_session makes it"),
        ("target_app:waiting", "with_session makes it"),
        ("target_app:bound_waiting", "with_session makes it"),
        ("no_such_app:handler", "ModuleNotFoundError: No module named 'no_such_app'"),
    ],
)
@pytest.mark.usefixtures("modules")
def test_what_is_wrong_is_said_in_one_line(target: str, message: str) -> None:
    with pytest.raises(NoHandler) as refused:
        load_handler(target)
    assert message in refused.value.message
    assert "\n" not in refused.value.message
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        (
            "raises",
            "x = 1\nraise ValueError('one\\ntwo')",
            r"ValueError: one two \(.*raises.py, line 2",
        ),
        ("syntax", "def handler(:", "SyntaxError: "),
        ("leaves", "import sys\nsys.exit(3)", r"SystemExit: 3 \(.*leaves.py, line 2"),
        (
            "needs",
            "import no_such_module",
            r"No module named .* \(.*needs.py, line 1",
        ),
    ],
)
def test_a_module_that_fails_is_named_with_its_line(
    modules: Path, name: str, source: str, message: str
) -> None:
    (modules / f"target_{name}.py").write_text(source)
    with pytest.raises(NoHandler, match=f"cannot import target_{name}: .*{message}") as refused:
        load_handler(f"target_{name}:handler")
    assert "\n" not in refused.value.message
