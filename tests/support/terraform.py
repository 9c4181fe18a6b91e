"""The terraform command on a copy of a module, with the providers that are installed here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servers.process import ServerMissing, program

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
COPIED = shutil.ignore_patterns(".terraform*", "*.tfstate*", "__pycache__")


class TerraformFailed(AssertionError):
    """The command exited with an error; the message is what it said."""


class Terraform:
    """Commands in one folder, which init makes ready. Nothing is fetched, and nothing of this
    machine's environment but what is given here reaches a provider."""

    def __init__(
        self, folder: Path, mirrors: Sequence[Path], environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.binary = program("terraform")
        self._config = folder.parent / f"{folder.name}.tfrc"
        self._config.write_text(cli_config(mirrors))
        self._environment = environment or {}
        self("init")

    def __call__(self, *arguments: str) -> str:
        """What the command printed. Raises TerraformFailed."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TF_"))}
        done = subprocess.run(
            [self.binary, *arguments, "-no-color"],
            cwd=self.folder,
            env={
                **inherited,
                "TF_CLI_CONFIG_FILE": str(self._config),
                "TF_IN_AUTOMATION": "1",
                "TF_INPUT": "0",
                **self._environment,
            },
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode:
            raise TerraformFailed(f"terraform {arguments[0]}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def apply(self, **variables: str) -> None:
        self("apply", "-auto-approve", *_variables(variables))

    def destroy(self, **variables: str) -> None:
        self("destroy", "-auto-approve", *_variables(variables))

    def assert_settled(self, **variables: str) -> None:
        """Raises TerraformFailed when another apply would change anything."""
        self("plan", "-detailed-exitcode", *_variables(variables))

    def outputs(self) -> dict[str, Any]:
        found = json.loads(self("output", "-json"))
        return {name: output["value"] for name, output in found.items()}


def copied(module: str, folder: Path) -> Path:
    """A module of ``infra/`` with its examples, where terraform may leave what it likes."""
    return shutil.copytree(INFRA / module, folder / module, ignore=COPIED)


@dataclass(frozen=True)
class Provider:
    """A provider that is installed here: in which folder, and which versions."""

    mirror: Path
    version: str


@dataclass(frozen=True)
class Installed:
    """The command itself."""

    path: str
    version: str
    platform: str


@contextmanager
def terraform() -> Iterator[Installed]:
    """Raises ServerMissing."""
    path = program("terraform")
    said = subprocess.run([path, "version", "-json"], capture_output=True, check=True, timeout=60)
    found = json.loads(said.stdout)
    yield Installed(path, f"Terraform {found['terraform_version']}", found["platform"])


@contextmanager
def provider(name: str, terraform: Installed) -> Iterator[Provider]:
    """A provider such as ``hashicorp/aws``, for this machine. Raises ServerMissing."""
    for folder in plugin_folders(name):
        found = folder.glob(f"*/{name}/*/{terraform.platform}/*")
        versions = sorted({path.parents[1].name for path in found})
        if versions:
            yield Provider(folder, f"{terraform.version} with {name} {' '.join(versions)}")
            return
    raise ServerMissing(f"{name} is in none of Terraform's plugin folders (CONTRIBUTING.md)")


def plugin_folders(name: str) -> Iterator[Path]:
    """Terraform's own (CLI Configuration File, "Implied Local Mirror Directories", and its plugin
    cache), and what was installed as an add-on (Filesystem Hierarchy Standard, 3.13)."""
    if cache := os.environ.get("TF_PLUGIN_CACHE_DIR"):
        yield Path(cache)
    yield Path.home() / ".terraform.d" / "plugins"
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    shared = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    for base in (data, *shared.split(":")):
        yield Path(base) / "terraform" / "plugins"
    yield from sorted({path.parents[2] for path in Path("/opt").glob(f"*/*/{name}")})


def host_of_providers(folder: Path) -> str:
    """Of a provider that is named without a host; it is a folder's name in every mirror."""
    asking = 'terraform {\n  required_providers {\n    a = { source = "a/a" }\n  }\n}\n'
    (folder / "main.tf").write_text(asking)
    command = [program("terraform"), "providers", "-no-color"]
    said = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=True, timeout=60
    )
    return said.stdout.partition("provider[")[2].partition("/")[0]


def cli_config(mirrors: Sequence[Path]) -> str:
    blocks = "".join(f'  filesystem_mirror {{\n    path = "{path}"\n  }}\n' for path in mirrors)
    return f"disable_checkpoint = true\nprovider_installation {{\n{blocks}}}\n"


def _variables(variables: Mapping[str, str]) -> list[str]:
    return [f"-var={name}={value}" for name, value in variables.items()]
