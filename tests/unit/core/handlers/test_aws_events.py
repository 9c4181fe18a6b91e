"""Events that are no HTTP request, ids that come from elsewhere, and what AWS puts in front."""

from __future__ import annotations

import json
from typing import Any

import pytest

from serverless_sessions import (
    AsyncSession,
    ConfigurationError,
    MemoryStore,
    Session,
    SessionConfig,
    StoreUnavailable,
    Unsupported,
    header,
)
from serverless_sessions.handlers._aws_events import front_door
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing.browser import settled
from serverless_sessions.testing.lambda_events import (
    FRONT_DOORS,
    HttpRequest,
    HttpResponse,
    LambdaContext,
    to_event,
    to_response,
)
from serverless_sessions.testing.stored import SessionMaker
from serverless_sessions.testing.watched import WatchedStore
from serverless_sessions.testing.websocket_events import websocket_event
from support.failures import down

CONFIG = SessionConfig(trusted_id_key="k" * 32)
EXECUTION = {"execution": "arn:aws:states:eu-west-1:123456789012:execution:order:7", "input": {}}
CHAT = {"sessionId": "ada", "bot": {"name": "shop"}, "inputTranscript": "hello"}
EDGE = {"Records": [{"cf": {"config": {"eventType": "viewer-request"}, "request": {}}}]}
at_every_door = pytest.mark.parametrize("door", FRONT_DOORS)
in_both_kinds = pytest.mark.parametrize("kind", ["def", "async def"])


def platform_id(event: Any) -> str | None:
    """What Step Functions, a chat bot or a WebSocket API says of who is there."""
    known = event.get("requestContext", {}).get("connectionId")
    found = known or event.get("execution") or event.get("sessionId")
    return found if isinstance(found, str) else None


def handler_of(kind: str, act: Any, **options: Any) -> Any:
    """A handler that answers what ``act(session)`` gives."""

    def plain(event: Any, context: Any, session: Session) -> Any:
        return act(session)

    async def awaiting(event: Any, context: Any, session: AsyncSession) -> Any:
        return await settled(act(session))

    handler: Any = plain if kind == "def" else awaiting
    return with_session(config=CONFIG, **options)(handler)


def count(session: Any) -> Any:
    return session.modify("n", lambda n: n + 1, 0)


@pytest.fixture
def store() -> WatchedStore:
    return WatchedStore(MemoryStore())


# Without a trusted id


@pytest.mark.parametrize(
    "event",
    [
        *(None, [], "text", {}, EXECUTION, CHAT),
        {"Records": [{"eventSource": "aws:sqs"}]},
        {"source": "aws.events", "detail": {}},
        {"version": "2.0", "requestContext": {"serviceNetworkArn": "arn"}, "method": "GET"},
        {"requestContext": ["http", "elb"], "httpMethod": None},
    ],
)
def test_decision_2_an_event_that_is_not_http_names_the_front_doors(event: object) -> None:
    handler = handler_of("def", lambda session: pytest.fail("called"), store=MemoryStore())
    named = r"REST API.*HTTP API.*function URL.*ALB.*trusted_id"
    with pytest.raises(ConfigurationError, match=named):
        handler(event, None)


@pytest.mark.parametrize("route", ["$default", "$disconnect", "send"])
def test_a_websocket_route_without_cookies_names_the_trusted_id(route: str) -> None:
    handler = handler_of("def", lambda session: pytest.fail("called"), store=MemoryStore())
    with pytest.raises(ConfigurationError, match=r"trusted_id.*connectionId"):
        handler(websocket_event(route), None)


def test_lambda_at_edge_is_told_where_sessions_go() -> None:
    handler = handler_of("def", lambda session: pytest.fail("called"), store=MemoryStore())
    with pytest.raises(ConfigurationError, match=r"Lambda@Edge.*origin"):
        handler(EDGE, None)


# With one


@in_both_kinds
@pytest.mark.parametrize(
    "event",
    [EXECUTION, CHAT, *map(websocket_event, ("$connect", "$default", "$disconnect"))],
    ids=["execution", "chat", "connect", "message", "disconnect"],
)
def test_a_trusted_id_gives_an_event_its_session_and_the_result_passes(
    kind: str, event: Any, store: WatchedStore
) -> None:
    result = {"statusCode": 200, "anything": object()}
    options: dict[str, Any] = {"store": store, "trusted_id": ("platform", platform_id)}
    assert handler_of(kind, count, **options)(event, None) == 1
    assert handler_of(kind, count, **options)(event, None) == 2

    def read(session: Any) -> Any:
        return session.get("n")

    if kind == "def":
        assert handler_of(kind, lambda s: [read(s), result][1], **options)(event, None) is result


def test_two_connections_have_two_sessions(store: WatchedStore) -> None:
    handler = handler_of("def", count, store=store, trusted_id=("platform", platform_id))
    one, two = (websocket_event(connection_id=name) for name in ("one=", "two="))
    assert [handler(event, None) for event in (one, two, one)] == [1, 1, 2]


