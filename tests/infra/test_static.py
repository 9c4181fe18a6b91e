"""What can be said of the modules without running them."""

from __future__ import annotations

import re
import subprocess
from dataclasses import fields
from typing import Any

import pytest

from cart.azure_functions import app
from serverless_sessions import SessionConfig, open_store
from serverless_sessions.config import _PARSERS, _SECRETS
from serverless_sessions.store import SessionStore
from serverless_sessions_adapters import (
    _azure_client,
    _firestore_admin,
    _firestore_client,
    azure_tables,
    upstash,
)
from serverless_sessions_adapters import _dynamodb_table as dynamodb_table
from serverless_sessions_adapters._dynamodb_requests import Table
from serverless_sessions_adapters.dynamodb import DEFAULT_TABLE
from support.hcl import blocks, inputs_table, local_values, outputs_table
from support.terraform import INFRA, Installed

MODULES = sorted(path.parent.name for path in INFRA.glob("*/versions.tf"))
WITH_A_FUNCTION = ("aws", "gcp", "azure")


def test_the_files_are_formatted(terraform: Installed) -> None:
    command = [terraform.path, "fmt", "-check", "-diff", "-recursive", str(INFRA)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_its_files_its_tests_and_an_example(module: str) -> None:
    names = {path.name for path in (INFRA / module).iterdir()}
    assert names >= {"versions.tf", "variables.tf", "main.tf", "outputs.tf", "README.md"}
    assert list((INFRA / module).glob("tests/*.tftest.hcl"))
    assert list((INFRA / module).glob("examples/*/main.tf"))


@pytest.mark.parametrize("module", MODULES)
def test_the_readme_has_every_input_and_output_of_its_module(module: str) -> None:
    readme = (INFRA / module / "README.md").read_text("utf-8")
    for table in (inputs_table(module), outputs_table(module)):
        assert table in readme, f"infra/{module}/README.md should have:\n{table}"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_describes_and_types_what_it_takes_and_gives(module: str) -> None:
    for body in blocks(module, "variable").values():
        assert body["type"]
        assert body["description"]
        assert "default" not in body or body["default"] is None or body["nullable"] is False
    for body in blocks(module, "output").values():
        assert body["description"]


@pytest.mark.parametrize("module", MODULES)
def test_every_check_of_an_input_is_shown_to_refuse(module: str) -> None:
    """Each validation of a variable has a run of its own that expects the variable to fail."""
    tests = [path.read_text("utf-8") for path in (INFRA / module).glob("tests/*.tftest.hcl")]
    expected = " ".join(re.findall(r"expect_failures = \[(.*?)\]", "".join(tests), re.DOTALL))
    for name, body in blocks(module, "variable").items():
        refused = re.findall(rf"\bvar\.{name}\b", expected)
        assert len(refused) >= len(body.get("validation", [])), name


def test_the_names_of_dynamodb_are_the_librarys() -> None:
    names = local_values("aws")
    key: dict[str, Any] = Table("any").at("x")["Key"]
    assert {names["key_attribute"]} == {dynamodb_table.KEY} == key.keys()
    assert names["ttl_attribute"] == dynamodb_table.TTL
    assert blocks("aws", "variable")["name"]["default"] == f'"{DEFAULT_TABLE}"'


def test_the_actions_of_dynamodb_are_those_that_the_library_checks_for() -> None:
    told = " ".join(look.what for look in dynamodb_table.looks(Table("any")))
    assert set(local_values("aws")["data_actions"]) == set(re.findall(r"dynamodb:\w+", told))


def test_the_names_of_firestore_are_the_librarys() -> None:
    names = local_values("gcp")
    assert names["collection"] == _firestore_client.COLLECTION
    assert names["ttl_field"] == _firestore_admin.TTL_FIELD
    assert tuple(names["unindexed_fields"]) == _firestore_admin.UNINDEXED


def test_the_table_of_azure_and_the_role_on_it_are_the_librarys() -> None:
    assert local_values("azure")["table"] == azure_tables.DEFAULT_TABLE
    assert f'"{_azure_client.ROLE}"' in (INFRA / "azure" / "main.tf").read_text("utf-8")


def test_the_cart_on_azure_has_the_timer_that_the_module_makes_room_for() -> None:
    triggers = {one.get_function_name(): one.get_trigger() for one in app.get_functions()}
    purge = triggers["purge"]
    assert purge
    said = purge.get_dict_repr()
    assert said["type"] == "timerTrigger"
    assert said["schedule"] == "0 17 * * * *", "docs/deploy.md says hourly"


def test_the_variables_of_upstash_are_those_that_the_library_reads() -> None:
    names = local_values("upstash")
    assert names["url_variable"] == upstash.URL_VARIABLE
    assert names["token_variable"] == upstash.TOKEN_VARIABLE


@pytest.mark.parametrize(
    ("module", "project"), [("aws", ""), ("gcp", "my-shop"), ("azure", ""), ("upstash", "")]
)
def test_the_store_that_a_module_tells_of_is_one_that_the_library_opens(
    module: str, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The url as a run of the module expects it, taken by the adapter that its scheme names."""
    text = (INFRA / module / "tests" / "module.tftest.hcl").read_text("utf-8")
    url = re.search(r'output\.store == "(.+?)"', text)
    assert url
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    monkeypatch.setenv(upstash.URL_VARIABLE, "https://127.0.0.1:1")
    monkeypatch.setenv(upstash.TOKEN_VARIABLE, "none")
    store = open_store(url[1])
    assert isinstance(store, SessionStore)
    assert project in repr(store)
    store.close()


@pytest.mark.parametrize("module", WITH_A_FUNCTION)
def test_the_settings_are_the_librarys(module: str) -> None:
    """All that the environment can say, but for secrets, which have no place in a plan, and the
    store, which the module knows."""
    kind = str(blocks(module, "variable")["settings"]["type"])
    assert set(re.findall(r"(\w+)\W+optional", kind)) == set(_PARSERS) - _SECRETS
    assert set(_PARSERS) <= {field.name for field in fields(SessionConfig)}


@pytest.mark.parametrize("module", WITH_A_FUNCTION)
def test_the_settings_are_checked_alike_everywhere(module: str) -> None:
    assert blocks(module, "variable")["settings"] == blocks("aws", "variable")["settings"]
