"""The servers as pytest fixtures.

Each is started when the first test of an xdist worker asks for it, is shared by that worker's
tests, and is stopped when the worker ends. The summary names what ran, and what could not be had
and why: under CI=true that fails the tests that asked for it, elsewhere it skips them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Protocol, TypeVar

import pytest

from servers import (
    astro,
    azurite,
    cloudflare_kv,
    deno_kv,
    dynalite,
    firestore_emulator,
    lambda_rie,
    moto_server,
    netlify_blobs,
    redis_cluster,
    redis_server,
    upstash_bridge,
    valkey,
)
from servers.process import ServerMissing

USED = "store_server"
MISSING = "store_server_missing"


class Versioned(Protocol):
    @property
    def version(self) -> str: ...


Server = TypeVar("Server", bound=Versioned)


class Servers:
    """What this worker has started, by the fixtures' names."""

    def __init__(self, running: ExitStack) -> None:
        self._running = running
        self.versions: dict[str, str] = {}

    def start(self, fixture: str, server: AbstractContextManager[Server]) -> Server:
        try:
            started = self._running.enter_context(server)
        except ServerMissing as missing:
            refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
            refuse(f"{fixture} cannot be had: {missing}")
        self.versions[fixture] = started.version
        return started


KEY = pytest.StashKey[Servers]()


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Iterator[Servers]:
    with ExitStack() as running:
        pytestconfig.stash[KEY] = Servers(running)
        yield pytestconfig.stash[KEY]


@pytest.fixture(scope="session", name="moto_server")
def _moto_server(servers: Servers) -> moto_server.DynamoDBServer:
    return servers.start("moto_server", moto_server.moto_server())


@pytest.fixture(scope="session", name="dynalite")
def _dynalite(servers: Servers) -> moto_server.DynamoDBServer:
    return servers.start("dynalite", dynalite.dynalite())


@pytest.fixture(scope="session", name="firestore_emulator")
def _firestore_emulator(servers: Servers) -> firestore_emulator.FirestoreEmulator:
    return servers.start("firestore_emulator", firestore_emulator.firestore_emulator())


@pytest.fixture(scope="session", name="azurite")
def _azurite(servers: Servers) -> azurite.Azurite:
    return servers.start("azurite", azurite.azurite())


@pytest.fixture(scope="session", name="azurite_with_sign_in")
def _azurite_with_sign_in(servers: Servers) -> azurite.Azurite:
    return servers.start("azurite_with_sign_in", azurite.azurite_with_sign_in())


@pytest.fixture(scope="session", name="redis_server")
def _redis_server(servers: Servers) -> redis_server.RedisServer:
    return servers.start("redis_server", redis_server.redis_server())


@pytest.fixture(scope="session", name="redis_6")
def _redis_6(servers: Servers) -> redis_server.RedisServer:
    return servers.start("redis_6", redis_server.redis_6())


@pytest.fixture(scope="session", name="redis_over_tls")
def _redis_over_tls(servers: Servers) -> redis_server.RedisServer:
    return servers.start("redis_over_tls", redis_server.redis_over_tls())


@pytest.fixture(scope="session", name="redis_cluster")
def _redis_cluster(servers: Servers) -> redis_cluster.RedisCluster:
    return servers.start("redis_cluster", redis_cluster.redis_cluster())


@pytest.fixture(scope="session", name="valkey")
def _valkey(servers: Servers) -> redis_server.RedisServer:
    return servers.start("valkey", valkey.valkey())


@pytest.fixture(scope="session", name="upstash")
def _upstash(servers: Servers, redis_server: redis_server.RedisServer) -> upstash_bridge.Upstash:
    return servers.start("upstash", upstash_bridge.upstash_bridge(redis_server))


@pytest.fixture(scope="session", name="lambda_runtime")
def _lambda_runtime(servers: Servers) -> lambda_rie.LambdaRuntime:
    return servers.start("lambda_runtime", lambda_rie.lambda_runtime())


@pytest.fixture(scope="session", name="netlify_blobs")
def _netlify_blobs(servers: Servers) -> netlify_blobs.NetlifyBlobs:
    return servers.start("netlify_blobs", netlify_blobs.netlify_blobs())


@pytest.fixture(scope="session", name="cloudflare_kv")
def _cloudflare_kv(servers: Servers) -> cloudflare_kv.CloudflareKV:
    return servers.start("cloudflare_kv", cloudflare_kv.cloudflare_kv())


@pytest.fixture(scope="session", name="deno_kv")
def _deno_kv(servers: Servers) -> deno_kv.DenoKV:
    return servers.start("deno_kv", deno_kv.deno_kv())


@pytest.fixture(scope="session", name="astro_on_files")
def _astro_on_files(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> astro.Site:
    folder = tmp_path_factory.mktemp("astro")
    return servers.start("astro_on_files", astro.astro_site(f"file://{folder}"))


@pytest.fixture(scope="session", name="astro_on_redis")
def _astro_on_redis(servers: Servers, redis_server: redis_server.RedisServer) -> astro.Site:
    store = f"{redis_server.url}?layout=astro&base=astro"
    return servers.start("astro_on_redis", astro.astro_site(store))


@pytest.fixture(scope="session", name="astro_demo")
def _astro_demo(servers: Servers) -> astro.Demo:
    return servers.start("astro_demo", astro.astro_demo())


@pytest.fixture(autouse=True)
def _note_servers(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Iterator[None]:
    """Leave on each test which servers it had; its reports carry that out of an xdist worker."""
    yield
    if KEY in request.config.stash:
        versions = request.config.stash[KEY].versions
        for fixture in versions.keys() & set(request.fixturenames):
            record_property(USED, versions[fixture])


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Leave on each test which server it was refused."""
    refusal = call.excinfo.value if call.excinfo else None
    if refusal and isinstance(refusal.__context__, ServerMissing):
        item.user_properties.append((MISSING, str(refusal)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for group in terminalreporter.stats.values() for report in group]
    used, missing = _tests_by(USED, reports), _tests_by(MISSING, reports)
    if used or missing:
        terminalreporter.section("store servers")
    for server, tests in sorted(used.items()):
        terminalreporter.line(f"{len(tests):6} tests on {server}")
    for reason, tests in sorted(missing.items()):
        terminalreporter.line(f"{len(tests):6} tests skipped or failed: {reason}", yellow=True)


def _tests_by(name: str, reports: list[Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for report in reports:
        for key, value in getattr(report, "user_properties", ()):
            if key == name:
                found.setdefault(value, set()).add(report.nodeid)
    return found
