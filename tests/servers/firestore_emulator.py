"""The Firestore emulator of the Cloud SDK.

Transactions livelock in it under contention, TTL policies are not carried out, and a message past
4 MiB is answered RESOURCE_EXHAUSTED, which the SDK retries for a minute unless told not to.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from servers.process import HOST, ServerMissing, answers_post, program, reserved_port, running

MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
JAR = "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"
SMALL_AND_QUICK_TO_START = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


@dataclass(frozen=True)
class FirestoreEmulator:
    """A Firestore for any project; ``host`` is the value of ``FIRESTORE_EMULATOR_HOST``."""

    port: int
    version: str
    pid: int

    @property
    def host(self) -> str:
        return f"{HOST}:{self.port}"


@contextmanager
def firestore_emulator() -> Iterator[FirestoreEmulator]:
    java = [program("java"), *SMALL_AND_QUICK_TO_START, "-cp", str(_jar()), MAIN]
    said = subprocess.run([*java, "--version"], capture_output=True, text=True, check=True)
    name = f"Firestore emulator {said.stdout.split()[-1]}"
    with reserved_port() as port:
        command = [*java, f"--host={HOST}", f"--port={port}"]
        with running(command, _warm(port)) as pid:
            yield FirestoreEmulator(port, name, pid)


def _warm(port: int) -> Callable[[], bool]:
    """The first write makes the JVM load half the emulator, longer than a store may wait."""
    database = "projects/warm-up/databases/(default)"
    write = {"update": {"name": f"{database}/documents/warm/up", "fields": {}}}
    return answers_post(port, f"/v1/{database}/documents:commit", {"writes": [write]})


def _jar() -> Path:
    for root in _sdk_roots():
        if (root / JAR).is_file():
            return root / JAR
    raise ServerMissing("the Cloud SDK with its component cloud-firestore-emulator is not here")


def _sdk_roots() -> Iterator[Path]:
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        return
    yield Path(gcloud).resolve().parents[1]  # asking gcloud takes more than a second
    ask = [gcloud, "info", "--format=value(installation.sdk_root)"]
    yield Path(subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip())
