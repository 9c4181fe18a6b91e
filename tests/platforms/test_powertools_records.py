"""with_session and the decorators of Powertools that keep what a handler returns.

Over with_session they would keep the answer's Set-Cookie, which is the key to the session.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aws_lambda_powertools import Tracer
from aws_lambda_powertools.utilities.idempotency import (
    BasePersistenceLayer,
    IdempotencyConfig,
    idempotent,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord

from serverless_sessions import MemoryStore, current_session
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing import SessionMaker
from serverless_sessions.testing.watched import WatchedStore
from support.failures import down
from support.visitor import SESSION, Visitor, assert_remembered, counting

BY_PATH = IdempotencyConfig(event_key_jmespath="rawPath")


class Records(BasePersistenceLayer):
    """What the idempotency utility keeps, in memory."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # theirs is not annotated
        self.kept: dict[str, DataRecord] = {}

    def _get_record(self, idempotency_key: str) -> DataRecord:
        if idempotency_key not in self.kept:
            raise IdempotencyItemNotFoundError
        return self.kept[idempotency_key]

    def _put_record(self, data_record: DataRecord) -> None:
        if data_record.idempotency_key in self.kept:
            raise IdempotencyItemAlreadyExistsError
        self.kept[data_record.idempotency_key] = data_record

    def _update_record(self, data_record: DataRecord) -> None:
        self.kept[data_record.idempotency_key] = data_record

    def _delete_record(self, data_record: DataRecord) -> None:
        del self.kept[data_record.idempotency_key]


def test_idempotent_under_with_session_keeps_no_cookie_of_it() -> None:
    records = Records()

    @with_session(store=MemoryStore())
    @idempotent(persistence_store=records, config=BY_PATH)
    def handler(event: Any, context: Any) -> Any:
        return counting("http-api")(event, context, current_session())

    one, other = Visitor(handler, "http-api"), Visitor(handler, "http-api")
    paths = ["/1", "/1", "/2"]
    assert [one.get(path).body for path in paths] == [b"1", b"1", b"2"]
    assert other.get("/1").body == b"1"
    assert SESSION not in other.cookies
    assert "theme=dark" in str([record.response_data for record in records.kept.values()])
    assert SESSION not in str([record.response_data for record in records.kept.values()])


def test_idempotent_over_with_session_would_hand_one_visitors_cookie_to_another() -> None:
    handler = idempotent(persistence_store=Records(), config=BY_PATH)(
        with_session(store=MemoryStore())(counting("http-api"))
    )
    one, other = Visitor(handler, "http-api"), Visitor(handler, "http-api")
    one.get("/1")
    other.get("/1")
    assert one.cookies[SESSION] == other.cookies[SESSION]


def test_a_session_saved_inside_idempotent_is_tried_again_when_the_store_failed() -> None:
    records, store = Records(), WatchedStore(MemoryStore())

    @with_session(store=store)
    @idempotent(persistence_store=records, config=BY_PATH)
    def handler(event: Any, context: Any) -> Any:
        answer = counting("http-api")(event, context, current_session())
        current_session().save()
        return answer

    visitor = Visitor(handler, "http-api")
    store.before = down
    assert visitor.get("/1").status == 503
    assert records.kept == {}
    store.before = lambda _: None
    assert visitor.get("/1").status == 200
    assert SessionMaker(store).opened_by(f"{SESSION}={visitor.cookies[SESSION]}").data() == {
        "visits": 1
    }


def recorder() -> Any:
    """X-Ray's, which opens a socket as soon as it is imported, and never closes it."""
    from aws_xray_sdk.core import xray_recorder  # type: ignore[import-untyped]  # ships no types

    return xray_recorder


@pytest.fixture(scope="module")
def daemon() -> Iterator[Callable[[], str]]:
    """The X-Ray daemon's end of the line: what was sent there since the last call."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as received:
        received.bind(("127.0.0.1", 0))
        received.setblocking(False)
        address = "{}:{}".format(*received.getsockname())
        recorder().configure(daemon_address=address, sampling=False)

        def sent() -> str:
            datagrams = []
            while True:
                try:
                    datagrams.append(received.recv(65536).decode())
                except BlockingIOError:
                    return "".join(datagrams)

        yield sent
        recorder().emitter._socket.close()


def traced(handler: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """As Lambda runs a handler: in a segment of its own."""

    def lambda_handler(event: Any, context: Any) -> Any:
        with recorder().in_segment("sessions"):
            return handler(event, context)

    return lambda_handler


@pytest.mark.parametrize("door", ["http-api", "rest"])
@pytest.mark.parametrize(
    ("order", "options", "tells"),
    [
        ("under", {}, False),
        ("over", {"capture_response": False}, False),
        ("over", {}, True),
    ],
)
def test_a_trace_tells_the_cookie_only_when_it_captures_the_response_over_with_session(
    door: str, order: str, options: dict[str, bool], tells: bool, daemon: Callable[[], str]
) -> None:
    decorator = Tracer(service="shop", auto_patch=False, disabled=False).capture_lambda_handler
    sessions = with_session(store=MemoryStore())
    handler = (
        sessions(decorator(counting(door), **options))
        if order == "under"
        else decorator(sessions(counting(door)), **options)
    )
    visitor = assert_remembered(traced(handler), door)
    trace = daemon()
    assert trace.count("ColdStart") == 3
    assert (visitor.cookies[SESSION] in trace) is tells
