"""What can be said of the modules without running them."""

from __future__ import annotations

import re
import subprocess
from dataclasses import fields
from typing import Any

import pytest

from serverless_sessions import SessionConfig
from serverless_sessions.config import _PARSERS, _SECRETS
from serverless_sessions_adapters import _dynamodb_table as dynamodb_table
from serverless_sessions_adapters._dynamodb_requests import Table
from serverless_sessions_adapters.dynamodb import DEFAULT_TABLE
from support.hcl import blocks, inputs_table, local_values, outputs_table
from support.terraform import INFRA, Installed

MODULES = sorted(path.parent.name for path in INFRA.glob("*/versions.tf"))


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


def test_the_settings_are_the_librarys() -> None:
    """All that the environment can say, but for secrets, which have no place in a plan, and the
    store, which the module knows."""
    kind = str(blocks("aws", "variable")["settings"]["type"])
    assert set(re.findall(r"(\w+)\W+optional", kind)) == set(_PARSERS) - _SECRETS
    assert set(_PARSERS) <= {field.name for field in fields(SessionConfig)}
