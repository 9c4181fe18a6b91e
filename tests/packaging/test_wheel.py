"""What is published works on its own: built, installed in a new environment, and tested there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("core", "adapters")
# Whether the package is whole shows in these; what else the stores do is no matter of packaging.
TESTED = ("unit", "docs", "platforms", "contract/test_sqlite.py", "contract/test_redis.py")

pytestmark = pytest.mark.packaging


def run(*command: str | Path, cwd: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "SESSION_"))}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=ROOT)
    return folder


def test_the_wheel_holds_the_two_packages_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "serverless_sessions",
        "serverless_sessions_adapters",
        "serverless_sessions_pytest.py",
    }
    assert "serverless_sessions/py.typed" in names
    assert "serverless_sessions_adapters/py.typed" in names
    assert not [name for name in names if "test_" in name or name.endswith(".pyc")]


def test_the_sdist_holds_what_the_wheel_is_built_from(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"} <= names
    assert not [name for name in names if name.startswith((".venv", ".sessions"))]


@pytest.mark.timeout(1500)
def test_the_tests_pass_against_the_installed_wheel(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, f"{wheel}[dev]", cwd=tmp_path)

    work = tmp_path / "work"
    for name in ("tests", "examples", "docs"):
        ignored = shutil.ignore_patterns("__pycache__", "packaging", "typing", "infra")
        shutil.copytree(ROOT / name, work / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, work / name)
    (work / ".make").symlink_to(ROOT / ".make")  # the servers that `make servers` installed

    where = run(python, "-c", "import serverless_sessions as s; print(s.__file__)", cwd=work)
    assert str(tmp_path / "venv") in where
    assert not [name for name in SOURCES if (work / name).exists()]
    tests = [Path("tests", part) for part in TESTED]
    pytest = (python, "-m", "pytest", "-q", "-n", "2", "-m", "not long")
    summary = run(*pytest, *tests, cwd=work).strip().splitlines()[-1]
    assert "passed" in summary
    print(summary)
