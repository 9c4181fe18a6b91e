"""The shopping cart in an AWS on loopback, as Terraform put it there."""

from __future__ import annotations

import base64
import json
import tempfile
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import boto3

from serverless_sessions_adapters.dynamodb import DynamoDBStore
from servers.lambda_rie import LambdaFunction, LambdaRuntime
from servers.process import HOST
from support.packages import build_package
from support.terraform import Terraform, copied

REGION = "eu-west-1"
ACCOUNT = "123456789012"
"""moto's, whoever asks."""
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "anybody", "AWS_SECRET_ACCESS_KEY": "secret"}

LISTS: dict[str, tuple[str, str, dict[str, object]]] = {
    "tables": ("dynamodb", "list_tables", {}),
    "functions": ("lambda", "list_functions", {}),
    "roles": ("iam", "list_roles", {}),
    "policies": ("iam", "list_policies", {"Scope": "Local"}),
    "log groups": ("logs", "describe_log_groups", {}),
    "apis": ("apigatewayv2", "get_apis", {}),
}


class Cloud(NamedTuple):
    """An AWS on loopback that has something of everything, and runs no function."""

    port: int

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **CREDENTIALS,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    def what_has(self, name: str) -> set[str]:
        """The kinds of things here of which one has ``name`` in its name."""
        return {
            kind
            for kind, (service, operation, arguments) in LISTS.items()
            if name in str(self.ask(service, operation, **arguments))
        }

    def ask(self, service: str, operation: str, **arguments: object) -> Any:
        with closing(self.client(service)) as client:
            return getattr(client, operation)(**arguments)


@dataclass(frozen=True)
class Cart:
    """The shopping cart as infra/aws/examples/cart deployed it."""

    cloud: Cloud
    terraform: Terraform
    variables: dict[str, str]
    outputs: dict[str, Any]
    package: bytes = field(repr=False)

    @property
    def name(self) -> str:
        return self.variables["name"]

    @contextmanager
    def function(self, runtime: LambdaRuntime, **environment: str) -> Iterator[LambdaFunction]:
        """The deployed zip, with the environment, the handler and the time that were deployed;
        ``environment`` has what a place to run gives besides."""
        found = self.cloud.ask("lambda", "get_function", FunctionName=self.name)["Configuration"]
        digest = base64.b64encode(sha256(self.package).digest()).decode()
        assert digest == found["CodeSha256"], "another package is deployed"
        with tempfile.TemporaryDirectory() as folder:
            zipfile.ZipFile(BytesIO(self.package)).extractall(folder)
            with runtime.function(
                found["Handler"],
                Path(folder),
                seconds=found["Timeout"],
                environment={**environment, **found["Environment"]["Variables"]},
                alone=True,
            ) as function:
                yield function

    @property
    def policies(self) -> list[str]:
        """The text of every policy of the function's role."""
        found = self.cloud.ask("iam", "get_role_policy", RoleName=self.name, PolicyName="log")
        attached = self.cloud.ask("iam", "list_attached_role_policies", RoleName=self.name)
        assert len(attached["AttachedPolicies"]) == 1
        return [self.outputs["policy_json"], json.dumps(found["PolicyDocument"])]

    @property
    def table_arns(self) -> str:
        """What stands before a table's name in the ARNs of this account and region."""
        return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/"

    @contextmanager
    def operator(self) -> Iterator[DynamoDBStore]:
        """The sessions, for somebody who may do everything."""
        with closing(self.cloud.client("dynamodb")) as client:
            yield DynamoDBStore(client, self.name)


@contextmanager
def deployed_cart(cloud: Cloud, mirror: Path, folder: Path) -> Iterator[Cart]:
    """infra/aws/examples/cart, applied as it is; what it made is destroyed at the end."""
    package = build_package(folder / "cart.zip", "--platform", "aws", "--arch", "arm64")
    example = copied("aws", folder) / "examples" / "cart"
    terraform = Terraform(example, [mirror], cloud.environment)
    variables = {"name": f"cart-{uuid.uuid4().hex[:8]}", "package": str(package)}
    terraform.apply(**variables)
    try:
        yield Cart(cloud, terraform, variables, terraform.outputs(), package.read_bytes())
    finally:
        terraform.destroy(**variables)
