"""What runs here as a deployed function is the package, and nothing of this environment."""

from __future__ import annotations

import base64
import zipfile
from hashlib import sha256
from io import BytesIO

import pytest

from servers.lambda_runtime import Deployed, FunctionFailed, running_function


def packed(code: str) -> Deployed:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("app.py", code)
    package = stream.getvalue()
    digest = base64.b64encode(sha256(package).digest()).decode()
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:app"
    return Deployed(arn, "app.handler", 7, {"GREETING": "hello"}, package, digest)


ECHO = """
import os
import boto3

def handler(event, context):
    left = context.get_remaining_time_in_millis()
    return [event, os.environ.get("GREETING"), context.function_name, 0 < left <= 7000]
"""


def test_a_function_has_its_environment_its_time_and_boto3() -> None:
    with running_function(packed(ECHO)) as function:
        assert function.invoke({"a": 1}) == [{"a": 1}, "hello", "app", True]
        assert function.invoke("again")[0] == "again"


def test_an_error_of_the_function_is_told() -> None:
    with running_function(packed("def handler(event, context): 1 / 0")) as function:
        for _ in range(2):
            with pytest.raises(FunctionFailed, match="ZeroDivisionError"):
                function.invoke({})


@pytest.mark.parametrize("module", ["serverless_sessions", "serverless_sessions_adapters", "moto"])
def test_what_the_package_leaves_out_is_missing(module: str) -> None:
    with (
        pytest.raises(RuntimeError, match=f"No module named '{module}'"),
        running_function(packed(f"import {module}\n\ndef handler(event, context): ...")),
    ):
        pass


def test_another_package_than_the_deployed_one_is_refused() -> None:
    deployed = packed("").__class__(*packed("")[:-1], sha256="")
    with pytest.raises(AssertionError, match="another package"), running_function(deployed):
        pass
