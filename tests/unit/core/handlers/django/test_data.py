"""What Django's views keep in the session, with Django's own middleware and with ours."""

from __future__ import annotations

import re
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import path
from django.utils.safestring import mark_safe

from serverless_sessions import UnsupportedValue
from serverless_sessions.handlers.django import SessionStore
from support.django_visits import NAME, Site

HANDLE = re.compile(r"[A-Za-z0-9_-]{43}")


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


def test_async_views_use_the_session(site: Site) -> None:
    assert [site.text("/count-async") for _ in range(2)] == ["1", "2"]


def test_a_stream_reads_what_was_there_when_it_started(site: Site) -> None:
    assert site.text("/stream") == "yes"
    assert site.stored() == {"streamed": '["yes"]'}
