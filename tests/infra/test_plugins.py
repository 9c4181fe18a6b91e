"""Providers are found where Terraform itself looks, and named where they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from servers.process import ServerMissing
from support.terraform import Installed, provider

HERE = Installed("terraform", "Terraform 1.9.0", "linux_amd64")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_PLUGIN_CACHE_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "shared"))


def install(folder: Path, version: str, platform: str = HERE.platform) -> None:
    target = folder / "providers.example" / "acme" / "lamp" / version / platform
    target.mkdir(parents=True)
    (target / f"terraform-provider-lamp_v{version}_x5").touch()


@pytest.mark.parametrize(
    "place", ["home/.terraform.d/plugins", "data/terraform/plugins", "shared/terraform/plugins"]
)
def test_a_provider_is_found_in_terraforms_folders(tmp_path: Path, place: str) -> None:
    install(tmp_path / place, "1.0.0")
    install(tmp_path / place, "2.0.0")
    with provider("acme/lamp", HERE) as found:
        assert found.mirror == tmp_path / place
        assert found.version == "Terraform 1.9.0 with acme/lamp 1.0.0 2.0.0"


def test_a_cache_of_plugins_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_PLUGIN_CACHE_DIR", str(tmp_path / "cache"))
    install(tmp_path / "cache", "1.0.0")
    install(tmp_path / "data" / "terraform" / "plugins", "1.0.0")
    with provider("acme/lamp", HERE) as found:
        assert found.mirror == tmp_path / "cache"


def test_one_for_another_machine_is_not_taken(tmp_path: Path) -> None:
    install(tmp_path / "data" / "terraform" / "plugins", "1.0.0", "plan9_386")
    with pytest.raises(ServerMissing, match="acme/lamp"), provider("acme/lamp", HERE):
        pass