def test_an_event_in_which_no_trusted_id_is_found_is_refused(store: WatchedStore) -> None:
    handler = handler_of("def", count, store=store, trusted_id=("platform", platform_id))
    with pytest.raises(ConfigurationError, match="trusted_id"):
        handler({"sessionId": None}, None)


@in_both_kinds
@pytest.mark.parametrize("result", [{"statusCode": 500}, None, "5xx"])
def test_whatever_such_a_handler_returns_its_session_is_saved(
    kind: str, result: Any, store: WatchedStore
) -> None:
    def put(session: Any) -> Any:
        session.set("n", 1)
        return result

    trusted: Any = ("platform", platform_id)
    assert handler_of(kind, put, store=store, trusted_id=trusted)(EXECUTION, None) == result
    assert handler_of(kind, count, store=store, trusted_id=trusted)(EXECUTION, None) == 2


@in_both_kinds
def test_one_that_raises_saves_nothing(kind: str, store: WatchedStore) -> None:
    def fail(session: Any) -> Any:
        session.set("n", 1)
        raise LookupError

    trusted: Any = ("platform", platform_id)
    with pytest.raises(LookupError):
        handler_of(kind, fail, store=store, trusted_id=trusted)(CHAT, None)
    assert handler_of(kind, count, store=store, trusted_id=trusted)(CHAT, None) == 1


@in_both_kinds
@pytest.mark.parametrize("event", [EXECUTION, websocket_event()], ids=["execution", "message"])
def test_an_error_of_the_store_is_raised_where_nobody_waits_for_a_status(
    kind: str, event: Any, store: WatchedStore
) -> None:
    store.before = down
    handler = handler_of(kind, count, store=store, trusted_id=("platform", platform_id))
    with pytest.raises(StoreUnavailable):
        handler(event, None)


def test_a_handshake_that_the_store_fails_is_refused_with_its_status(store: WatchedStore) -> None:
    store.before = down
    handler = handler_of("def", count, store=store, trusted_id=("platform", platform_id))
    assert handler(websocket_event("$connect"), None) == {"statusCode": 503}


def test_a_disconnect_can_end_the_session(store: WatchedStore) -> None:
    trusted: Any = ("platform", platform_id)
    handler_of("def", count, store=store, trusted_id=trusted)(websocket_event(), None)
    end = handler_of("def", lambda session: session.destroy(), store=store, trusted_id=trusted)
    end(websocket_event("$disconnect"), None)
    assert list(store.inner.scan()) == []


# The handshake of a WebSocket, by cookie


def connecting(store: WatchedStore) -> Any:
    cookie = SessionMaker(store.inner)(user="ada", data={"n": 1}).cookie
    return websocket_event("$connect", cookies=[cookie])


@in_both_kinds
def test_the_handshake_opens_the_session_of_its_cookie(kind: str, store: WatchedStore) -> None:
    async def look(session: Any) -> Any:
        found = await settled(session.info())
        return {"statusCode": 200, "user": found.user}

    def plain_look(session: Any) -> Any:
        return {"statusCode": 200, "user": session.user}

    handler = handler_of(kind, plain_look if kind == "def" else look, store=store)
    assert handler(connecting(store), None) == {"statusCode": 200, "user": "ada"}


def test_the_handshake_changes_and_ends_a_session_that_is_there(store: WatchedStore) -> None:
    def change(session: Any) -> Any:
        session.set("n", 2)
        return {"statusCode": 200}

    event = connecting(store)
    assert handler_of("def", change, store=store)(event, None) == {"statusCode": 200}
    [(_, record)] = store.inner.scan()
    assert record.entries["n"].text == "[2]"

    def end(session: Any) -> Any:
        session.destroy()
        return {"statusCode": 200}

    assert handler_of("def", end, store=store)(event, None) == {"statusCode": 200}
    assert list(store.inner.scan()) == []


def sets(session: Any) -> Any:
    session.set("a", 1)
    return {"statusCode": 200}


def binds(session: Any) -> Any:
    session.bind("ada")
    return {"statusCode": 200}


def regenerates(session: Any) -> Any:
    session.regenerate()
    return {"statusCode": 200}


def regenerates_after_a_read(session: Any) -> Any:
    session.get("n")
    session.regenerate()
    return {"statusCode": 200}


@pytest.mark.parametrize("act", [sets, binds, count])
@pytest.mark.parametrize("id_from", [None, header("X-Session-Id")])
def test_a_handshake_cannot_begin_a_session_whose_id_it_could_not_send(
    act: Any, id_from: Any, store: WatchedStore
) -> None:
    handler = handler_of("def", act, store=store, id_from=id_from)
    stale = websocket_event("$connect", cookies=["__Host-session=" + "A" * 43])
    for event in (websocket_event("$connect"), stale):
        with pytest.raises(Unsupported, match="sending the client an id"):
            handler(event, None)
    assert list(store.inner.scan()) == []


