"""Django's sessions kept by us, with Django's own middleware and with ours in its place."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from serverless_sessions import (
    ConfigurationError,
    MemoryStore,
    SessionClosed,
    StoreUnavailable,
    UnsupportedValue,
)
from serverless_sessions.testing.clock import FrozenClock
from serverless_sessions.testing.watched import WatchedStore
from support import django_site
from support.django_site import OURS, STOCK
from support.failures import down, once

django_site.configure()

from django.conf import settings  # noqa: E402  (needs the settings)
from django.contrib.auth import login  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.contrib.sessions.backends.base import UpdateError  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.test import AsyncClient, Client, override_settings  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils.safestring import mark_safe  # noqa: E402

from serverless_sessions.handlers.django import SessionStore, sessions  # noqa: E402

NAME = "__Host-session"
HANDLE = re.compile(r"[A-Za-z0-9_-]{43}")


class Site:
    """The site, the store in which it keeps its sessions, and the browser that visits it."""

    def __init__(self) -> None:
        self.store = WatchedStore(MemoryStore())
        self.browser = Client(raise_request_exception=False)

    def get(self, path: str) -> Any:
        return self.browser.get(path)

    def text(self, path: str) -> str:
        response = self.get(path)
        assert response.status_code == 200, response
        body: bytes = b"".join(response) if response.streaming else response.content
        return body.decode()

    @property
    def id(self) -> str:
        return str(self.browser.cookies[NAME].value)

    def users(self) -> list[str | None]:
        return [record.facts.user for _, record in self.store.inner.scan()]

    def stored(self) -> dict[str, str]:
        records = [record for _, record in self.store.inner.scan()]
        return {n: e.text for record in records for n, e in record.entries.items()}


def in_use(middleware: str) -> Iterator[Site]:
    site = Site()
    settings = {"MIDDLEWARE": django_site.middleware(middleware), "SESSION_STORE": site.store}
    with override_settings(**settings):
        yield site


@pytest.fixture(params=[STOCK, OURS], ids=["stock", "ours"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    yield from in_use(request.param)


@pytest.fixture
def ours() -> Iterator[Site]:
    yield from in_use(OURS)


@pytest.fixture
def stock() -> Iterator[Site]:
    yield from in_use(STOCK)


@pytest.fixture(scope="module")
def ann() -> Iterator[Any]:
    django_site.migrate()
    user = User.objects.create_superuser("ann", password="secret")
    yield user
    user.delete()


def test_what_a_view_puts_into_the_session_is_there_at_the_next_request(site: Site) -> None:
    first = site.get("/set/a/1")
    assert HANDLE.fullmatch(site.id)
    assert first.cookies[NAME]["secure"]
    assert first.cookies[NAME]["httponly"]
    assert site.text("/look/a") == "1"
    assert site.id not in str(list(site.store.inner.scan()))


def test_an_untouched_session_costs_nothing(site: Site) -> None:
    site.get("/set/a/1")
    site.store.calls.clear()
    response = site.get("/plain")
    assert site.store.calls == []
    assert NAME not in response.cookies


def test_an_unknown_key_is_not_adopted(site: Site) -> None:
    site.browser.cookies[NAME] = unknown = "u" * 43
    assert site.text("/look/a") == "None"
    site.browser.cookies[NAME] = unknown
    site.get("/set/a/1")
    assert site.id != unknown
    assert site.text("/look/a") == "1"


@pytest.mark.parametrize("spelling", ["{}; x=1", " {}\t", "x; __Host-session={}", "{}\n"])
def test_guarantee_4_a_key_of_another_spelling_opens_nothing(stock: Site, spelling: str) -> None:
    stock.get("/set/a/1")
    spelt = spelling.format(stock.id)
    stock.store.calls.clear()
    assert not SessionStore(spelt).exists(spelt)
    assert SessionStore(spelt).get("a") is None
    assert stock.store.calls == []


def test_a_response_that_views_share_gives_nobody_anothers_session(ours: Site) -> None:
    shared = HttpResponse("the same for everybody")

    def share(request: Any, act: str) -> HttpResponse:
        if act == "set":
            request.session["a"] = 1
        return shared

    urls = ModuleType("shared_urls")
    vars(urls)["urlpatterns"] = [path("shared/<act>", share)]
    with override_settings(ROOT_URLCONF=urls):
        ours.get("/shared/set")
        assert ours.id
        assert NAME not in Client().get("/shared/nothing").cookies
    assert not shared.has_header("Vary")


def test_only_what_changed_is_written(site: Site) -> None:
    site.get("/set/a/1")
    one, other = SessionStore(site.id), SessionStore(site.id)
    assert (one["a"], other["a"]) == ("1", "1")
    one["b"], other["c"] = "2", "3"
    del other["a"]
    one.save()
    other.save()
    assert site.stored() == {"b": '["2"]', "c": '["3"]'}


def test_a_clear_removes_what_others_added_meanwhile(site: Site) -> None:
    site.get("/set/a/1")
    cleared = SessionStore(site.id)
    cleared.clear()
    site.get("/set/b/2")
    cleared["c"] = "3"
    cleared.save()
    assert site.stored() == {"c": '["3"]'}


def test_values_keep_their_types(site: Site) -> None:
    site.get("/set/a/1")
    kept = SessionStore(site.id)
    values = {"t": (1, 2.0), "d": timedelta(days=1), "s": {1}, "b": b"x", "k": {1: "one"}}
    values["safe"] = mark_safe("<b>")
    kept.update(values)
    kept.save()
    found = dict(SessionStore(site.id).items())
    assert found == {"a": "1", **values}
    assert {name: type(value) for name, value in found.items()} == {
        "a": str,
        **{name: type(value) for name, value in values.items()},
    }
    kept["bad"] = object()
    with pytest.raises(UnsupportedValue, match="bad"):
        kept.save()


def test_a_log_in_gets_a_new_key_is_bound_to_the_user_and_keeps_the_data(
    site: Site, ann: Any
) -> None:
    site.get("/set/a/1")
    before = site.id
    assert site.text("/login/ann") == "welcome"
    assert site.id != before
    assert site.users() == [str(ann.pk)]
    assert site.text("/who") == "ann"
    assert [site.text(f"/look/{name}") for name in ("a", "before", "after")] == [
        "1",
        "kept",
        "kept",
    ]
    assert not SessionStore().exists(before)
    changed = site.id
    assert site.text("/password") == "changed"
    assert site.id != changed
    assert (site.text("/who"), site.users()) == ("ann", [str(ann.pk)])


def test_the_first_request_of_all_may_be_the_log_in(site: Site, ann: Any) -> None:
    site.get("/login/ann")
    assert (site.text("/who"), site.users()) == ("ann", [str(ann.pk)])


def test_another_users_log_in_starts_over(site: Site, ann: Any) -> None:
    bob = User.objects.create_user("bob", password="secret")
    site.get("/login/ann")
    site.get("/set/a/1")
    site.get("/login/bob")
    assert site.text("/who") == "bob"
    assert (site.users(), site.text("/look/a")) == ([str(bob.pk)], "None")
    bob.delete()


def test_a_log_in_of_the_user_who_is_logged_in_counts_as_one(
    site: Site, ann: Any, frozen_clock: FrozenClock
) -> None:
    """Whoever asks for the password again asks for a session that knows of it."""
    for asked in ("/login/ann", "/set/a/1", "/set/b/2"):
        site.get(asked)
    before = site.id
    frozen_clock.advance(600)
    request = HttpRequest()
    request.session = SessionStore(before)
    del request.session["a"]
    login(request, User.objects.get(username="ann"))
    request.session.save()
    assert not request.session.exists(before)
    (facts,) = [record.facts for _, record in site.store.inner.scan()]
    assert (facts.user, facts.authenticated_at) == (str(ann.pk), frozen_clock())
    kept = SessionStore(request.session.session_key)
    assert ("a" in kept, kept["b"]) == (False, "2")

    site.get("/login/ann")
    again = site.id
    site.get("/login/ann")
    assert site.id != again
    assert site.text("/who") == "ann"


def test_a_log_out_ends_the_session_and_its_cookie(site: Site, ann: Any) -> None:
    site.get("/login/ann")
    before = site.id
    response = site.get("/logout")
    assert int(response.cookies[NAME]["max-age"]) == 0
    assert list(site.store.inner.scan()) == []
    site.browser.cookies[NAME] = before
    assert site.text("/who") == "AnonymousUser"


def test_a_log_out_holds_though_the_view_raises(site: Site) -> None:
    site.get("/set/a/1")
    assert site.get("/raises").status_code == 500
    assert list(site.store.inner.scan()) == []


def test_another_user_put_into_a_session_gets_what_the_application_left_in_it(
    site: Site, ann: Any
) -> None:
    site.get("/login/ann")
    site.get("/set/a/1")
    kept = SessionStore(site.id)
    for name in list(kept.keys()):
        if name != "a":
            del kept[name]
    kept["_auth_user_id"] = "somebody else"
    kept.save()
    assert site.users() == ["somebody else"]
    assert set(site.stored()) == {"_auth_user_id", "a"}


def test_a_session_that_was_ended_meanwhile_is_not_brought_back(site: Site) -> None:
    site.get("/set/a/1")
    late = SessionStore(site.id)
    assert late["a"] == "1"
    SessionStore(site.id).flush()
    late["a"] = "2"
    with pytest.raises(UpdateError):
        late.save()
    assert list(site.store.inner.scan()) == []


def test_a_session_that_was_deleted_by_itself_is_not_brought_back(site: Site) -> None:
    site.get("/set/a/1")
    late = SessionStore(site.id)
    late["b"] = "1"
    late.delete()
    with pytest.raises(UpdateError):
        late.save()
    late.flush()
    late["c"] = "3"
    late.save()
    assert site.stored() == {"c": '["3"]'}


@pytest.mark.parametrize("create", [SessionStore.create, lambda kept: kept.save(must_create=True)])
def test_a_session_made_anew_has_another_key_and_leaves_the_old_one_alone(
    site: Site, create: Any
) -> None:
    site.get("/set/a/1")
    kept = SessionStore(site.id)
    kept["b"] = "2"
    create(kept)
    assert kept.session_key != site.id
    assert dict(SessionStore(kept.session_key).items()) == {"a": "1", "b": "2"}
    assert dict(SessionStore(site.id).items()) == {"a": "1"}


def test_a_log_in_to_a_session_that_was_ended_meanwhile_keeps_its_own_changes_alone(
    site: Site,
) -> None:
    site.get("/set/a/1")
    late = SessionStore(site.id)
    late["b"] = "2"
    SessionStore(site.id).flush()
    late.cycle_key()
    assert site.stored() == {"b": '["2"]'}
    assert SessionStore(late.session_key)["b"] == "2"


def test_a_new_key_alone_reaches_the_visitor(site: Site) -> None:
    site.get("/set/a/1")
    before = site.id
    site.get("/new-key")
    assert site.id != before
    assert site.text("/look/a") == "1"
    assert not SessionStore().exists(before)


def test_messages_are_shown_once(site: Site) -> None:
    with override_settings(
        MESSAGE_STORAGE="django.contrib.messages.storage.session.SessionStorage"
    ):
        browser = site.browser = Client()
        site.get("/warn/first")
        site.get("/warn/second")
        assert browser is site.browser
        assert site.text("/warnings") == "first second"
        assert site.text("/warnings") == ""


def test_the_admin_logs_in_and_out(site: Site, ann: Any) -> None:
    page = site.get("/admin/login/?next=/admin/")
    assert page.status_code == 200
    form = {"username": "ann", "password": "secret", "next": "/admin/"}
    assert site.browser.post("/admin/login/", form)["Location"] == "/admin/"
    assert "Site administration" in site.text("/admin/")
    site.browser.post("/admin/logout/")
    assert site.get("/admin/").status_code == 302


def test_djangos_checks_are_content(site: Site) -> None:
    call_command("check", fail_level="WARNING")


def test_the_test_clients_own_log_in_and_session_work(site: Site, ann: Any) -> None:
    site.browser.force_login(User.objects.get(pk=ann.pk))
    assert site.text("/who") == "ann"
    kept = site.browser.session
    kept["a"] = "5"
    kept.save()
    assert site.text("/look/a") == "5"
    site.browser.logout()
    assert site.text("/who") == "AnonymousUser"


def test_a_key_can_be_had_before_anything_is_kept(site: Site) -> None:
    key = site.text("/key")
    assert site.id == key
    assert site.text("/key") == key
    assert list(SessionStore(key).keys()) == []
    site.store.calls.clear()
    assert site.text("/look/a") == "None"
    assert site.store.calls == ["load"]


@pytest.mark.parametrize(("status", "saved"), [(200, True), (404, True), (500, False)])
def test_a_5xx_saves_nothing(site: Site, status: int, saved: bool) -> None:
    site.get(f"/fails/{status}")
    assert ("failed" in site.stored()) is saved


def test_saving_every_request_writes_when_a_touch_is_due(
    site: Site, frozen_clock: FrozenClock
) -> None:
    site.get("/set/a/1")
    with override_settings(SESSION_SAVE_EVERY_REQUEST=True):
        site.store.calls.clear()
        site.get("/look/a")
        assert site.store.calls == ["load"]
        frozen_clock.advance(7 * 86_400)
        site.get("/look/a")
        frozen_clock.advance(8 * 86_400)
        assert site.text("/look/a") == "1"


def test_the_age_of_djangos_cookie_is_the_idle_timeout(
    site: Site, frozen_clock: FrozenClock
) -> None:
    with override_settings(SESSION_COOKIE_AGE=100):
        site.get("/set/a/1")
        frozen_clock.advance(99)
        assert SessionStore(site.id).get("a") == "1"
        frozen_clock.advance(1)
        assert SessionStore(site.id).get("a") is None


@pytest.mark.parametrize("seconds", [50, 3_000_000])
def test_a_sessions_own_expiry_counts_and_survives_other_requests(
    site: Site, frozen_clock: FrozenClock, seconds: int
) -> None:
    with override_settings(SESSION_ABSOLUTE_TIMEOUT=9_000_000):
        site.get("/set/a/1")
        site.get(f"/expire/{seconds}")
        site.get("/set/b/1")
        frozen_clock.advance(seconds - 1)
        assert SessionStore().exists(site.id)
        site.get("/look/a")
        frozen_clock.advance(1 + seconds)
        assert not SessionStore().exists(site.id)


def test_an_expiry_in_the_past_ends_the_session_at_once(site: Site) -> None:
    site.get("/set/a/1")
    site.get("/expire/-5")
    assert list(site.store.inner.scan()) == []


def test_expired_sessions_are_cleared_where_the_store_does_not_do_it(
    site: Site, frozen_clock: FrozenClock
) -> None:
    site.get("/set/a/1")
    kept = site.store.inner
    assert isinstance(kept, MemoryStore)
    with override_settings(SESSION_STORE=kept):
        call_command("clearsessions")
        assert kept._kept
        frozen_clock.advance(15 * 86_400)
        call_command("clearsessions")
        assert not kept._kept
    call_command("clearsessions")  # by itself, or not at all


def test_async_views_use_the_session(site: Site) -> None:
    assert [site.text("/count-async") for _ in range(2)] == ["1", "2"]


def test_a_stream_reads_what_was_there_when_it_started(site: Site) -> None:
    assert site.text("/stream") == "yes"
    assert site.stored() == {"streamed": '["yes"]'}


# With our middleware


def test_a_stream_whose_headers_knew_nothing_of_the_session_cannot_read_it(ours: Site) -> None:
    """A cache would show it to everybody."""
    ours.get("/set/a/1")
    response = ours.get("/stream-late")
    assert "Vary" not in response
    with pytest.raises(SessionClosed):
        list(response)


noted: list[tuple[Any, ...]] = []


def notes(get_response: Any) -> Any:
    """A middleware that looks at the session when the response is made, as access logs do."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        session = request.session
        noted.append((session.session_key, session.get("a"), str(request.user)))
        return response

    return middleware


