"""Where Redis, Upstash and Azure Tables have a session that Astro shares, and its expiry."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
import redis
from azure.data.tables import TableClient

from serverless_sessions import ConfigurationError, SessionConfig, SessionManager, open_store
from serverless_sessions.arrival import Request
from serverless_sessions.errors import CorruptRecord, SessionTooLarge
from serverless_sessions.store import DELETED, TTL_LAG_SECONDS, Change, SessionStore
from serverless_sessions.testing.async_contract import blocking
from serverless_sessions.testing.cases.base import created, entries, fresh_key, loaded, session
from serverless_sessions_adapters._azure_documents import AzureTextStore
from serverless_sessions_adapters.redis import RedisTextStore
from serverless_sessions_adapters.upstash import UpstashTextStore
from servers.azurite import Azurite
from servers.redis_server import RedisServer
from servers.upstash_bridge import Upstash
from support.azure import fresh_table

REAL = '[["Map",1,2],"cart",{"data":3,"expires":-1},[4],{"sku":5,"qty":6},"a",2]'
KNOWN = "0b5e1f2c-93a4-4d21-8f6e-1c2d3e4f5a6b"


@pytest.fixture
def connection(azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite.connection_string)


def opened(url: str) -> SessionStore:
    store = open_store(url)
    assert isinstance(store, SessionStore)
    return store


def cart(store: SessionStore, session_id: str) -> object:
    request = Request.with_cookies(f"astro-session={session_id}")
    return SessionManager(store, SessionConfig.astro({})).begin(request).session["cart"]


@pytest.mark.parametrize(
    ("base", "place"),
    [("", KNOWN), ("&base=shop", f"shop:{KNOWN}"), ("&base=shop/eu:", f"shop:eu:{KNOWN}")],
)
def test_redis_has_a_plain_string_at_the_key_of_the_driver(
    redis_server: RedisServer, base: str, place: str
) -> None:
    with (
        closing(opened(f"{redis_server.url}?layout=astro{base}")) as store,
        closing(redis.Redis.from_url(redis_server.url, decode_responses=True)) as client,
    ):
        client.set(place, REAL)
        assert cart(store, KNOWN) == [{"sku": "a", "qty": 2}]
        assert client.ttl(place) == -1
        store.update(KNOWN, Change(set=entries(b="[1]"), idle=int(time.time()) + 500))
        text = client.get(place)
        assert isinstance(text, str)
        assert text.startswith('[["Map",1,2,')
        assert 490 <= client.ttl(place) - TTL_LAG_SECONDS <= 501
        client.set(place, text)
        assert client.ttl(place) == -1
        store.update(KNOWN, Change(remove=frozenset({"b"})))
        assert client.ttl(place) > 0
        store.delete(KNOWN)
        assert client.exists(place) == 0


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize("content", [b"\xff", REAL.encode().replace(b'"a"', b'"caf\xe9"')])
def test_what_is_no_utf_8_is_an_error_that_nothing_overwrites_but_a_log_out(
    redis_server: RedisServer, content: bytes, awaited: bool
) -> None:
    with ExitStack() as stack:
        opening = closing(opened(f"{redis_server.url}?layout=astro&base=damaged"))
        store = stack.enter_context(opening)
        if awaited:
            native = store.native_async()
            assert native is not None
            store = stack.enter_context(blocking(native))
        client = stack.enter_context(closing(redis.Redis.from_url(redis_server.url)))
        client.set(f"damaged:{KNOWN}", content)
        with pytest.raises(CorruptRecord):
            store.load(KNOWN)
        with pytest.raises(CorruptRecord):
            store.update(KNOWN, Change(set=entries(b="[1]")))
        assert client.get(f"damaged:{KNOWN}") == content
        assert store.delete(KNOWN) is DELETED
        assert client.exists(f"damaged:{KNOWN}") == 0


def test_upstash_has_the_same(upstash: Upstash, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPSTASH_REDIS_REST_URL", upstash.url)
    monkeypatch.setenv("UPSTASH_REDIS_REST_TOKEN", upstash.token)
    with closing(opened("upstash://?layout=astro&base=shop")) as store:
        assert isinstance(store, UpstashTextStore)
        client = store.client.client
        client.set(f"shop:{KNOWN}", REAL)
        assert cart(store, KNOWN) == [{"sku": "a", "qty": 2}]
        store.update(KNOWN, Change(set=entries(b="[1]")))
        assert client.get(f"shop:{KNOWN}").startswith('[["Map",1,2,')
        assert client.ttl(f"shop:{KNOWN}") > 0
        store.delete(KNOWN)
        assert client.get(f"shop:{KNOWN}") is None
        assert all(finding.ok for finding in store.check())


def test_redis_says_what_is_wrong(redis_server: RedisServer) -> None:
    with closing(opened(f"{redis_server.url}?layout=astro&base=wrong")) as store:
        assert isinstance(store, RedisTextStore)
        key = fresh_key()
        store.client.client.hset(f"wrong:{key}", "a", "1")
        with pytest.raises(ConfigurationError, match="another base"):
            store.load(key)
        assert all(finding.ok for finding in store.check())
        with pytest.raises(SessionTooLarge):
            created(store, session({"a": "x" * 800_000}))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis://host?layout=hash", "fields or astro"),
        ("redis://host?layout=astro&prefix=shop", "named base"),
        ("redis://host?base=shop", "layout=astro alone"),
        ("azure-tables://account/table?layout=hash", "properties or astro"),
        ("azure-tables://account/table?partition=p", "layout=astro"),
        ("azure-tables://account/table?layout=astro&partition=a'b", "letters, digits"),
    ],
)
def test_a_wrong_url_is_refused_with_what_is_allowed(url: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        open_store(url)


@pytest.fixture
def azure(connection: None) -> Iterator[Callable[[str], AzureTextStore]]:
    stores: list[AzureTextStore] = []

    def open_table(url: str) -> AzureTextStore:
        store = open_store(url)
        assert isinstance(store, AzureTextStore)
        stores.append(store)
        return store

    yield open_table
    for store in stores:
        store.close()


@pytest.mark.parametrize("partition", ["", "shop"])
def test_azure_has_one_property_of_one_entity(
    azure: Callable[[str], AzureTextStore], azurite: Azurite, partition: str
) -> None:
    table, key = fresh_table(), partition or "unstorage"
    more = f"&partition={partition}" if partition else ""
    store = azure(f"azure-tables:///{table}?layout=astro{more}")
    store.provision()
    store.provision()
    with TableClient.from_connection_string(azurite.connection_string, table) as client:
        client.upsert_entity({"PartitionKey": key, "RowKey": KNOWN, "unstorageValue": REAL})
        assert cart(store, KNOWN) == [{"sku": "a", "qty": 2}]
        store.update(KNOWN, Change(set=entries(b="[1]")))
        entity = client.get_entity(key, KNOWN)
        assert set(entity) == {"PartitionKey", "RowKey", "unstorageValue"}
        assert entity["unstorageValue"].startswith('[["Map",1,2,')
        assert [key for key, _ in store.scan()] == [KNOWN]
        client.upsert_entity({"PartitionKey": key, "RowKey": KNOWN, "unstorageValue": 5})
        with pytest.raises(CorruptRecord):
            store.load(KNOWN)
        assert store.delete(KNOWN) is DELETED
        assert [*client.list_entities()] == []
    assert [finding.ok for finding in store.check()] == [True]
    store.deprovision()


def test_azure_holds_the_limit_of_a_property(azure: Callable[[str], AzureTextStore]) -> None:
    store = azure(f"azure-tables:///{fresh_table()}?layout=astro")
    assert azure("azure-tables://?layout=astro").table == "unstorage"
    store.provision()
    limit = store.guarantees.max_bytes
    assert limit is not None
    key = created(store, session({"a": "€" * ((limit - 1) // 3)}))
    assert loaded(store, key).entries["a"].text.startswith("€")
    with pytest.raises(SessionTooLarge):
        store.update(key, Change(set=entries(b="€")))


def test_azure_without_its_table_says_so(azure: Callable[[str], AzureTextStore]) -> None:
    store = azure(f"azure-tables:///{fresh_table()}?layout=astro")
    with pytest.raises(ConfigurationError, match="no such table"):
        store.load(KNOWN)
    assert [finding.ok for finding in store.check()] == [False]
