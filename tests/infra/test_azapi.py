"""What goes to Azure past its provider's schema is as Microsoft's own libraries would send it."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from support.arm_models import problems
from support.stand_ins import StandIns, TerraformOnStandIns
from support.terraform import copied

Body = dict[str, Any]


@pytest.fixture(scope="module")
def planned(
    newest_providers: StandIns, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Body]:
    """By their kinds, as they are planned by the example."""
    folder = copied("azure", tmp_path_factory.mktemp("planned")) / "examples" / "cart"
    terraform = TerraformOnStandIns(folder, newest_providers)
    variables = {"name": "my-shop", "storage_account_name": "myshop", "location": "westeurope"}
    given = [f"-var={name}={value}" for name, value in variables.items()]
    terraform("plan", "-out=plan", *given)
    plan = json.loads(terraform("show", "-json", "plan"))
    (module,) = plan["planned_values"]["root_module"]["child_modules"]
    values = [one["values"] for one in module["resources"] if one["type"].startswith("azapi_")]
    return {value["type"]: value["body"] for value in values}


@pytest.fixture
def bodies(planned: dict[str, Body]) -> dict[str, Body]:
    return deepcopy(planned)


def test_the_bodies_are_what_microsofts_models_have(bodies: dict[str, Body]) -> None:
    assert len(bodies) == 3
    for kind, body in bodies.items():
        assert problems(kind, body) == []


MISTAKES: dict[str, Callable[[Body], object]] = {
    "has no maxInstanceCount": lambda properties: properties["functionAppConfig"][
        "scaleAndConcurrency"
    ].update(maxInstanceCount=1),
    "appSettings[] has no key": lambda properties: properties["siteConfig"]["appSettings"].append(
        {"key": "A", "value": "1"}
    ),
    "runtime.name is 'Python', and may be": lambda properties: properties["functionAppConfig"][
        "runtime"
    ].update(name="Python"),
    "httpsOnly is no list": lambda properties: properties.update(httpsOnly=[]),
    "serverFarmId is no bool": lambda properties: properties.update(serverFarmId=True),
}


@pytest.mark.parametrize("said", MISTAKES)
def test_a_mistake_in_a_body_is_found(said: str, bodies: dict[str, Body]) -> None:
    kind = "Microsoft.Web/sites@2024-04-01"
    MISTAKES[said](bodies[kind]["properties"])
    (problem,) = problems(kind, bodies[kind])
    assert said in problem
