"""Terraform with its providers, and an AWS for them."""

from __future__ import annotations

import pytest

from servers.fixtures import Servers
from servers.moto_server import DynamoDBServer
from support.deployed import Cloud
from support.terraform import Provider, provider


@pytest.fixture(scope="session")
def aws_provider(servers: Servers) -> Provider:
    return servers.start("aws_provider", provider("hashicorp/aws"))


@pytest.fixture(scope="session")
def cloud(moto_server: DynamoDBServer) -> Cloud:
    return Cloud(moto_server.port)
