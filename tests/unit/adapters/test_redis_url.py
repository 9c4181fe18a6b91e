"""How a Redis store is opened, signs in, and says what is wrong."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing

import pytest
import redis

from serverless_sessions import clock, open_store
from serverless_sessions.errors import (
    AccessDenied,
    ConfigurationError,
    SessionError,
    StoreTimeout,
    StoreUnavailable,
)
from serverless_sessions.testing.cases.base import created, loaded, session, texts
from serverless_sessions_adapters.redis import AT_ONCE, RedisStore
from servers.redis_cluster import RedisCluster
from servers.redis_server import RedisServer


def opened(url: str) -> RedisStore:
    store = open_store(url)
    assert isinstance(store, RedisStore)
    return store


def options(store: RedisStore) -> dict[str, object]:
    found: dict[str, object] = store.client.connection_pool.connection_kwargs
    return found


def test_what_the_url_says_reaches_the_client() -> None:
    said = options(opened("redis://ann:p%40ss@cache.example:7000/3"))
    assert (said["host"], said["port"], said["db"]) == ("cache.example", 7000, 3)
    assert (said["username"], said["password"]) == ("ann", "p@ss")


def test_a_bare_name_is_the_server_of_this_machine() -> None:
    said = options(opened("redis"))
    assert (said["host"], said["port"], said["db"]) == ("localhost", 6379, 0)
    assert (said["username"], said["password"]) == (None, None)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis://host/name", "number of a database"),
        ("redis://host?layout=unknown", "fields or astro"),
        ("redis://host?cluster=perhaps", "on or off"),
        ("redis://host/1?cluster=on", "no numbered databases"),
        ("redis://host?ca=file.pem", "rediss"),
        ("redis://host?max_bytes=0", "at least 1"),
        ("redis://host?prefix={a}", "braces"),
    ],
)
def test_a_wrong_url_is_refused_with_what_is_allowed(url: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        opened(url)


def test_retries_are_off() -> None:
    retry = options(opened("redis://host"))["retry"]
    assert isinstance(retry, redis.retry.Retry)
    assert retry.get_retries() == 0


def test_opening_makes_no_connection() -> None:
    opened("redis://127.0.0.1:1")
    opened("redis://127.0.0.1:1?cluster=on").close()


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
@pytest.mark.parametrize("more", ["", "?cluster=on"])
def test_a_server_that_is_not_there_is_unavailable(more: str, host: str) -> None:
    store = opened(f"redis://{host}:1{more}")
    with pytest.raises(StoreUnavailable) as raised:
        store.load("0" * 64)
    assert not isinstance(raised.value, StoreTimeout)
    refusals = redis.ConnectionError, redis.exceptions.RedisClusterException
    assert isinstance(raised.value.__cause__, refusals)
    with pytest.raises(StoreUnavailable):
        asyncio.run(_awaited_load(store))


async def _awaited_load(store: RedisStore) -> None:
    awaited = store.native_async()
    assert awaited is not None
    try:
        await awaited.load("0" * 64)
    finally:
        await awaited.close()


def test_over_tls_with_a_password(redis_over_tls: RedisServer) -> None:
    with closing(opened(f"{redis_over_tls.url}?ca={redis_over_tls.certificate}")) as store:
        key = created(store, session({"a": "1"}))
        assert texts(loaded(store, key)) == {"a": "1"}
        asyncio.run(_awaited_load(store))


def test_a_certificate_of_nobody_is_not_trusted(redis_over_tls: RedisServer) -> None:
    with closing(opened(redis_over_tls.url)) as store, pytest.raises(StoreUnavailable):
        store.load("0" * 64)


def test_a_wrong_password_is_denied_and_not_shown(redis_over_tls: RedisServer) -> None:
    port, ca = redis_over_tls.port, redis_over_tls.certificate
    for userinfo in ("", ":hunter2@"):
        url = f"rediss://{userinfo}127.0.0.1:{port}?ca={ca}"
        with closing(opened(url)) as store, pytest.raises(AccessDenied) as raised:
            store.load("0" * 64)
        assert "hunter2" not in str(raised.value)
        assert isinstance(raised.value.__cause__, redis.RedisError)


def test_keys_of_another_program_are_named_as_such(redis_server: RedisServer) -> None:
    with closing(opened(f"{redis_server.url}?prefix=taken")) as store:
        store.client.set(store.operations.place_of("0" * 64), "something else")
        with pytest.raises(ConfigurationError, match="another prefix"):
            store.load("0" * 64)


SECRET = "the value of a session"


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (redis.TimeoutError(SECRET), StoreTimeout),
        (redis.ConnectionError(SECRET), StoreUnavailable),
        (redis.exceptions.BusyLoadingError(SECRET), StoreUnavailable),
        (redis.exceptions.ReadOnlyError(SECRET), StoreUnavailable),
        (redis.exceptions.OutOfMemoryError(SECRET), StoreUnavailable),
        (redis.exceptions.ClusterDownError(SECRET), StoreUnavailable),
        (redis.exceptions.NoPermissionError(SECRET), AccessDenied),
        (redis.AuthenticationError(SECRET), AccessDenied),
        (redis.ResponseError(f"ACL failure in script: {SECRET}"), AccessDenied),
        (redis.ResponseError(f"ERR {SECRET}"), StoreUnavailable),
        (ValueError(SECRET), StoreUnavailable),
    ],
)
def test_errors_of_the_client_become_ours_without_its_words(
    error: Exception, becomes: type[SessionError]
) -> None:
    translated = opened("redis").operations.translated(error, "loading a session")
    assert type(translated) is becomes
    assert SECRET not in str(translated)
    assert "loading a session in Redis" in str(translated)


def test_a_call_takes_no_longer_than_it_is_given(silent_server: int) -> None:
    store = opened(f"redis://127.0.0.1:{silent_server}")
    with clock.call_limit(0.05), pytest.raises(StoreTimeout):
        store.load("0" * 64)
    with clock.call_limit(0.05), pytest.raises(StoreTimeout):
        asyncio.run(_awaited_load(store))


def test_the_check_names_an_eviction_policy_that_ends_sessions(redis_server: RedisServer) -> None:
    with closing(opened(redis_server.url)) as store:
        assert all(finding.ok for finding in store.check())
        store.client.config_set("maxmemory-policy", "allkeys-lru")
        store.client.config_set("maxmemory", "1gb")
        try:
            (wrong,) = [finding for finding in store.check() if not finding.ok]
        finally:
            store.client.config_set("maxmemory-policy", "noeviction")
            store.client.config_set("maxmemory", "0")
    assert "allkeys-lru" in wrong.what
    assert "noeviction" in wrong.remedy


@pytest.mark.parametrize("clustered", [False, True])
def test_more_calls_at_once_than_connections_wait_for_one(
    redis_server: RedisServer, redis_cluster: RedisCluster, clustered: bool
) -> None:
    url = f"{redis_cluster.url.removesuffix('/0')}?cluster=on" if clustered else redis_server.url
    store = opened(url)
    awaited = store.native_async()
    assert awaited is not None

    async def load_many() -> list[object]:
        try:
            with clock.call_limit(30):
                await awaited.load("0" * 64)
                calls = (awaited.load("0" * 64) for _ in range(2 * AT_ONCE + 1))
                return await asyncio.gather(*calls)
        finally:
            await awaited.close()

    assert set(asyncio.run(load_many())) == {None}


def test_a_store_on_a_cluster_that_is_closed_has_no_connection_left(
    redis_cluster: RedisCluster,
) -> None:
    store = opened(f"{redis_cluster.url.removesuffix('/0')}?cluster=on")
    created(store)
    nodes = [node.redis_connection for node in store.client.get_nodes()]
    open_ones = [
        connection
        for client in nodes
        if client is not None
        for connection in client.connection_pool._available_connections
        if connection.is_connected
    ]
    assert open_ones
    store.close()
    assert not any(connection.is_connected for connection in open_ones)


def test_each_of_many_threads_finds_a_connection(redis_server: RedisServer) -> None:
    with closing(opened(redis_server.url)) as store:
        pool = store.client.connection_pool
        held = [pool.get_connection() for _ in range(101)]
        assert store.load("0" * 64) is None
        for connection in held:
            pool.release(connection)


def test_one_client_serves_many_threads(redis_server: RedisServer) -> None:
    with closing(opened(redis_server.url)) as store:
        keys: list[str] = []
        threads = [threading.Thread(target=lambda: keys.append(created(store))) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(store.load(key) is not None for key in keys)
        assert len(keys) == 20
