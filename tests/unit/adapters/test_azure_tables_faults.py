"""Azure Tables when requests fail: replies that are lost, and every error as one of ours."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.data.tables import TableErrorCode
from azure.identity import CredentialUnavailableError

from serverless_sessions import clock, ids
from serverless_sessions.errors import (
    AccessDenied,
    ConfigurationError,
    SessionError,
    SessionTooLarge,
    StoreTimeout,
    StoreUnavailable,
)
from serverless_sessions.store import ABSENT, Change, Record
from serverless_sessions.testing.cases.base import (
    created,
    entries,
    fresh_key,
    key_beside,
    loaded,
    renewed,
    session,
    texts,
)
from serverless_sessions_adapters._azure_client import translated
from serverless_sessions_adapters.azure_tables import AzureTablesStore
from servers.azurite import Azurite
from servers.fault_proxy import FaultProxy
from servers.faults import Fault, http_answer
from support.azure import account, behind_proxy, opened

Act = Callable[[], object]


@pytest.fixture
def behind(azurite: Azurite) -> Iterator[tuple[AzureTablesStore, FaultProxy]]:
    with behind_proxy(azurite) as both:
        yield both


@pytest.fixture
def store(behind: tuple[AzureTablesStore, FaultProxy]) -> AzureTablesStore:
    return behind[0]


@pytest.fixture
def proxy(behind: tuple[AzureTablesStore, FaultProxy]) -> FaultProxy:
    return behind[1]


def sent_twice(proxy: FaultProxy, act: Act) -> object:
    """As the core does it: the reply to the first write is lost, and all is done once more."""
    lost = proxy.inject(Fault.LOSE_REPLY, when=lambda request: not request.startswith(b"GET"))
    with pytest.raises(StoreUnavailable):
        act()
    assert lost.hits == 1
    return act()


def test_a_creation_whose_reply_was_lost(store: AzureTablesStore, proxy: FaultProxy) -> None:
    key, record = fresh_key(), session(user="ann")
    sent_twice(proxy, lambda: store.create(key, record))
    assert loaded(store, key).nonce == record.nonce
    assert key in store.list_user("ann")


@pytest.mark.parametrize("expect", [{}, {"first": "1"}])
def test_a_change_whose_reply_was_lost_is_not_made_twice(
    store: AzureTablesStore, proxy: FaultProxy, expect: dict[str, str]
) -> None:
    key = created(store)
    seen = loaded(store, key)
    for rev in (None, seen.rev):
        text = ids.draw_nonce()
        change = Change(set=entries(first=text), nonce=text, seen=rev, expect=expect)
        sent_twice(proxy, lambda change=change: store.update(key, change))  # type: ignore[misc]
        assert texts(loaded(store, key)) == {"first": text}
        store.update(key, Change(set=entries(first="1")))


def test_a_repeated_change_overwrites_nothing_that_came_between(
    store: AzureTablesStore, proxy: FaultProxy
) -> None:
    key = created(store)
    change = Change(set=entries(a="1"), nonce="n", seen=loaded(store, key).rev)
    store.update(key, change)
    rev = loaded(store, key).rev
    store.update(key, change)
    assert loaded(store, key).rev == rev


def test_a_rotation_whose_reply_was_lost(store: AzureTablesStore, proxy: FaultProxy) -> None:
    key = created(store, session(user="ann"))
    seen, new = loaded(store, key), key_beside(store, key)
    record = renewed(seen)
    sent_twice(proxy, lambda: store.rotate(key, new, record, seen.rev, clock.now()))
    assert isinstance(store.load(new), Record)
    assert store.load(key) is None
    assert {key, new} & set(store.list_user("ann")) == {new}


def test_a_deletion_whose_reply_was_lost_leaves_nothing(
    store: AzureTablesStore, proxy: FaultProxy
) -> None:
    key = created(store, session(user="ann"))
    assert sent_twice(proxy, lambda: store.delete(key)) is ABSENT
    assert store.load(key) is None
    assert key not in store.list_user("ann")


def test_a_request_that_never_arrived_may_be_sent_again(
    store: AzureTablesStore, proxy: FaultProxy
) -> None:
    key = fresh_key()
    acts: list[Act] = [lambda: store.create(key, session()), lambda: store.load(key)]
    for act in acts:
        proxy.inject(Fault.CUT_REQUEST)
        with pytest.raises(StoreUnavailable) as failed:
            act()
        assert not isinstance(failed.value, StoreTimeout)
        act()


def test_a_server_that_is_gone_and_comes_back(store: AzureTablesStore, proxy: FaultProxy) -> None:
    key = created(store)
    acts: list[Act] = [lambda: store.load(key), lambda: store.update(key, Change())]
    with proxy.refusing():
        for act in acts:
            with pytest.raises(StoreUnavailable):
                act()
    assert texts(loaded(store, key)) == {"first": "1"}


ANSWERS = {
    "html": http_answer(200, b"<html>", {"Content-Type": "text/html"}),
    "half json": http_answer(200, b'{"a":'),
    "no session": http_answer(200, {"value": []}),
    "busy": http_answer(503, {"odata.error": {"code": "ServerBusy"}}),
    "somebody else's": http_answer(404, b"<html>", {"Content-Type": "text/html"}),
    "odd": http_answer(400, {"odata.error": {"code": "a secret"}}),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_is_no_answer_is_an_error_that_names_no_key(
    store: AzureTablesStore, proxy: FaultProxy, answer: str
) -> None:
    key = created(store)
    acts: list[Act] = [
        lambda: store.update(key, Change()),
        lambda: store.create(fresh_key(), session()),
        lambda: store.delete(key),
    ]
    for act in acts:
        proxy.inject(ANSWERS[answer])
        with pytest.raises(StoreUnavailable) as failed:
            act()
        assert key not in "".join(traceback.format_exception(failed.value))
        assert "secret" not in str(failed.value)
    assert texts(loaded(store, key)) == {"first": "1"}


def test_a_transaction_is_not_believed_without_an_answer_to_it(
    store: AzureTablesStore, proxy: FaultProxy
) -> None:
    key = created(store)
    for call in (called, awaited):
        nothing = {"Content-Type": "multipart/mixed; boundary=x"}
        proxy.inject(
            http_answer(202, b"--x--\r\n", nothing), when=lambda request: b"$batch" in request
        )
        with pytest.raises(StoreUnavailable):
            call(store, "delete", (key,))
    assert texts(loaded(store, key)) == {"first": "1"}


@pytest.mark.parametrize("fault", [Fault.CUT_REQUEST, Fault.HANG])
def test_no_key_shows_in_the_traceback_of_a_lost_connection(
    store: AzureTablesStore, proxy: FaultProxy, fault: Fault
) -> None:
    key = fresh_key()
    proxy.inject(fault, times=None)  # aiohttp itself reads once more where a connection was cut
    for call in (called, awaited):
        with clock.call_limit(0.3), pytest.raises(StoreUnavailable) as failed:
            call(store, "load", (key,))
        assert key not in "".join(traceback.format_exception(failed.value))


def answered(status: int, code: object = None) -> HttpResponseError:
    error = HttpResponseError("hunter2")
    error.status_code = status
    error.error_code = code  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("error", "expected", "said"),
    [
        (answered(401), AccessDenied, "401"),
        (answered(403, TableErrorCode.AUTHORIZATION_FAILURE), AccessDenied, "AuthorizationFailure"),
        (answered(403), AccessDenied, "Storage Table Data Contributor"),
        (ClientAuthenticationError("hunter2"), AccessDenied, "AZURE_STORAGE_KEY"),
        (CredentialUnavailableError("hunter2"), AccessDenied, "no identity could sign in"),
        (answered(404, "TableNotFound"), ConfigurationError, "az storage table create --name tab"),
        (answered(413), SessionTooLarge, "413"),
        (answered(400, "EntityTooLarge"), SessionTooLarge, "EntityTooLarge"),
        (answered(400, "PropertyValueTooLarge"), SessionTooLarge, "PropertyValueTooLarge"),
        (answered(413, "RequestBodyTooLarge"), SessionTooLarge, "RequestBodyTooLarge"),
        (answered(400, "TooManyProperties"), SessionTooLarge, "TooManyProperties"),
        (answered(409, "TableBeingDeleted"), StoreUnavailable, "TableBeingDeleted"),
        (answered(429), StoreUnavailable, "429"),
        (answered(500, "OperationTimedOut"), StoreUnavailable, "OperationTimedOut"),
        (answered(503, "ServerBusy"), StoreUnavailable, "503 ServerBusy"),
        (answered(400, "hunter2 <b>"), StoreUnavailable, "400"),
        (ServiceRequestError("hunter2"), StoreUnavailable, "ServiceRequestError"),
        (ServiceResponseError("hunter2"), StoreUnavailable, "ServiceResponseError"),
        (ServiceRequestTimeoutError("hunter2"), StoreTimeout, "in time"),
        (ServiceResponseTimeoutError("hunter2"), StoreTimeout, "in time"),
        (ValueError("hunter2"), StoreUnavailable, "ValueError"),
    ],
)
def test_every_error_of_the_sdk_becomes_ours(
    error: Exception, expected: type[SessionError], said: str
) -> None:
    ours = translated(error, "loading a session", "tab")
    assert type(ours) is expected
    assert str(ours).startswith("loading a session in the table 'tab': ")
    assert said in str(ours)
    assert "hunter2" not in str(ours)


@pytest.mark.parametrize("awaits", [False, True])
def test_a_table_that_is_not_there(azurite: Azurite, awaits: bool) -> None:
    key = fresh_key()
    with opened(account(azurite), "nowhere") as store:
        seen = Record({}, session().facts, 0)
        calls: list[tuple[str, tuple[Any, ...]]] = [
            ("load", (key,)),
            ("create", (key, session(user="ann"))),
            ("update", (key, Change())),
            ("rotate", (key, key_beside(store, key), session(), seen, clock.now())),
            ("delete", (key,)),
        ]
        call = awaited if awaits else called
        for name, arguments in calls:
            with pytest.raises(ConfigurationError, match="'nowhere': there is no such table"):
                call(store, name, arguments)
        with pytest.raises(ConfigurationError):
            store.list_user("ann")
        with pytest.raises(ConfigurationError):
            store.purge()


def called(store: AzureTablesStore, name: str, arguments: tuple[Any, ...]) -> None:
    getattr(store, name)(*arguments)


def awaited(store: AzureTablesStore, name: str, arguments: tuple[Any, ...]) -> None:
    native = store.native_async()
    assert native is not None

    async def call() -> None:
        try:
            await getattr(native, name)(*arguments)
        finally:
            await native.close()

    asyncio.run(call())


def test_a_wrong_key_is_refused_by_name_of_table_and_action(azurite: Azurite) -> None:
    stranger = account(azurite)
    assert stranger.key is not None
    stranger.key.update(azurite.account, "d3Jvbmc=")
    with opened(stranger, "sessions") as store:
        for act in (
            lambda: store.load(fresh_key()),
            lambda: store.create(fresh_key(), session()),
            lambda: store.list_user("ann"),
        ):
            with pytest.raises(AccessDenied, match="in the table 'sessions': Azure refuses"):
                act()
