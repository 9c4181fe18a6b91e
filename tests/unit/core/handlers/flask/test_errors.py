"""What Flask answers, and what is saved, when a view or the store fails."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import flask
import pytest
from werkzeug.test import TestResponse

from serverless_sessions import (
    CorruptRecord,
    InvalidArgument,
    SessionError,
    StoreUnavailable,
)
from serverless_sessions.handlers.flask import session
from support.failures import down
from support.flask_visits import Site


@pytest.mark.parametrize(
    ("status", "saved"), [(200, True), (404, True), (500, False), (503, False)]
)
def test_a_5xx_saves_nothing(site: Site, status: int, saved: bool) -> None:
    site.get(f"/fails/{status}")
    assert ("failed" in site.stored()) is saved


@pytest.mark.parametrize("handled", [None, 200, 500])
def test_what_a_view_raises_is_judged_by_the_response_that_is_made_of_it(
    site: Site, handled: int | None
) -> None:
    @site.app.get("/raise")
    def raise_() -> str:
        flask.session["raised"] = 1
        raise LookupError

    if handled:
        site.app.register_error_handler(LookupError, lambda _: ("handled", handled))
    assert site.get("/raise").status_code == (handled or 500)
    assert ("raised" in site.stored()) is (handled == 200)


@pytest.mark.parametrize("propagates", [True, False])
def test_a_log_out_holds_though_the_view_raises(site: Site, propagates: bool) -> None:
    @site.app.get("/raise")
    def raise_() -> str:
        session.destroy()
        raise LookupError

    site.get("/set/a")
    site.app.testing = propagates
    if propagates:
        with pytest.raises(LookupError):
            site.get("/raise")
    else:
        assert site.get("/raise").status_code == 500
    assert site.stored() == {}


def refused(response: TestResponse) -> None:
    assert (response.status_code, response.text) == (503, "Service Unavailable")
    assert response.headers["Retry-After"] == "1"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Length"] == "19"
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("path", ["/set/a", "/look/a"])
@pytest.mark.parametrize("testing", [True, False])
def test_a_store_that_fails_is_answered_with_503(
    site: Site, path: str, testing: bool, caplog: pytest.LogCaptureFixture
) -> None:
    site.get("/set/a")
    site.app.testing = testing
    site.store.before = down
    refused(site.get(path))
    (logged,) = caplog.records
    assert (logged.name, logged.levelno) == ("serverless_sessions", logging.ERROR)


def test_the_response_that_a_503_replaces_is_closed_and_its_headers_are_gone(site: Site) -> None:
    closed = []

    class Body:
        def __iter__(self) -> Iterator[str]:
            return iter(["never sent"])

        def close(self) -> None:
            closed.append("body")

    @site.app.get("/stream")
    def stream() -> flask.Response:
        flask.session["a"] = 1
        response = flask.Response(Body(), 201, {"X-Own": "1", "Content-Length": "10"})
        response.call_on_close(lambda: closed.append("response"))
        return response

    site.store.before = down
    response = site.get("/stream")
    refused(response)
    assert "X-Own" not in response.headers
    response.close()
    assert closed == ["body", "response"]


def test_an_application_may_answer_errors_of_the_store_by_itself(site: Site) -> None:
    site.app.register_error_handler(StoreUnavailable, lambda _: ("own page", 503))
    site.get("/set/a")
    site.store.before = down
    assert site.get("/look/a").text == "own page"


@pytest.mark.parametrize("path", ["/set/a", "/look/a"])
def test_on_store_error_raise_is_an_error_of_the_application(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(on_store_error="raise")

    @site.app.before_request
    def permanent() -> None:
        flask.session.permanent = True

    site.get("/set/a")
    site.store.calls.clear()
    site.store.before = down
    response = site.get(path)
    assert (response.status_code, "Retry-After" in response.headers) == (500, False)
    assert len(site.store.calls) == 2, "sent again once, and not with the response to the error"
    assert "Request finalizing failed" not in caplog.text
    site.app.testing = True
    with pytest.raises(StoreUnavailable):
        site.get(path)


@pytest.mark.parametrize("kind", [InvalidArgument, SessionError])
def test_a_mistake_of_the_application_is_its_own_500(site: Site, kind: type[Exception]) -> None:
    error = kind("a mistake")

    @site.app.get("/mistake")
    def mistake() -> str:
        raise error

    assert site.get("/mistake").status_code == 500
    site.app.testing = True
    with pytest.raises(kind) as raised:
        site.get("/mistake")
    assert raised.value is error


def test_a_corrupt_value_is_answered_with_500(site: Site) -> None:
    @site.app.get("/corrupt")
    def corrupt() -> str:
        raise CorruptRecord("a")

    response = site.get("/corrupt")
    assert (response.status_code, response.text) == (500, "Internal Server Error")
    assert response.headers["Cache-Control"] == "no-store"