def test_middlewares_further_out_find_the_session_as_it_was_left(site: Site, ann: Any) -> None:
    with override_settings(MIDDLEWARE=[f"{__name__}.notes", *settings.MIDDLEWARE]):
        site.browser = Client()
        noted.clear()
        site.get("/plain")
        assert noted == [(None, None, "AnonymousUser")]
        for asked in ("/set/a/1", "/plain", "/file", "/login/ann", "/plain", "/new-key"):
            site.get(asked)
            user = "AnonymousUser" if len(noted) < 5 else "ann"
            assert noted[-1] == (site.id, "1", user)
        site.get("/logout")
        assert noted[-1] == (None, None, "AnonymousUser")


def test_the_cookie_and_headers_are_ours(ours: Site) -> None:
    issued = ours.get("/set/a/1")
    assert issued.cookies[NAME].OutputString().lower() == (
        f"{NAME}={ours.id}; httponly; path=/; samesite=lax; secure".lower()
    )
    assert (issued["Cache-Control"], issued["Vary"]) == ("no-store", "Cookie")
    read = ours.get("/look/a")
    assert (read["Cache-Control"], read["Vary"]) == ("private", "Cookie")
    assert NAME not in ours.get("/set/b/2").cookies


@pytest.mark.parametrize(("seconds", "lasts"), [(0, False), (100, True)])
def test_an_expiry_decides_whether_the_cookie_outlives_the_browser(
    ours: Site, seconds: int, lasts: bool
) -> None:
    assert bool(ours.get(f"/expire/{seconds}").cookies[NAME]["max-age"]) is lasts


