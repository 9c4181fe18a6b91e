"""``flask.session`` is ours: what Flask's users write works, and what ours promise holds."""

from __future__ import annotations

import flask
from flask import flash, get_flashed_messages
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from markupsafe import Markup

from serverless_sessions.handlers.flask import session
from support.failures import down
from support.flask_visits import NAME, Site


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


def test_async_views_have_the_session_too(site: Site) -> None:
    @site.app.get("/async")
    async def count() -> str:
        return str(session.modify("n", lambda n: n + 1, 0))

    assert [site.get("/async").text for _ in range(2)] == ["1", "2"]
