"""The settings of sessions that are shared with Astro."""

from __future__ import annotations

from typing import Any

import pytest

from serverless_sessions import ConfigurationError, SessionConfig

DAY = 86_400
ON = {"SESSION_SHARED_WITH_ASTRO": "on"}


def test_astro_is_from_env_with_one_setting_more() -> None:
    assert SessionConfig.astro({}) == SessionConfig.from_env(ON)
    assert SessionConfig.astro({"SESSION_STORE": "file:///s"}).store == "file:///s"
    assert SessionConfig.astro({"SESSION_SHARED_WITH_ASTRO": "off"}).shared_with_astro
    assert not SessionConfig.from_env({}).shared_with_astro


def test_the_cookie_is_astros_unless_another_is_named() -> None:
    assert SessionConfig.astro({}).cookie_name == "astro-session"
    assert SessionConfig.astro({}, cookie_secure=False).cookie_name == "astro-session"
    assert SessionConfig.astro({}, cookie_name="__Host-shop_1").cookie_name == "__Host-shop_1"
    assert SessionConfig.astro({"SESSION_COOKIE_NAME": "shop"}).cookie_name == "shop"
    for name in ("shop.session", "a!b", "a~", "shöp"):
        with pytest.raises(ConfigurationError, match="SESSION_COOKIE_NAME"):
            SessionConfig.astro({}, cookie_name=name)
    assert SessionConfig(cookie_name="shop.session").cookie_name == "shop.session"


@pytest.mark.parametrize(
    ("environ", "settings", "idle"),
    [
        ({}, {}, 30 * DAY),
        ({"SESSION_ABSOLUTE_TIMEOUT": "7200"}, {}, 7200),
        ({}, {"absolute_timeout": 3600}, 3600),
        ({"SESSION_IDLE_TIMEOUT": "60"}, {}, 60),
        ({"SESSION_ABSOLUTE_TIMEOUT": "7200"}, {"idle_timeout": 100}, 100),
    ],
)
def test_a_session_may_be_idle_as_long_as_it_lasts(
    environ: dict[str, str], settings: dict[str, Any], idle: int
) -> None:
    assert SessionConfig.astro(environ, **settings).idle_timeout == idle
    assert SessionConfig.from_env({**ON, **environ}, **settings).idle_timeout == idle


def test_encryption_is_refused_as_astro_has_no_keys() -> None:
    with pytest.raises(
        ConfigurationError, match=r"SESSION_SHARED_WITH_ASTRO.*encryption_keys"
    ) as no:
        SessionConfig.astro({}, encryption_keys=("A" * 43,))
    assert "A" * 43 not in str(no.value)


def test_a_limit_of_sessions_is_refused_as_they_cannot_be_counted() -> None:
    with pytest.raises(ConfigurationError, match="max_per_user"):
        SessionConfig.astro({"SESSION_MAX_PER_USER": "3"})


def test_no_other_setting_than_a_switch() -> None:
    with pytest.raises(ConfigurationError, match="SESSION_SHARED_WITH_ASTRO"):
        SessionConfig(shared_with_astro="yes")  # type: ignore[arg-type]  # read as text
