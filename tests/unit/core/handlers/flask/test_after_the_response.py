"""Who reads ``flask.session`` when the response is made: signals, teardowns, tests, streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import flask
import pytest
from flask import stream_with_context

from serverless_sessions import SessionClosed
from serverless_sessions.handlers.flask import session
from support.flask_visits import Site


def test_the_session_is_there_while_the_test_client_preserves_the_context(site: Site) -> None:
    with site.browser as browser:
        browser.get("/set/a")
        assert (flask.session["a"], flask.session.get("b"), dict(flask.session)) == (
            1,
            None,
            {"a": 1},
        )
        with pytest.raises(SessionClosed):
            flask.session["late"] = 1
    assert site.stored() == {"a": "[1]"}
    with site.app.test_request_context():
        flask.session["a"] = 1
        assert flask.session["a"] == 1


LEFT = [
    ("/plain", {"a": 1}, 1),
    ("/set/b", {"a": 1, "b": 1}, 1),
    ("/look/a", {"a": 1}, 0),
    ("/flash", {"a": 1}, 0),
    ("/fails/404", {"a": 1, "failed": 1}, 0),
    ("/fails/500", {"a": 1}, 0),
    ("/abort", {"a": 1, "b": 1}, 1),
    ("/nowhere", {"a": 1}, 1),
    ("/end", {}, 0),
]


@pytest.mark.parametrize(("path", "left", "calls"), LEFT)
def test_signals_and_teardowns_find_the_session_as_it_was_left(
    site: Site, path: str, left: dict[str, Any], calls: int
) -> None:
    """What is known of it costs no call of the store."""
    seen: list[tuple[dict[str, Any], int]] = []

    def note(*_: object, **__: object) -> None:
        before = len(site.store.calls)
        seen.append((dict(flask.session), len(site.store.calls) - before))

    @site.app.before_request
    def read() -> None:
        if path.startswith("/fails"):
            flask.session.get("a")

    @site.app.get("/flash")
    def flashed() -> str:
        session.flash("later", len(session))
        return "flashed"

    @site.app.get("/abort")
    def abort() -> NoReturn:
        flask.session["b"] = 1
        flask.abort(404)

    @site.app.get("/end")
    def end() -> str:
        session.destroy()
        return "ended"

    site.app.teardown_request(note)
    site.get("/set/a")
    assert seen == [({"a": 1}, 0)]
    seen.clear()
    with flask.request_finished.connected_to(note, site.app):
        site.get(path)
    assert seen == [(left, calls), (left, 0)]


def streams(site: Site) -> None:
    @site.app.get("/stream/<int:first>")
    def stream(first: int) -> flask.Response:
        def body() -> Iterator[str]:
            try:
                yield f"{flask.session['a']} {flask.session.get('b')} {'a' in flask.session} "
                yield f"{list(flask.session)} {len(flask.session)} "
                flask.session["late"] = 1
            except SessionClosed:
                yield "closed"

        if first:
            flask.session.get("a")
        return flask.Response(stream_with_context(body()))

    @site.app.get("/stream-after-a-change/<name>")
    def changed(name: str) -> flask.Response:
        flask.session[name] = "new"
        pieces = (f"{one}={flask.session[one]} " for one in ("a", name))
        return flask.Response(stream_with_context(pieces))


def test_a_stream_reads_what_was_there_when_it_started_and_writes_nothing(site: Site) -> None:
    streams(site)
    site.get("/set/a")
    assert site.get("/stream/1").text == "1 None True ['a'] 1 closed"
    assert site.stored() == {"a": "[1]"}


def test_a_stream_reads_what_the_view_changed_and_no_cache_keeps_it(site: Site) -> None:
    streams(site)
    began = site.get("/stream-after-a-change/a")
    assert (began.text, began.headers["Cache-Control"]) == ("a=new a=new ", "no-store")
    went_on = site.get("/stream-after-a-change/b")
    assert went_on.text == "a=new b=new "
    assert (went_on.headers["Cache-Control"], went_on.headers["Vary"]) == ("private", "Cookie")


def test_a_stream_whose_headers_knew_nothing_of_the_session_cannot_read_it(site: Site) -> None:
    """A cache would show it to everybody."""
    streams(site)
    site.get("/set/a")
    site.store.calls.clear()
    response = site.get("/stream/0")
    assert (response.text, "Vary" in response.headers) == ("closed", False)
    assert site.store.calls == []
