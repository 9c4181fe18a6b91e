"""Our middleware in the place of Django's own, and the settings of both."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings

from serverless_sessions import ConfigurationError, SessionClosed, StoreUnavailable
from serverless_sessions.handlers.django import sessions
from support.django_visits import NAME, Site
from support.failures import down


def test_djangos_checks_are_content(site: Site) -> None:
    call_command("check", fail_level="WARNING")


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
