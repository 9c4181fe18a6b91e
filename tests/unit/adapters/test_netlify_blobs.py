"""How a store of Netlify Blobs is opened, what it sends and accepts, and what it says is wrong."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import closing

import pytest

from serverless_sessions import clock, open_store
from serverless_sessions.errors import (
    AccessDenied,
    ConfigurationError,
    Conflict,
    StoreTimeout,
    StoreUnavailable,
)
from serverless_sessions.store import ABSENT
from serverless_sessions.testing.cases.base import created, fresh_key, loaded, texts
from serverless_sessions_adapters.netlify_blobs import NetlifyBlobsStore
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.faults import Answer, http_answer
from servers.lockstep import speak_http
from servers.netlify_blobs import SITE, NetlifyBlobs
from servers.process import HOST

CONTEXT, TOKEN = "NETLIFY_BLOBS_CONTEXT", "NETLIFY_AUTH_TOKEN"
ASTRO = '[["Map",1,2],"cart",{"data":3,"expires":-1},[4],"é鍵"]'
SECRET = "hunter2"


def opened(url: str = "netlify-blobs") -> NetlifyBlobsStore:
    store = open_store(url)
    assert isinstance(store, NetlifyBlobsStore)
    return store


def context(**told: object) -> str:
    known = {"siteID": "s", "token": SECRET, "edgeURL": "https://e", "uncachedEdgeURL": "https://u"}
    kept = {name: value for name, value in {**known, **told}.items() if value is not None}
    return base64.b64encode(json.dumps(kept).encode()).decode()


@pytest.fixture
def proxy(netlify_blobs: NetlifyBlobs, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    with fault_proxy(netlify_blobs.port, speak_http) as proxy:
        monkeypatch.setenv(CONTEXT, netlify_blobs.context(proxy.port))
        monkeypatch.setenv(TOKEN, netlify_blobs.token)
        yield proxy


@pytest.fixture
def store(proxy: FaultProxy) -> Iterator[NetlifyBlobsStore]:
    with closing(opened(f"netlify-blobs:///test-{secrets.token_hex(4)}")) as store:
        yield store


def put(store: NetlifyBlobsStore, key: str, version: object = ABSENT) -> object:
    return store.documents.put(key, ASTRO, if_version=version, expires=None)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("netlify-blobs", "https://u/s/site:astro-sessions/k"),
        ("netlify-blobs://", "https://u/s/site:astro-sessions/k"),
        ("netlify-blobs:///my%20shop", "https://u/s/site:my%20shop/k"),
        ("netlify-blobs://?deploy=d1&region=us-east-1", "https://u/region:us-east-1/s/deploy:d1/k"),
        ("netlify-blobs://?deploy=current", "https://u/region:eu-1/s/deploy:d2/k"),
        ("netlify-blobs://S1", "https://api.netlify.com/api/v1/blobs/S1/site:astro-sessions/k"),
        ("netlify-blobs://S1/a?endpoint=https://x/", "https://x/api/v1/blobs/S1/site:a/k"),
        (
            "netlify-blobs://S1?deploy=d&region=r",
            "https://api.netlify.com/api/v1/blobs/S1/deploy:d/k?region=r",
        ),
    ],
)
def test_a_url_names_the_place(monkeypatch: pytest.MonkeyPatch, url: str, address: str) -> None:
    monkeypatch.setenv(CONTEXT, context(deployID="d2", primaryRegion="eu-1"))
    monkeypatch.setenv(TOKEN, SECRET)
    place = opened(url).documents._wanted.place()
    assert place.url("k") == address
    assert SECRET not in repr(place)


def test_a_context_without_an_edge_leads_to_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONTEXT, context(edgeURL=None, uncachedEdgeURL=None, apiURL="https://a"))
    place = opened().documents._wanted.place()
    assert place.url("k") == "https://a/api/v1/blobs/s/site:astro-sessions/k"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("netlify-blobs:///a/b", "has no /"),
        (f"netlify-blobs:///{'n' * 65}", "64 bytes"),
        ("netlify-blobs:///a?deploy=d&region=r", "has no name"),
        ("netlify-blobs://?deploy=d", "region"),
        ("netlify-blobs://?deploy=current", "no deployID"),
        ("netlify-blobs://S?deploy=current", CONTEXT),
        ("netlify-blobs://S?token=hunter2", "unknown parameter 'token'"),
        ("netlify-blobs://S?endpoint=ftp://hunter2", "endpoint"),
        ("netlify-blobs://u:hunter2@S", "takes no user"),
        ("netlify-blobs://?max_bytes=1", "max_bytes"),
    ],
)
def test_a_wrong_url_is_refused(monkeypatch: pytest.MonkeyPatch, url: str, says: str) -> None:
    monkeypatch.setenv(CONTEXT, context())
    monkeypatch.setenv(TOKEN, SECRET)
    with pytest.raises(ConfigurationError, match=says) as raised:
        opened(url)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("", "is not set; where Netlify"),
        ("hunter2", "JSON object in Base64"),
        (base64.b64encode(b"[1]").decode(), "JSON object in Base64"),
        (context(siteID=None), "siteID"),
        (context(token=None), "token in"),
        (context(token="hunter2\r\nx: y"), "token in"),
        (context(uncachedEdgeURL=None), "uncachedEdgeURL.*NETLIFY_AUTH_TOKEN"),
        (context(uncachedEdgeURL="gopher://hunter2"), "uncachedEdgeURL"),
    ],
)
def test_a_context_that_does_not_serve_is_named(
    monkeypatch: pytest.MonkeyPatch, told: str, says: str
) -> None:
    monkeypatch.setenv(CONTEXT, told)
    with pytest.raises(ConfigurationError, match=says) as raised:
        opened()
    assert SECRET not in str(raised.value)


def test_a_site_needs_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN, raising=False)
    with pytest.raises(ConfigurationError, match=TOKEN):
        opened("netlify-blobs://S")


def test_netlifys_client_reads_what_we_write_and_we_read_what_it_writes(
    netlify_blobs: NetlifyBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONTEXT, netlify_blobs.context())
    ours, theirs, deployed = fresh_key(), fresh_key(), fresh_key()
    with closing(opened()) as store:
        put(store, ours)
        read = netlify_blobs.evaluated(
            f"""
            const store = blobs.getStore({{ ...access, name: "astro-sessions", consistency: "strong" }});
            await store.set({theirs!r}, {ASTRO!r});
            const own = blobs.getDeployStore(
              {{ ...access, deployID: "d", region: "us-east-1", consistency: "strong" }});
            await own.set({deployed!r}, {ASTRO!r});
            console.log(await store.get({ours!r}));
            """  # noqa: E501
        )
        assert read.strip() == ASTRO
        assert texts(loaded(store, theirs)) == {"cart": '[[1],"é鍵"]'}
    with closing(opened("netlify-blobs://?deploy=d&region=us-east-1")) as store:
        assert texts(loaded(store, deployed)) == {"cart": '[[1],"é鍵"]'}


@pytest.mark.parametrize("door", ["edge", "api"])
def test_a_write_holds_for_the_version_that_was_read_alone(
    store: NetlifyBlobsStore, proxy: FaultProxy, door: str
) -> None:
    if door == "api":
        store = opened(f"netlify-blobs://{SITE}/{secrets.token_hex(4)}?endpoint={_url(proxy)}")
    with closing(store):
        key = fresh_key()
        version = put(store, key)
        with pytest.raises(Conflict):
            put(store, key)
        with pytest.raises(Conflict):
            put(store, key, '"another"')
        with pytest.raises(Conflict):
            put(store, key, None)
        put(store, key, version)
        assert store.documents.get(key) == (ASTRO, version)
        store.documents.remove(key)
        store.documents.remove(key)
        with pytest.raises(Conflict):
            put(store, key, version)
        assert store.documents.get(key) is None


@pytest.mark.parametrize("status", [201, 202, 204, 304, 404, 409, 500, 503])
def test_only_200_says_that_a_blob_was_written(
    store: NetlifyBlobsStore, proxy: FaultProxy, status: int
) -> None:
    proxy.inject(http_answer(status), when=lambda request: request.startswith(b"PUT "))
    with pytest.raises(StoreUnavailable, match=str(status)):
        put(store, fresh_key())


def test_a_blob_without_an_etag_is_an_error(store: NetlifyBlobsStore, proxy: FaultProxy) -> None:
    proxy.inject(http_answer(200, ASTRO.encode()))
    with pytest.raises(StoreUnavailable, match="etag"):
        store.documents.get(fresh_key())


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_refused_is_denied_and_not_shown(
    store: NetlifyBlobsStore, proxy: FaultProxy, netlify_blobs: NetlifyBlobs, status: int
) -> None:
    proxy.inject(http_answer(status, {"message": netlify_blobs.token}), times=None)
    with pytest.raises(AccessDenied, match=CONTEXT) as raised:
        created(store)
    assert netlify_blobs.token not in repr((raised.value, raised.value.__cause__, store))


def test_the_context_is_read_again_when_it_changes(
    store: NetlifyBlobsStore,
    proxy: FaultProxy,
    netlify_blobs: NetlifyBlobs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(CONTEXT, netlify_blobs.context(proxy.port, token="ended"))
    with pytest.raises(AccessDenied):
        created(store)
    monkeypatch.setenv(CONTEXT, netlify_blobs.context(proxy.port))
    created(store)


@pytest.mark.parametrize(
    "answer",
    [
        http_answer(200, {"url": "file:///etc/passwd"}),
        http_answer(200, {}),
        http_answer(200, b"<html>"),
        http_answer(404),
    ],
)
def test_an_api_that_gives_no_address_writes_nothing(proxy: FaultProxy, answer: Answer) -> None:
    with closing(opened(f"netlify-blobs://{SITE}?endpoint={_url(proxy)}")) as store:
        proxy.inject(answer)
        with pytest.raises(StoreUnavailable):
            put(store, fresh_key())


def test_an_address_that_has_ended_is_asked_for_anew(proxy: FaultProxy) -> None:
    """It is no matter of rights: the operation is simply made again."""
    with closing(opened(f"netlify-blobs://{SITE}?endpoint={_url(proxy)}")) as store:
        proxy.inject(http_answer(200, {"url": f"{_url(proxy)}/ended?signature={SECRET}"}))
        proxy.inject(http_answer(403, b"expired"), when=lambda request: b"/ended" in request)
        with pytest.raises(StoreUnavailable) as raised:
            put(store, fresh_key())
        assert SECRET not in str(raised.value)


def test_the_list_is_read_page_by_page(store: NetlifyBlobsStore, proxy: FaultProxy) -> None:
    keys = {created(store) for _ in range(3)}
    first = {"blobs": [{"key": "one"}, {"key": "not/ours"}, 7], "next_cursor": "c"}
    page = proxy.inject(http_answer(200, first), when=lambda request: b"cursor" not in request)
    assert {*store.documents.keys()} == {*keys, "one"}
    assert page.hits == 1
    proxy.inject(http_answer(500))
    with pytest.raises(StoreUnavailable):
        [*store.scan()]


@pytest.mark.parametrize("key", ["", "a/b", "../a", "a?b", "é", "a" * 601])
def test_a_key_that_is_no_blobs_name_is_refused(store: NetlifyBlobsStore, key: str) -> None:
    with pytest.raises(ConfigurationError):
        store.load(key)


def test_the_check_proves_the_conditions_and_leaves_nothing(
    store: NetlifyBlobsStore, proxy: FaultProxy
) -> None:
    assert [finding.ok for finding in store.check()] == [True]
    proxy.inject(http_answer(200), when=lambda request: request.startswith(b"PUT "))
    assert [finding.ok for finding in store.check()] == [False]
    assert [*store.documents.keys()] == []


@pytest.mark.parametrize("url", ["netlify-blobs", "netlify-blobs://S?endpoint=http://{}"])
def test_a_call_takes_no_longer_than_it_is_given(
    monkeypatch: pytest.MonkeyPatch, silent_server: int, url: str
) -> None:
    server = f"{HOST}:{silent_server}"
    monkeypatch.setenv(CONTEXT, context(uncachedEdgeURL=f"http://{server}"))
    monkeypatch.setenv(TOKEN, SECRET)
    with (
        closing(opened(url.format(server))) as store,
        clock.call_limit(0.05),
        pytest.raises(StoreTimeout),
    ):
        store.load(fresh_key())


def _url(proxy: FaultProxy) -> str:
    return f"http://{HOST}:{proxy.port}"
