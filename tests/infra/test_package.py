"""The zips of functions: the same bytes from the same input, and nothing but what is needed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from support.packages import SCRIPT, build_package

EXAMPLES = SCRIPT.parents[1] / "examples"
DEPLOY = SCRIPT.parents[1] / "docs" / "deploy.md"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*build, str(SCRIPT.parents[1])], check=True, capture_output=True, timeout=100)
    (built,) = folder.glob("*.whl")
    return built


def tops(package: Path, below: str = "") -> set[str]:
    names = zipfile.ZipFile(package).namelist()
    return {name.removeprefix(below).partition("/")[0] for name in names if name.startswith(below)}


@pytest.mark.parametrize("platform", ["aws", "gcp"])
def test_the_same_input_gives_the_same_bytes(wheel: Path, tmp_path: Path, platform: str) -> None:
    options = ("--wheel", str(wheel), "--platform", platform)
    first = build_package(tmp_path / "first.zip", *options)
    copied = tmp_path / "copied" / "cart"
    copied.parent.mkdir()
    subprocess.run(["cp", "-r", str(EXAMPLES / "cart"), str(copied)], check=True)
    for path in copied.rglob("*"):
        os.utime(path, (1e9, 1e9))
    (copied / "__pycache__").mkdir(exist_ok=True)
    (copied / "__pycache__" / "shop.cpython-311.pyc").write_bytes(b"compiled")
    second = build_package(tmp_path / "second.zip", *options, "--app", str(copied))
    assert first.read_bytes() == second.read_bytes()


def test_the_time_of_the_members_can_be_given(wheel: Path, tmp_path: Path) -> None:
    options = ("--wheel", str(wheel), "--platform", "gcp")
    package = build_package(tmp_path / "dated.zip", *options, SOURCE_DATE_EPOCH="1700000000")
    dates = {info.date_time for info in zipfile.ZipFile(package).infolist()}
    assert dates == {(2023, 11, 14, 22, 13, 20)}


def test_lambda_gets_the_library_and_the_app_and_finds_boto3_in_its_runtime(
    wheel: Path, tmp_path: Path
) -> None:
    package = build_package(tmp_path / "cart.zip", "--wheel", str(wheel), "--platform", "aws")
    version = wheel.name.split("-")[1]
    assert tops(package) == {
        "cart",
        "serverless_sessions",
        "serverless_sessions_adapters",
        "serverless_sessions_pytest.py",
        f"serverless_sessions-{version}.dist-info",
    }
    archive = zipfile.ZipFile(package)
    assert not [name for name in archive.namelist() if name.endswith(".pyc")]
    assert (
        "serverless_sessions.stores"
        in archive.read(f"serverless_sessions-{version}.dist-info/entry_points.txt").decode()
    )
    assert str(wheel.parent).encode() not in b"".join(map(archive.read, archive.namelist()))
    assert {info.external_attr >> 16 for info in archive.infolist()} == {0o644}
    said = re.search(r"cart-aws-arm64\.zip: (\d+) kB", DEPLOY.read_text("utf-8"))
    assert said
    assert package.stat().st_size / 1000 == pytest.approx(int(said[1]), rel=0.1)


def test_a_bundled_boto3_knows_dynamodb_alone_and_is_whole_enough_for_the_store(
    wheel: Path, tmp_path: Path
) -> None:
    package = build_package(
        tmp_path / "bundled.zip", "--wheel", str(wheel), "--platform", "aws", "--extras", "dynamodb"
    )
    assert {name for name in tops(package, "botocore/data/") if "." not in name} == {"dynamodb"}
    assert package.stat().st_size < 2_500_000
    done = subprocess.run(
        [sys.executable, "-SPBc", OPENS_DYNAMODB],
        env={"PACKAGE": str(package), "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == "dynamodb.eu-west-1.amazonaws.com DynamoDBStore('carts')\n", done.stderr


OPENS_DYNAMODB = """
import zipfile, sys, os
zipfile.ZipFile(os.environ["PACKAGE"]).extractall("unpacked")
sys.path[:] = ["unpacked", *sys.path]
from urllib.parse import urlsplit
from serverless_sessions import open_store
store = open_store("dynamodb://carts?region=eu-west-1")
print(urlsplit(store.client.meta.endpoint_url).hostname, store)
"""


@pytest.mark.parametrize(("arch", "machine"), [("arm64", "aarch64"), ("x86_64", "x86_64")])
def test_compiled_code_is_for_the_functions_processor_and_python(
    wheel: Path, tmp_path: Path, arch: str, machine: str
) -> None:
    """An app with requirements of its own, one of which is compiled."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("markupsafe>=3\n")
    options = ("--wheel", str(wheel), "--platform", "aws", "--arch", arch)
    package = build_package(
        tmp_path / "app.zip", *options, "--requirements", str(requirements), "--python", "3.13"
    )
    compiled = [name for name in zipfile.ZipFile(package).namelist() if name.endswith(".so")]
    assert compiled == [f"markupsafe/_speedups.cpython-313-{machine}-linux-gnu.so"]


def test_cloud_functions_gets_a_source_with_its_requirements(wheel: Path, tmp_path: Path) -> None:
    package = build_package(tmp_path / "cart.zip", "--wheel", str(wheel), "--platform", "gcp")
    assert tops(package) == {"cart", "main.py", "requirements.txt", wheel.name}
    archive = zipfile.ZipFile(package)
    assert archive.read("main.py").decode() == (
        "from cart.cloud_functions import handler as handler\n"
    )
    archive.extractall(tmp_path / "source")
    lines = (tmp_path / "source" / "requirements.txt").read_text().splitlines()
    assert lines[0].startswith("functions-framework")
    dry_run = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--report", "-"]
    done = subprocess.run(
        [*dry_run, "--ignore-installed", "--quiet", lines[1]],
        cwd=tmp_path / "source",
        capture_output=True,
        check=True,
        timeout=60,
    )
    (found,) = json.loads(done.stdout)["install"]
    assert (found["metadata"]["name"], found["requested_extras"]) == (
        "serverless-sessions",
        ["firestore"],
    )


def test_azure_functions_gets_its_packages_where_its_worker_looks(
    wheel: Path, tmp_path: Path
) -> None:
    package = build_package(
        tmp_path / "cart.zip", "--wheel", str(wheel), "--platform", "azure", "--extras", ""
    )
    assert tops(package) == {".python_packages", "cart", "function_app.py", "host.json"}
    installed = tops(package, ".python_packages/lib/site-packages/")
    assert {"serverless_sessions", "serverless_sessions_adapters", "azure"} <= installed
    assert json.loads(zipfile.ZipFile(package).read("host.json"))["version"] == "2.0"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--platform", "aws", "--extras", "dynamo"), "no extra dynamo"),
        (("--platform", "azure", "--arch", "arm64"), "azure has no arm64"),
        (("--platform", "aws", "--app", "docs"), "no Python package"),
        (("--platform", "netlify"), "invalid choice"),
    ],
)
def test_what_cannot_be_packed_is_named(
    wheel: Path, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    with pytest.raises(AssertionError, match=said):
        build_package(tmp_path / "none.zip", "--wheel", str(wheel), *options)
    assert not (tmp_path / "none.zip").exists()
