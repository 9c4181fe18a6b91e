"""A function that runs alone has its folder and what Lambda's runtime has, nothing from here."""

from __future__ import annotations

from pathlib import Path

import pytest

from servers.lambda_rie import FunctionFailed, LambdaRuntime


def app(folder: Path, imports: str) -> Path:
    code = f"import {imports}\n\ndef handler(event, context):\n    return event\n"
    (folder / "app.py").write_text(code)
    return folder


def test_what_lambda_has_is_there(lambda_runtime: LambdaRuntime, tmp_path: Path) -> None:
    with lambda_runtime.function("app.handler", app(tmp_path, "boto3"), alone=True) as function:
        assert function.invoke({"a": 1}) == {"a": 1}


@pytest.mark.parametrize("module", ["serverless_sessions", "serverless_sessions_adapters", "moto"])
def test_what_is_installed_here_is_not(
    lambda_runtime: LambdaRuntime, tmp_path: Path, module: str
) -> None:
    with lambda_runtime.function("app.handler", app(tmp_path, module)) as function:
        assert function.invoke({}) == {}
    with (
        lambda_runtime.function("app.handler", app(tmp_path, module), alone=True) as function,
        pytest.raises(FunctionFailed, match=f"No module named '{module}'"),
    ):
        function.invoke({})