def test_a_partitioned_cookie(ours: Site) -> None:
    with override_settings(SESSION_COOKIE_PARTITIONED=True):
        response = ours.get("/set/a/1")
    lines = [*response.cookies.values(), response.get("Set-Cookie", "")]
    assert "Partitioned" in "".join(map(str, lines))


def test_a_stale_cookie_is_left_alone(ours: Site) -> None:
    ours.browser.cookies[NAME] = "u" * 43
    assert NAME not in ours.get("/look/a").cookies


def test_a_value_changed_inside_is_saved_without_modified(ours: Site) -> None:
    assert [ours.text("/append") for _ in range(2)] == ["['x']", "['x', 'x']"]


def test_the_session_with_our_verbs_is_at_hand(ours: Site) -> None:
    assert [ours.text("/count") for _ in range(2)] == ["1", "2"]
    assert ours.text("/look/n") == "2"


@pytest.mark.parametrize("path", ["/set/a/1", "/look/a", "/stream", "/login/ann"])
def test_a_store_that_fails_is_answered_with_503(ours: Site, ann: Any, path: str) -> None:
    ours.get("/set/a/1")
    ours.store.before = down
    response = ours.get(path)
    assert (response.status_code, response.content) == (503, b"Service Unavailable")
    assert (response["Retry-After"], response["Cache-Control"]) == ("1", "no-store")
    assert NAME not in response.cookies


