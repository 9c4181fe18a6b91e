"""Whatever a client or a platform sends, at every front door: an answer or an error of ours, with
nothing in it of what was sent, and no call of the store for what cannot be an id."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serverless_sessions import MemoryStore, SessionConfig, header, ids
from serverless_sessions.errors import SessionError
from serverless_sessions.testing.lambda_events import FRONT_DOORS, HttpRequest, to_event
from serverless_sessions.testing.watched import WatchedStore
from serverless_sessions.testing.websocket_events import websocket_event
from support.asgi import Message, Site, Turn, headers_of
from support.doors_in_process import COOKIES_ONLY, DOORS, Headers, Sent, Visit, lambda_function

NAME, FIELD = "__Host-session", "X-Session-Id"
KEY = "k" * 32
HOSTILE = "hunter2"
PATHS = ("/plain", "/look", "/set/a/1", "/count", "/login/ann", "/logout", "/moved", "/broken")
STATUSES = {200, 303, 500}

pieces = st.one_of(
    st.sampled_from([f"{NAME}=", f"{NAME}", "; ", ";", ",", "=", '"', " ", "\t", "\\073", "%3B"]),
    st.sampled_from(["a" * 43, "b" * 44, HOSTILE, "$Version=1", ids.stored_key("a" * 43)]),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=8),
)
values = st.lists(pieces, max_size=12).map("".join)
lines_of_ids = st.lists(values | st.just(f"{NAME}={'a' * 43}"), min_size=1, max_size=3)
ids_in_a_field = st.lists(values | st.just("a" * 43), min_size=1, max_size=3)
malformed = values.map(lambda text: f"{NAME}={HOSTILE}{text}")


def opened(door: str, **options: Any) -> tuple[Visit, WatchedStore]:
    store = WatchedStore(MemoryStore())
    return DOORS[door](store=store, config=SessionConfig(), **options), store


def issued(sent: Sent) -> str:
    lines = [line for line in sent.values("set-cookie") if line.startswith(f"{NAME}=")]
    return lines[0].partition("=")[2].partition(";")[0] if lines else ""


def check(sent: Sent, given: Headers) -> None:
    """Nothing that was sent comes back, and what comes is one of the answers that there are."""
    assert sent.status in STATUSES
    told = "\n".join(f"{name}: {value}" for name, value in sent.headers)
    assert HOSTILE not in told
    assert HOSTILE.encode() not in sent.body
    assert "a" * 43 not in told
    new = [*filter(None, (issued(sent), *sent.values(FIELD)))]
    assert len(new) <= 1
    assert all(ids.is_well_formed(one) for one in new)
    assert not any(one in value for one in new for _, value in given)


@pytest.mark.parametrize("door", DOORS)
@settings(max_examples=20)
@given(lines=lines_of_ids, path=st.sampled_from(PATHS))
def test_no_cookie_header_breaks_a_door_or_comes_back(
    door: str, lines: list[str], path: str
) -> None:
    visit, _ = opened(door)
    given = [("Cookie", line) for line in lines]
    check(visit(path, given), given)


@pytest.mark.parametrize("door", [door for door in DOORS if door not in COOKIES_ONLY])
@settings(max_examples=10)
@given(lines=ids_in_a_field, path=st.sampled_from(PATHS))
def test_no_id_in_a_header_breaks_a_door_or_comes_back(
    door: str, lines: list[str], path: str
) -> None:
    visit, _ = opened(door, id_from=header(FIELD))
    given = [(FIELD, line) for line in lines]
    check(visit(path, given), given)


@pytest.mark.parametrize("door", DOORS)
@settings(max_examples=10)
@given(line=malformed)
def test_guarantee_4_a_malformed_id_costs_no_read_at_any_door(door: str, line: str) -> None:
    line = line.replace(";", "")
    visit, store = opened(door)
    check(visit("/look", [("Cookie", line)]), [("Cookie", line)])
    assert store.calls == []
    if door not in COOKIES_ONLY:
        visit, store = opened(door, id_from=header(FIELD))
        visit("/look", [(FIELD, line), ("Cookie", f"{NAME}={'a' * 43}")])
        assert store.calls == []


# Events that no front door sends

junk: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(HOSTILE),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cookie", "Cookie", "http", "elb", "connectionId", "cf", "\u212a"])
            | st.text(max_size=5),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
FIELDS = [
    *("headers", "multiValueHeaders", "cookies", "requestContext", "version", "httpMethod"),
    *("path", "rawPath", "body", "isBase64Encoded", "Records", "queryStringParameters"),
]
EVENTS = [
    *(to_event(door, HttpRequest(headers=[("Cookie", "x=1")])) for door in FRONT_DOORS),
    *(websocket_event(route) for route in ("$connect", "$default", "$disconnect")),
]


@settings(max_examples=120)
@given(
    event=st.sampled_from(EVENTS),
    damage=st.dictionaries(st.sampled_from(FIELDS), junk, max_size=4),
    whole=st.none() | junk,
    path=st.sampled_from(PATHS),
    awaited=st.booleans(),
)
def test_no_event_breaks_a_lambda_function(
    event: dict[str, Any], damage: dict[str, Any], whole: Any, path: str, awaited: bool
) -> None:
    store = WatchedStore(MemoryStore())
    call = lambda_function(awaited, store=store, config=SessionConfig())
    given = {**event, **damage} if whole is None else whole
    told = answered(lambda: call(path, given))
    assert HOSTILE not in told
    assert store.calls == [] or store.calls[0] == "create"


@settings(max_examples=100)
@given(damage=junk, path=st.sampled_from(PATHS), route=st.sampled_from(["$connect", "$default"]))
def test_no_trusted_id_breaks_a_lambda_function_or_comes_back(
    damage: Any, path: str, route: str
) -> None:
    options = {"config": SessionConfig(trusted_id_key=KEY), "store": MemoryStore()}
    call = lambda_function(False, trusted_id=("connection", lambda _: damage), **options)
    assert HOSTILE not in answered(lambda: call(path, websocket_event(route)))


def answered(call: Callable[[], Any]) -> str:
    """The answer, or an error of ours in its place."""
    try:
        return json.dumps(call())
    except SessionError as error:
        return str(error)


# Messages of a socket, in any order

STEPS = ("accept", "close", "send", "deny", "set", "read", "log in", "log out", "receive", "raise")
LEFT: Message = {"type": "websocket.disconnect", "code": 1001}
TEXT: Message = {"type": "websocket.receive", "text": HOSTILE}


@settings(max_examples=150)
@given(
    script=st.lists(st.sampled_from(STEPS), max_size=7),
    received=st.lists(st.sampled_from([TEXT, LEFT]), max_size=3),
    cookie=st.none() | values | malformed,
    trusted=st.booleans(),
    fails=st.booleans(),
)
def test_no_order_of_messages_breaks_a_socket(
    script: list[str], received: list[Message], cookie: str | None, trusted: bool, fails: bool
) -> None:
    options: dict[str, Any] = {"trusted_id": ("c", lambda _: HOSTILE)} if trusted else {}
    site = Site(config=SessionConfig(trusted_id_key=KEY), **options)
    site.cookie = cookie or ""
    if fails:
        site.extensions = {"websocket.http.response": {}}

    async def act(turn: Turn) -> None:
        for step in script:
            match step:
                case "accept":
                    await turn.send("websocket.accept")
                case "close":
                    await turn.send("websocket.close", code=1000)
                case "send":
                    await turn.send("websocket.send", text="x")
                case "deny":
                    await turn.send("websocket.http.response.start", status=403, headers=[])
                case "set":
                    turn.session.set("a", 1)
                case "read":
                    await turn.session.get("a")
                case "log in":
                    turn.session.bind("ann")
                case "log out":
                    turn.session.destroy()
                case "receive":
                    await turn.receive()
                case "raise":
                    raise LookupError("as it was asked to")

    shown = ""
    try:
        site.connect(act, *received)
    except (SessionError, LookupError) as error:
        shown = str(error)
    assert HOSTILE not in shown + str(site.sent)
    told = [message for message in site.sent if headers_of(message, "set-cookie")]
    assert {message["type"] for message in told} <= {
        "websocket.accept",
        "websocket.http.response.start",
    }
