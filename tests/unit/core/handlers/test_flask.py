"""``flask.session`` is ours: what Flask's users write works, and what ours promise holds."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NoReturn

import flask
import pytest
from flask import Flask, flash, get_flashed_messages, stream_with_context
from flask.testing import FlaskClient
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from markupsafe import Markup
from werkzeug.test import TestResponse

from serverless_sessions import (
    ConfigurationError,
    CorruptRecord,
    InvalidArgument,
    MemoryStore,
    SessionClosed,
    SessionConfig,
    SessionError,
    StoreUnavailable,
)
from serverless_sessions.handlers.flask import Sessions, session
from serverless_sessions.testing.watched import WatchedStore
from support.failures import down

NAME = "__Host-session"


class Site:
    """A Flask application with our sessions, and the browser that visits it."""

    def __init__(self, **settings: Any) -> None:
        self.store = WatchedStore(MemoryStore())
        self.app = Flask(__name__)
        Sessions(self.app, store=self.store, config=SessionConfig(**settings))
        self.browser: FlaskClient = self.app.test_client()
        self._routes(self.app)

    def get(self, path: str) -> TestResponse:
        return self.browser.get(path)

    @property
    def id(self) -> str | None:
        cookie = self.browser.get_cookie(NAME)
        return cookie.value if cookie is not None else None

    def stored(self) -> dict[str, str]:
        records = [record for _, record in self.store.inner.scan()]
        return {n: e.text for record in records for n, e in record.entries.items()}

    def _routes(self, app: Flask) -> None:
        @app.get("/set/<name>")
        def set_(name: str) -> str:
            flask.session[name] = 1
            return "set"

        @app.get("/look/<name>")
        def look(name: str) -> str:
            return str(flask.session.get(name))

        @app.get("/plain")
        def plain() -> str:
            return "plain"

        @app.get("/fails/<int:status>")
        def fails(status: int) -> tuple[str, int]:
            flask.session["failed"] = 1
            return "failed", status


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_session_begins_goes_on_and_is_saved_before_the_response(site: Site) -> None:
    response = site.get("/set/a")
    (cookie,) = response.headers.getlist("Set-Cookie")
    assert cookie == f"{NAME}={site.id}; Path=/; Secure; HttpOnly; SameSite=Lax"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers.getlist("Vary") == ["Cookie"]
    assert site.store.calls == ["create"]
    again = site.get("/look/a")
    assert (again.text, again.headers.getlist("Set-Cookie")) == ("1", [])
    assert again.headers["Cache-Control"] == "private"


def test_an_untouched_session_costs_nothing_and_changes_no_header(site: Site) -> None:
    site.get("/set/a")
    site.store.calls.clear()
    response = site.get("/plain")
    assert site.store.calls == []
    assert "Vary" not in response.headers
    assert "Cache-Control" not in response.headers


def test_a_response_that_views_share_gives_nobody_anothers_session(site: Site) -> None:
    shared = flask.Response("the same for everybody")

    @site.app.get("/shared/<act>")
    def share(act: str) -> flask.Response:
        if act == "set":
            flask.session["a"] = 1
        return shared

    site.get("/shared/set")
    stranger = site.app.test_client().get("/shared/nothing")
    assert stranger.headers.getlist("Set-Cookie") == []
    site.store.before = down
    assert site.get("/shared/set").status_code == 503
    assert site.app.test_client().get("/shared/nothing").text == "the same for everybody"


def test_what_the_application_sent_of_its_own_stays(site: Site) -> None:
    @site.app.get("/own")
    def own() -> flask.Response:
        flask.session["a"] = 1
        response = flask.Response("own", headers={"Vary": "Accept", "Cache-Control": "max-age=9"})
        response.set_cookie("own", "1")
        return response

    response = site.get("/own")
    names = [line.partition("=")[0] for line in response.headers.getlist("Set-Cookie")]
    assert names == ["own", NAME]
    assert response.headers["Vary"] == "Accept, Cookie"
    assert response.headers["Cache-Control"] == "no-store"


def test_a_value_changed_inside_is_saved_without_modified(site: Site) -> None:
    @site.app.get("/append")
    def append() -> str:
        flask.session.setdefault("list", []).append("x")
        assert flask.session.modified
        return str(flask.session["list"])

    assert [site.get("/append").text for _ in range(2)] == ["['x']", "['x', 'x']"]


def test_flashes_are_shown_once_in_their_categories_with_their_markup(site: Site) -> None:
    @site.app.get("/flash")
    def flash_() -> str:
        flash("plain <b>")
        flash(Markup("<b>bold</b>"), "strong")
        return ""

    @site.app.get("/shown")
    def shown() -> str:
        messages = get_flashed_messages(with_categories=True)
        return flask.render_template_string(
            "{% for c, m in all %}{{ c }}:{{ m }};{% endfor %}", all=messages
        )

    site.get("/flash")
    assert site.get("/shown").text == "message:plain &lt;b&gt;;strong:<b>bold</b>;"
    assert site.get("/shown").text == ""


def test_new_says_whether_an_earlier_request_stored_it(site: Site) -> None:
    @site.app.get("/new")
    def new() -> str:
        flask.session["a"] = 1
        return str(flask.session.new)

    assert [site.get("/new").text for _ in range(2)] == ["True", "False"]


def test_permanent_sends_a_cookie_that_lasts_and_stays_so_through_a_new_id(site: Site) -> None:
    @site.app.get("/permanent/<int:on>")
    def permanent(on: int) -> str:
        flask.session.permanent = bool(on)
        assert flask.session.permanent is bool(on)
        return "permanent"

    @site.app.get("/renew")
    def renew() -> str:
        session.regenerate()
        return "renewed"

    def lasts(path: str) -> list[bool]:
        return ["Max-Age=" in line for line in site.get(path).headers.getlist("Set-Cookie")]

    assert lasts("/permanent/1") == [], "alone, it begins no session"
    assert lasts("/set/a") == [False]
    before = site.id
    assert lasts("/permanent/1") == [True]
    assert site.id != before
    assert lasts("/permanent/1") == [], "nothing has changed"
    assert lasts("/renew") == [True]
    assert lasts("/permanent/0") == [False]
    assert site.get("/look/a").text == "1"


def test_permanent_in_every_request_writes_once(site: Site) -> None:
    @site.app.before_request
    def always() -> None:
        flask.session.permanent = True

    (line,) = site.get("/set/a").headers.getlist("Set-Cookie")
    assert "Max-Age=2592000" in line
    site.store.calls.clear()
    assert "Set-Cookie" not in site.get("/look/a").headers
    assert site.store.calls == ["load"]


def test_our_verbs(site: Site) -> None:
    @site.app.get("/verb/<name>")
    def verb(name: str) -> str:
        match name:
            case "login":
                session.bind("ann")
            case "logout":
                session.destroy()
            case "renew":
                session.regenerate()
            case "count":
                return str(session.modify("n", lambda n: n + 1, 0))
        return str(session.user)

    assert [site.get("/verb/count").text for _ in range(2)] == ["1", "2"]
    ids = [site.id]
    for name in ("renew", "login"):
        site.get(f"/verb/{name}")
        ids.append(site.id)
    assert len(set(ids)) == 3
    assert site.get("/verb/look").text == "ann"
    assert "Max-Age=0" in site.get("/verb/logout").headers["Set-Cookie"]
    assert site.stored() == {}


def test_blueprints_share_the_session_of_the_application(site: Site) -> None:
    blueprint = flask.Blueprint("cart", __name__, url_prefix="/cart")

    @blueprint.get("/add")
    def add() -> str:
        flask.session["a"] = 2
        return "added"

    site.app.register_blueprint(blueprint)
    site.get("/cart/add")
    assert site.get("/look/a").text == "2"


def test_the_test_clients_session_transaction_reads_and_writes(site: Site) -> None:
    with site.browser.session_transaction() as kept:
        kept["a"] = 5
    assert site.get("/look/a").text == "5"
    site.get("/set/a")
    with site.browser.session_transaction() as kept:
        assert kept["a"] == 1
        kept.clear()
    assert site.get("/look/a").text == "None"


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


def test_a_flask_login_user_stays_logged_in_under_a_new_id(site: Site) -> None:
    class User(UserMixin):  # type: ignore[misc]  # Flask-Login ships no types
        id = "ann"

    site.app.secret_key = "only flask-login's remember cookie needs it"
    manager = LoginManager(site.app)
    manager.session_protection = "strong"
    manager.user_loader(lambda user_id: User() if user_id == "ann" else None)

    @site.app.get("/login")
    def login() -> str:
        session.bind("ann")
        return str(login_user(User()))

    @site.app.get("/who")
    def who() -> str:
        return f"{current_user.get_id()} {session.user}"

    @site.app.get("/logout")
    def logout() -> str:
        logout_user()
        session.destroy()
        return "bye"

    site.get("/set/a")
    before = site.id
    assert site.get("/login").text == "True"
    assert site.id != before
    assert site.get("/who").text == "ann ann"
    assert site.get("/look/a").text == "1"
    site.get("/logout")
    assert site.get("/who").text == "None None"


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


def test_async_views_have_the_session_too(site: Site) -> None:
    @site.app.get("/async")
    async def count() -> str:
        return str(session.modify("n", lambda n: n + 1, 0))

    assert [site.get("/async").text for _ in range(2)] == ["1", "2"]


OTHER = [
    ("SESSION_COOKIE_NAME", "mine"),
    ("SESSION_COOKIE_SAMESITE", "Strict"),
    ("SESSION_COOKIE_DOMAIN", "example.com"),
    ("SESSION_COOKIE_PATH", "/shop"),
    ("SESSION_COOKIE_HTTPONLY", False),
    ("SESSION_COOKIE_PARTITIONED", True),
    ("PERMANENT_SESSION_LIFETIME", timedelta(days=1)),
    ("PERMANENT_SESSION_LIFETIME", 86_400),
]


@pytest.mark.parametrize(("name", "value"), OTHER)
def test_a_setting_of_flask_that_would_not_be_used_is_refused(
    site: Site, name: str, value: object
) -> None:
    site.app.config[name] = value
    site.app.testing = True
    with pytest.raises(ConfigurationError, match=name):
        site.get("/plain")
    site.app.testing = False
    assert site.get("/plain").status_code == 500


def test_a_setting_of_flask_that_says_the_same_is_welcome(site: Site) -> None:
    site.app.config |= {"SESSION_COOKIE_SECURE": True, "SESSION_COOKIE_SAMESITE": "Lax"}
    site.app.config |= {"SESSION_COOKIE_NAME": NAME, "SESSION_COOKIE_PATH": "/"}
    site.app.config |= {"PERMANENT_SESSION_LIFETIME": 30 * 86_400}
    assert site.get("/plain").text == "plain"


def test_an_application_made_by_a_factory_gets_its_sessions_later() -> None:
    sessions = Sessions(store=MemoryStore(), config=SessionConfig(), trusted_id=None)
    app = Flask(__name__)
    sessions.init_app(app)
    assert app.session_interface is sessions
