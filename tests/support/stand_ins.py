"""Terraform with providers that have the schemas of ``tests/infra/schemas``, and nothing else."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from servers.process import running
from support.terraform import Installed, Terraform, host_of_providers

SCHEMAS = Path(__file__).parents[1] / "infra" / "schemas"
End = Literal["oldest", "newest"]
ENDS: tuple[End, ...] = get_args(End)


@dataclass(frozen=True)
class StandIns:
    """Providers at one end of the versions that the modules admit, by their names."""

    version: str
    mirror: Path
    versions: dict[str, str]
    addresses: str


class TerraformOnStandIns(Terraform):
    """Init chooses versions from a mirror, as always; the rest is done with what is served."""

    def __init__(self, folder: Path, stand_ins: StandIns) -> None:
        super().__init__(folder, [stand_ins.mirror])
        self._environment = {"TF_REATTACH_PROVIDERS": stand_ins.addresses}


@contextmanager
def stand_ins(end: End, terraform: Installed) -> Iterator[StandIns]:
    chosen = at_the(end)
    with tempfile.TemporaryDirectory() as name:
        addresses = Path(name) / "addresses.json"
        mirror = Path(name) / host_of_providers(Path(name))
        for provider, (version, _) in chosen.items():
            _in_mirror(mirror, provider, version, terraform.platform)
        command = [sys.executable, "-m", "servers.schema_provider", str(addresses)]
        with running([*command, *(str(file) for _, file in chosen.values())], addresses.exists):
            versions = {provider: version for provider, (version, _) in chosen.items()}
            told = ", ".join(f"{provider} {version}" for provider, version in versions.items())
            yield StandIns(
                f"{terraform.version} with the schemas of {told}",
                Path(name),
                versions,
                addresses.read_text("utf-8"),
            )


def at_the(end: End) -> dict[str, tuple[str, Path]]:
    """Of each provider the version at this end of those there are, and its file."""
    found: dict[str, tuple[str, Path]] = {}
    for file in sorted(SCHEMAS.glob("*.json"), key=_place, reverse=end == "oldest"):
        document = published(file)
        found[document["provider"]] = document["version"], file
    return dict(sorted(found.items()))


def published(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return document


def _place(file: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in published(file)["version"].split("."))


def _in_mirror(mirror: Path, provider: str, version: str, platform: str) -> None:
    """Init asks only that there be a program; a served provider's is never started."""
    folder = mirror / provider / version / platform
    folder.mkdir(parents=True)
    program = folder / f"terraform-provider-{provider.rpartition('/')[2]}_v{version}"
    program.write_text("#!/bin/false\n", "utf-8")
    program.chmod(0o755)