def test_on_store_error_raise_is_an_error_of_the_application(ours: Site) -> None:
    with override_settings(SESSION_ON_STORE_ERROR="raise"):
        ours.store.before = down
        assert ours.get("/set/a/1").status_code == 500
        ours.browser.raise_request_exception = True
        with pytest.raises(StoreUnavailable):
            ours.get("/set/a/1")


def test_the_session_is_closed_when_the_response_has_left(ours: Site) -> None:
    request = ours.get("/set/a/1").wsgi_request
    with pytest.raises(SessionClosed):
        request.session.ours.set("late", 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SESSION_COOKIE_HTTPONLY", False),
        ("SESSION_COOKIE_SAMESITE", False),
        ("SESSION_ENGINE", "django.contrib.sessions.backends.signed_cookies"),
    ],
)
def test_a_setting_that_our_middleware_cannot_honour_is_refused(
    ours: Site, name: str, value: object
) -> None:
    with override_settings(**{name: value}), pytest.raises(ConfigurationError, match=name):
        Client().get("/plain")


def test_an_async_site_has_the_same_sessions(ours: Site) -> None:
    async def visit() -> list[str]:
        browser = AsyncClient()
        paths = ("/count-async", "/count", "/set/a/1", "/look/a")
        return [(await browser.get(path)).content.decode() for path in paths]

    assert async_to_sync(visit)() == ["1", "2", "set", "1"]


