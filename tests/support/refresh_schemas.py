"""Writes the schemas that the modules of ``infra/`` are tested with: `make schemas`.

They come from bindings that pip finds (260 MB), cut down to the resources that the modules and
their examples have. To be run when a module takes up another resource, or admits another version of
a provider: its bindings are named here. upstash-*.json are not written: nobody publishes bindings
of that provider, and what they say was typed from its sources.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from support.bindings import provider_version, schema
from support.stand_ins import SCHEMAS
from support.terraform import INFRA

BINDINGS = {
    "hashicorp/aws": ("cdktn-provider-aws", ["25.8.1"]),
    "hashicorp/google": ("cdktn-provider-google", ["16.13.0", "21.1.0"]),
    "hashicorp/azurerm": ("cdktn-provider-azurerm", ["14.24.0", "18.9.0"]),
    "Azure/azapi": ("cdktn-provider-azapi", ["1.0.0"]),
}
"""Oldest and newest. Of aws the newest alone, as the tests have a real old one; of azapi there is
one."""


def main() -> None:
    for provider, (package, versions) in BINDINGS.items():
        name = provider.rpartition("/")[2]
        for version in versions:
            with tempfile.TemporaryDirectory() as folder:
                wheel = downloaded(f"{package}=={version}", Path(folder))
                written = provider_version(wheel)
                document = {
                    "provenance": f"cut from {package} {version} (MPL-2.0) by refresh_schemas.py",
                    "provider": provider,
                    "version": written,
                    "schema": without_endpoints(schema(wheel, sorted(resources(name)))),
                }
            target = SCHEMAS / f"{name}-{written}.json"
            target.write_text(as_json(document) + "\n", "utf-8")
            print(f"{target.name}: {target.stat().st_size / 1000:.0f} kB")


def resources(provider: str) -> set[str]:
    """Those of a provider in all modules and examples."""
    found = (
        path.read_text("utf-8") for path in INFRA.rglob("*.tf") if ".terraform" not in path.parts
    )
    return set(re.findall(rf'^resource "({provider}_\w+)"', "\n".join(found), re.MULTILINE))


def downloaded(requirement: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary", ":all:", "--dest", str(folder), requirement]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def without_endpoints(provider: dict[str, Any]) -> dict[str, Any]:
    """Most of a provider's configuration are addresses of services, one by one."""
    block = provider["provider"]["block"]
    block["attributes"] = {
        name: attribute
        for name, attribute in block["attributes"].items()
        if not name.endswith("_custom_endpoint")
    }
    block.get("block_types", {}).pop("endpoints", None)
    return provider


def as_json(document: dict[str, Any]) -> str:
    """With a line for each resource, so that a change of one is seen as that."""
    members = []
    for name, value in document.items():
        deeper = name in ("schema", "resource_schemas")
        text = as_json(value) if deeper else json.dumps(value, separators=(",", ":"))
        members.append(f"{json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(members) + "\n}"


if __name__ == "__main__":
    main()
