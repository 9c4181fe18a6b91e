"""The modules whose providers are not to be had here are valid for Terraform, their tests pass and
their examples are planned: with the providers' schemas, at both ends of the versions admitted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.stand_ins import ENDS, End, StandIns, TerraformOnStandIns, at_the
from support.terraform import INFRA, TerraformFailed, copied

RUNS = {"gcp": 12, "azure": 11, "upstash": 5}
EXAMPLES = {
    "gcp/examples/cart": {"project": "my-shop", "location": "europe-west1", "package": "main.tf"},
    "azure/examples/cart": {
        "name": "my-shop",
        "storage_account_name": "myshop",
        "location": "westeurope",
    },
    "upstash/examples/aws": {"region": "eu-west-1", "package": "main.tf"},
    "upstash/examples/gcp": {
        "project": "my-shop",
        "location": "europe-west1",
        "primary_region": "eu-west-1",
        "package": "main.tf",
    },
}
MISTAKES = {
    "an unknown argument": (
        "function.tf",
        "ingress_settings  ",
        "ingress_setting ",
        'argument named "ingress_setting"',
    ),
    "a missing one": ("function.tf", "account_id   = var.name\n", "", 'argument "account_id"'),
    "a misspelt block": ("main.tf", "index_config {}", "index_configs {}", 'type "index_configs"'),
    "a value of the wrong type": (
        "function.tf",
        "= var.timeout_seconds",
        "= [var.timeout_seconds]",
        'attribute "timeout_seconds": number required',
    ),
    "an attribute that there is not": (
        "function.tf",
        "google_service_account.this[0].email",
        "google_service_account.this[0].mail",
        'attribute named "mail"',
    ),
}


@pytest.fixture(params=ENDS)
def providers(request: pytest.FixtureRequest) -> StandIns:
    chosen: StandIns = request.getfixturevalue(f"{request.param}_providers")
    return chosen


@pytest.mark.parametrize("module", RUNS)
def test_a_module_passes_its_own_tests(module: str, providers: StandIns, tmp_path: Path) -> None:
    said = TerraformOnStandIns(copied(module, tmp_path), providers)("test")
    assert f"Success! {RUNS[module]} passed, 0 failed." in said


def test_the_aws_module_passes_its_own_with_the_newest_provider(
    newest_providers: StandIns, tmp_path: Path
) -> None:
    """Which takes other arguments than the real one here, and is not to be had."""
    said = TerraformOnStandIns(copied("aws", tmp_path), newest_providers)("test")
    assert re.search(r"Success! 1\d passed, 0 failed\.", said)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_valid_and_planned(example: str, providers: StandIns, tmp_path: Path) -> None:
    for module in ("aws", *RUNS):
        copied(module, tmp_path)
    terraform = TerraformOnStandIns(tmp_path / example, providers)
    lock = (terraform.folder / ".terraform.lock.hcl").read_text("utf-8")
    chosen = re.findall(r'provider "[^/]+/(.+)" \{\n  version += "(.+)"', lock)
    assert len(chosen) in (1, 2)
    assert (
        dict(chosen).items() <= {name.lower(): v for name, v in providers.versions.items()}.items()
    )
    terraform("validate")
    said = terraform("plan", *(f"-var={name}={value}" for name, value in EXAMPLES[example].items()))
    assert re.search(r"Plan: \d+ to add, 0 to change, 0 to destroy", said)
    assert "(known after apply)" in said


def test_mistakes_are_caught(providers: StandIns, tmp_path: Path) -> None:
    folder = copied("gcp", tmp_path)
    terraform = TerraformOnStandIns(folder, providers)
    terraform("validate")
    for what, (name, old, new, said) in MISTAKES.items():
        file = folder / name
        right = file.read_text("utf-8")
        assert right.count(old) >= 1, what
        file.write_text(right.replace(old, new), "utf-8")
        with pytest.raises(TerraformFailed) as failed:
            terraform("validate")
        assert said in re.sub(r"\s+", " ", str(failed.value)), what
        file.write_text(right, "utf-8")


@pytest.mark.parametrize("end", ENDS)
def test_the_schemas_are_those_of_the_versions_admitted(end: End) -> None:
    """The oldest of each is the one that versions.tf names, the newest below its limit."""
    found = {provider: version for provider, (version, _) in at_the(end).items()}
    for file in INFRA.rglob("*.tf"):
        admitted = re.findall(
            r'source  = "(.+)"\n +version = ">= ([\d.]+), < (\d+)\.0\.0"', file.read_text("utf-8")
        )
        for provider, least, limit in admitted:
            if end == "oldest" and provider != "hashicorp/aws":
                assert found[provider] == least, file
            assert int(found[provider].split(".")[0]) == int(limit) - 1 or end == "oldest", file