def test_an_expiry_of_its_own_counts_where_only_ours_is_used(
    ours: Site, frozen_clock: FrozenClock
) -> None:
    ours.get("/expire/100")
    for _ in range(3):
        frozen_clock.advance(60)
        ours.get("/count")
    assert ours.text("/look/n") == "3"
    frozen_clock.advance(100)
    assert ours.text("/look/n") == "None"


# With Django's


def test_a_log_out_that_overtakes_a_request_is_djangos_400(stock: Site) -> None:
    stock.get("/set/a/1")
    log_out = SessionStore(stock.id)
    stock.store.before = once(log_out.flush, at="update")
    assert stock.get("/set/b/1").status_code == 400


# Settings


def test_our_verbs_are_refused_where_they_would_not_be_saved(stock: Site) -> None:
    stock.get("/set/a/1")
    with pytest.raises(ConfigurationError, match="in the place of Django's own"):
        Client(raise_request_exception=True).get("/ours")


def test_djangos_settings_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_COOKIE_NAME", "another")
    monkeypatch.setenv("SESSION_IDLE_TIMEOUT", "7")
    monkeypatch.setenv("SESSION_ABSOLUTE_TIMEOUT", "8000000")
    monkeypatch.setenv("SESSION_STORE_TIMEOUT", "7")
    with override_settings(SESSION_STORE_TIMEOUT=1.5):
        config = sessions().config
    assert (config.cookie_name, config.idle_timeout) == (NAME, 14 * 86_400)
    assert (config.store_timeout, config.absolute_timeout) == (1.5, 8_000_000)
    with override_settings(SESSION_STORE="memory://"):
        sessions()


def test_a_key_in_djangos_settings_seals_and_a_limit_there_holds() -> None:
    key = secrets.token_urlsafe(32)
    with override_settings(SESSION_ENCRYPTION_KEYS=[key], SESSION_MAX_PER_USER=2):
        assert sessions().config.encryption_keys == (key,)
        assert sessions().config.max_per_user == 2
    with (
        override_settings(SESSION_ENCRYPTION_KEYS=["short"]),
        pytest.raises(ConfigurationError, match="SESSION_ENCRYPTION_KEYS"),
    ):
        sessions()
