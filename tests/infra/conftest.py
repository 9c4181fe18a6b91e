"""Terraform with its providers, and an AWS for them."""

from __future__ import annotations

import pytest

from servers.fixtures import Servers
from servers.moto_server import DynamoDBServer
from support.deployed import Cloud
from support.stand_ins import StandIns, stand_ins
from support.terraform import Installed, Provider, provider, terraform


@pytest.fixture(scope="session", name="terraform")
def _terraform(servers: Servers) -> Installed:
    return servers.start("terraform", terraform())


@pytest.fixture(scope="session")
def aws_provider(servers: Servers, terraform: Installed) -> Provider:
    return servers.start("aws_provider", provider("hashicorp/aws", terraform))


@pytest.fixture(scope="session")
def oldest_providers(servers: Servers, terraform: Installed) -> StandIns:
    return servers.start("oldest_providers", stand_ins("oldest", terraform))


@pytest.fixture(scope="session")
def newest_providers(servers: Servers, terraform: Installed) -> StandIns:
    return servers.start("newest_providers", stand_ins("newest", terraform))


@pytest.fixture(scope="session")
def cloud(moto_server: DynamoDBServer) -> Cloud:
    return Cloud(moto_server.port)
