"""Django's users log in and out, and what has ended stays ended."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import UpdateError
from django.http import HttpRequest

from serverless_sessions.handlers.django import SessionStore
from serverless_sessions.testing.clock import FrozenClock
from support.django_visits import NAME, Site
from support.failures import once


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


def test_the_admin_logs_in_and_out(site: Site, ann: Any) -> None:
    page = site.get("/admin/login/?next=/admin/")
    assert page.status_code == 200
    form = {"username": "ann", "password": "secret", "next": "/admin/"}
    assert site.browser.post("/admin/login/", form)["Location"] == "/admin/"
    assert "Site administration" in site.text("/admin/")
    site.browser.post("/admin/logout/")
    assert site.get("/admin/").status_code == 302


def test_the_test_clients_own_log_in_and_session_work(site: Site, ann: Any) -> None:
    site.browser.force_login(User.objects.get(pk=ann.pk))
    assert site.text("/who") == "ann"
    kept = site.browser.session
    kept["a"] = "5"
    kept.save()
    assert site.text("/look/a") == "5"
    site.browser.logout()
    assert site.text("/who") == "AnonymousUser"


def test_a_log_out_that_overtakes_a_request_is_djangos_400(stock: Site) -> None:
    stock.get("/set/a/1")
    log_out = SessionStore(stock.id)
    stock.store.before = once(log_out.flush, at="update")
    assert stock.get("/set/b/1").status_code == 400
