"""How long Django's sessions and their cookies last, and what of the settings decides it."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.test import override_settings

from serverless_sessions import MemoryStore
from serverless_sessions.handlers.django import SessionStore
from serverless_sessions.testing.clock import FrozenClock
from support.django_visits import NAME, Site


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


@pytest.mark.parametrize(("seconds", "lasts"), [(0, False), (100, True)])
def test_an_expiry_decides_whether_the_cookie_outlives_the_browser(
    ours: Site, seconds: int, lasts: bool
) -> None:
    assert bool(ours.get(f"/expire/{seconds}").cookies[NAME]["max-age"]) is lasts


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