@pytest.mark.parametrize("act", [binds, regenerates, regenerates_after_a_read])
def test_a_handshake_cannot_change_the_id(act: Any, store: WatchedStore) -> None:
    event = connecting(store)
    with pytest.raises(Unsupported, match="sending the client an id"):
        handler_of("def", act, store=store)(event, None)
    look = handler_of("def", lambda session: {"statusCode": 200, "n": session["n"]}, store=store)
    assert look(event, None)["n"] == 1


@pytest.mark.parametrize("result", [{"statusCode": 500}, {"statusCode": 503}, None, {"body": ""}])
def test_decision_7_a_handshake_that_fails_saves_nothing(result: Any, store: WatchedStore) -> None:
    def change(session: Any) -> Any:
        session.set("n", 2)
        return result

    handler_of("def", change, store=store)(connecting(store), None)
    [(_, record)] = store.inner.scan()
    assert record.entries["n"].text == "[1]"


def test_the_id_of_a_handshake_may_come_in_a_header(store: WatchedStore) -> None:
    visitor = SessionMaker(store.inner)(data={"n": 1})
    value = visitor.cookie.partition("=")[2].partition(";")[0]
    event = websocket_event("$connect", headers={"X-Session-Id": value})
    look = handler_of(
        "def",
        lambda session: {"statusCode": 200, "n": session["n"]},
        store=store,
        id_from=header("X-Session-Id"),
    )
    assert look(event, None)["n"] == 1


# Ids from a header or the platform, at each front door


def page(session: Any) -> Any:
    session["n"] = session.get("n", 0) + 1
    return {"statusCode": 200, "body": str(session["n"])}


def visit(door: str, handler: Any, *headers: tuple[str, str], **context: Any) -> HttpResponse:
    event = to_event(door, HttpRequest(headers=list(headers)))
    event["requestContext"] |= context
    return to_response(door, handler(event, LambdaContext()))


@at_every_door
def test_an_id_travels_in_a_header_at_each_front_door(door: str, store: WatchedStore) -> None:
    handler = handler_of("def", page, store=store, id_from=header("X-Session-Id"))
    first = visit(door, handler)
    [session_id] = first.values("x-session-id")
    assert (first.body, first.values("set-cookie")) == (b"1", [])
    assert first.values("cache-control") == ["no-store"]
    again = visit(door, handler, ("x-SESSION-id", session_id))
    assert (again.body, again.values("x-session-id")) == (b"2", [])
    assert visit(door, handler, ("Cookie", f"__Host-session={session_id}")).body == b"1"


@at_every_door
def test_a_platforms_id_keeps_the_session_at_each_front_door(
    door: str, store: WatchedStore
) -> None:
    """As of an authorizer: what it found stands in the request's context."""

    def subject(event: Any) -> str | None:
        found: str | None = event["requestContext"].get("authorizer", {}).get("sub")
        return found

    handler = handler_of("def", page, store=store, trusted_id=("subject", subject))
    authorizer = {"sub": "ada"}
    assert visit(door, handler, authorizer=authorizer).body == b"1"
    again = visit(door, handler, authorizer=authorizer)
    assert (again.body, again.values("set-cookie")) == (b"2", [])
    assert visit(door, handler, authorizer={"sub": "bob"}).body == b"1"
    anonymous = visit(door, handler)
    assert (anonymous.body, len(anonymous.values("set-cookie"))) == (b"1", 1)


# CloudFront in front


@pytest.mark.parametrize("door", ["function-url", "http-api", "rest"])
def test_behind_cloudfront_all_is_as_without(door: str, store: WatchedStore) -> None:
    """With cookies forwarded and the Host left to the origin; these header fields are added."""
    added = [
        ("Via", "2.0 0123456789abcdef.cloudfront.net (CloudFront)"),
        ("X-Amz-Cf-Id", "Kp1mZ_0w=="),
        ("X-Forwarded-For", "203.0.113.7"),
        ("CloudFront-Viewer-Country", "DE"),
    ]
    handler = handler_of("def", page, store=store)
    assert front_door(to_event(door, HttpRequest(headers=added))) is front_door(
        to_event(door, HttpRequest())
    )
    first = visit(door, handler, *added)
    [cookie] = first.values("set-cookie")
    assert first.values("cache-control") == ["no-store"]
    again = visit(door, handler, *added, ("Cookie", cookie.partition(";")[0]))
    assert (again.body, again.values("cache-control")) == (b"2", ["private"])


def test_the_events_are_json() -> None:
    for route in ("$connect", "$disconnect", "$default"):
        event = websocket_event(route, cookies=["a=1"], body="{}")
        assert json.loads(json.dumps(event)) == event
    assert websocket_event("$connect", cookies=["a=1; Path=/"])["headers"]["Cookie"] == "a=1"
    assert "headers" not in websocket_event()
