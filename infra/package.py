"""Builds the zip of a function: the app, this library's wheel, and what they need.

    python infra/package.py --platform aws --arch arm64 --app examples/cart

The same input gives the same bytes: members are sorted, have one time (SOURCE_DATE_EPOCH, or
1980) and one of two modes, and whatever pip notes of this machine is left out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from email import message_from_bytes
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
ZIP_EPOCH = 315_532_800
"""1980-01-01, the first day that a zip can tell."""
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
PIP_NOTES = {"INSTALLER", "REQUESTED", "RECORD", "direct_url.json"}
"""In a .dist-info; RECORD lists the scripts, whose first line is a path of this machine."""
BOTOCORE_FILES = {"_retry.json", "endpoints.json", "partitions.json"} | {
    "sdk-default-configuration.json"
}
HOST_JSON = """\
{
  "version": "2.0",
  "extensions": { "http": { "routePrefix": "" } }
}
"""


class Options(NamedTuple):
    app: Path
    wheel: Path
    extras: Sequence[str]
    requirements: Path | None
    arch: str
    python: str
    services: Sequence[str]

    @property
    def requirement(self) -> str:
        return f"{self.wheel}[{','.join(self.extras)}]" if self.extras else str(self.wheel)


class Platform(NamedTuple):
    """``extras``: what the platform's own store needs and its runtime has not."""

    extras: Sequence[str]
    archs: Sequence[str]
    lay_out: Callable[[Path, Options], None]


def lay_out_for_aws(folder: Path, options: Options) -> None:
    """Lambda imports from the top of the zip. Its runtime has boto3, so no extra is needed."""
    install(folder, options)
    strip_botocore(folder, options.services)
    add_app(folder, options.app)


def lay_out_for_gcp(folder: Path, options: Options) -> None:
    """A source that Cloud Build installs the requirements of, for the processor it runs on."""
    shutil.copy(options.wheel, folder)
    extras = f"[{','.join(options.extras)}]" if options.extras else ""
    lines = ["functions-framework>=3.8", f"./{options.wheel.name}{extras}"]
    if options.requirements:
        lines += options.requirements.read_text("utf-8").splitlines()
    (folder / "requirements.txt").write_text("\n".join(lines) + "\n", "utf-8")
    name = add_app(folder, options.app)
    (folder / "main.py").write_text(f"from {name}.cloud_functions import handler as handler\n")


def lay_out_for_azure(folder: Path, options: Options) -> None:
    """As Core Tools lay out what is published without a build in the cloud."""
    site_packages = folder / ".python_packages" / "lib" / "site-packages"
    site_packages.mkdir(parents=True)
    install(site_packages, options, "azure-functions>=1.21")
    name = add_app(folder, options.app)
    (folder / "function_app.py").write_text(f"from {name}.azure_functions import app as app\n")
    (folder / "host.json").write_text(HOST_JSON)


PLATFORMS = {
    "aws": Platform((), ("arm64", "x86_64"), lay_out_for_aws),
    "gcp": Platform(("firestore",), ("x86_64",), lay_out_for_gcp),
    "azure": Platform(("azure-tables",), ("x86_64",), lay_out_for_azure),
}


def install(folder: Path, options: Options, *more: str) -> None:
    """Wheels for the function's processor and Python, never a build of this machine's."""
    machine = MACHINES[options.arch]
    glibcs = ("manylinux2014", "manylinux_2_17", "manylinux_2_28")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--target", str(folder), "--no-compile", "--only-binary", ":all:"]
    command += ["--implementation", "cp", "--python-version", options.python]
    for glibc in glibcs:
        command += ["--platform", f"{glibc}_{machine}"]
    if options.requirements:
        command += ["--requirement", str(options.requirements)]
    subprocess.run([*command, options.requirement, *more], check=True)  # noqa: S603  (no shell, our own words)
    shutil.rmtree(folder / "bin", ignore_errors=True)
    for metadata in folder.glob("*.dist-info"):
        for name in PIP_NOTES:
            (metadata / name).unlink(missing_ok=True)


def strip_botocore(folder: Path, services: Sequence[str]) -> None:
    """Leave out the descriptions of 400 services that are not called: nine tenths of boto3."""
    for found in (folder / "botocore" / "data").glob("*"):
        if found.is_dir() and found.name not in services:
            shutil.rmtree(found)
        elif found.is_file() and found.name not in BOTOCORE_FILES:
            found.unlink()


def add_app(folder: Path, app: Path) -> str:
    name = app.resolve().name
    unwanted = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
    shutil.copytree(app, folder / name, ignore=unwanted)
    return name


def write_zip(folder: Path, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    moment = time.gmtime(max(ZIP_EPOCH, int(os.environ.get("SOURCE_DATE_EPOCH", ZIP_EPOCH))))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(members(folder)):
            info = zipfile.ZipInfo(name, moment[:6])
            info.create_system = 3  # Unix, whose modes these are
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (0o755 if path.stat().st_mode & 0o100 else 0o644) << 16
            archive.writestr(info, path.read_bytes(), compresslevel=9)


def members(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path


def build_wheel(folder: Path) -> Path:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    (wheel,) = folder.glob("*.whl")
    return wheel


def extras_of(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_bytes(archive.read(name)).get_all("Provides-Extra", [])


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--platform", choices=PLATFORMS, required=True)
    add("--arch", choices=MACHINES, help="processor; the first that the platform has")
    add("--app", type=Path, default=ROOT / "examples" / "cart", help="package with the handler")
    add("--extras", help="comma-separated; what the platform's own store needs")
    add("--requirements", type=Path, help="what the app itself needs")
    add("--services", default="dynamodb", help="of a bundled boto3, comma-separated")
    add("--python", default="3.13", help="version of the function's Python")
    add("--wheel", type=Path, help="of this library; built from the sources here")
    add("--out", type=Path, help="the zip; dist/APP-PLATFORM[-ARCH].zip")
    return parser


def main() -> None:
    parser = arguments()
    given = parser.parse_args()
    platform = PLATFORMS[given.platform]
    arch = given.arch or platform.archs[0]
    if arch not in platform.archs:
        parser.error(f"{given.platform} has no {arch}: {', '.join(platform.archs)}")
    if not (given.app / "__init__.py").is_file():
        parser.error(f"{given.app} is no Python package: it has no __init__.py")
    extras = platform.extras if given.extras is None else split(given.extras)
    suffix = f"-{arch}" if len(platform.archs) > 1 else ""
    named = ROOT / "dist" / f"{given.app.resolve().name}-{given.platform}{suffix}.zip"
    out = given.out or named
    with tempfile.TemporaryDirectory() as built, tempfile.TemporaryDirectory() as folder:
        wheel = given.wheel or build_wheel(Path(built))
        if unknown := set(extras) - set(extras_of(wheel)):
            parser.error(f"the wheel has no extra {', '.join(sorted(unknown))}")
        options = Options(
            given.app,
            wheel.resolve(),
            extras,
            given.requirements,
            arch,
            given.python,
            split(given.services),
        )
        platform.lay_out(Path(folder), options)
        write_zip(Path(folder), out)
    print(f"{out}: {out.stat().st_size / 1000:.0f} kB")


def split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


if __name__ == "__main__":
    main()
