"""Every setting: its variable, its default, what it accepts and what it refuses."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from functools import partial
from typing import Any

import pytest

from serverless_sessions import ConfigurationError, InvalidArgument, SessionConfig
from serverless_sessions.config import Preset
from serverless_sessions.events import together

DAY = 86_400
DEFAULTS: dict[str, Any] = {
    "store": None,
    "idle_timeout": DAY,
    "absolute_timeout": 30 * DAY,
    "touch_every": DAY // 20,
    "rotation_grace": 0,
    "store_timeout": 2.0,
    "cookie_name": "__Host-session",
    "cookie_domain": None,
    "cookie_path": "/",
    "cookie_samesite": "Lax",
    "cookie_secure": True,
    "cookie_partitioned": False,
    "cookie_persistent": False,
    "shared_with_astro": False,
    "trusted_id_key": "",
    "encryption_keys": (),
    "save_on_error": False,
    "on_store_error": "respond",
    "max_per_user": 0,
    "on_max_per_user": "end_oldest",
    "on_event": None,
}


def from_env(**environ: str) -> SessionConfig:
    return SessionConfig.from_env(environ)


def test_design_7_the_defaults() -> None:
    assert from_env() == SessionConfig()
    assert {f.name: getattr(from_env(), f.name) for f in fields(SessionConfig)} == DEFAULTS


def test_there_is_no_switch_for_http_only() -> None:
    assert [name for name in DEFAULTS if "http" in name] == []
    with pytest.raises(TypeError):
        SessionConfig(cookie_httponly=False)  # type: ignore[call-arg]


BOOLEANS = [
    *((text, True) for text in ("1", "true", "yes", "on", "On", "TRUE")),
    *((text, False) for text in ("0", "false", "no", "off", "Off", "FALSE")),
]
SWITCHES = [
    *("cookie_secure", "cookie_partitioned", "cookie_persistent", "save_on_error"),
    "shared_with_astro",
]
KEYS = ("A" * 43, "-_" + "8" * 41)
READ: list[tuple[str, str, Any]] = [
    ("SESSION_STORE", "dynamodb://sessions?region=eu-west-1", None),
    ("SESSION_IDLE_TIMEOUT", "1", 1),
    ("SESSION_IDLE_TIMEOUT", "9999999999", 9_999_999_999),
    ("SESSION_ABSOLUTE_TIMEOUT", "3600", 3600),
    ("SESSION_TOUCH_EVERY", "86399", 86_399),
    ("SESSION_TOUCH_EVERY", "0", DAY // 20),
    ("SESSION_ROTATION_GRACE", "0", 0),
    ("SESSION_ROTATION_GRACE", "300", 300),
    ("SESSION_STORE_TIMEOUT", "0.25", 0.25),
    ("SESSION_STORE_TIMEOUT", "60", 60.0),
    ("SESSION_COOKIE_NAME", "sid", None),
    ("SESSION_COOKIE_NAME", "!#$%&'*+-.^_`|~", None),
    ("SESSION_COOKIE_DOMAIN", "Example.com", None),
    ("SESSION_COOKIE_DOMAIN", ".shop.example.com", None),
    ("SESSION_COOKIE_PATH", "/shop/a b,c=d", None),
    ("SESSION_COOKIE_SAMESITE", "Strict", None),
    ("SESSION_COOKIE_SAMESITE", "lax", "Lax"),
    ("SESSION_COOKIE_SAMESITE", "NONE", "None"),
    ("SESSION_TRUSTED_ID_KEY", "k" * 32, None),
    ("SESSION_ENCRYPTION_KEYS", f"{KEYS[0]}, {KEYS[1]}\n", KEYS),
    ("SESSION_ON_STORE_ERROR", "respond", None),
    ("SESSION_ON_STORE_ERROR", "raise", None),
    ("SESSION_MAX_PER_USER", "0", 0),
    ("SESSION_MAX_PER_USER", "100", 100),
    ("SESSION_ON_MAX_PER_USER", "end_oldest", None),
    ("SESSION_ON_MAX_PER_USER", "refuse", None),
    *((f"SESSION_{name.upper()}", text, value) for name in SWITCHES for text, value in BOOLEANS),
]


@pytest.mark.parametrize(("variable", "text", "value"), READ)
def test_design_7_a_variable_is_read(variable: str, text: str, value: Any) -> None:
    name = variable.removeprefix("SESSION_").lower()
    assert getattr(from_env(**{variable: text}), name) == (text if value is None else value)


def test_an_empty_variable_counts_as_unset_but_for_the_encryption_keys() -> None:
    names = DEFAULTS.keys() - {"encryption_keys"}
    environ = {f"SESSION_{name.upper()}": "" for name in names}
    assert from_env(**environ) == SessionConfig()


def test_every_field_but_the_hook_has_a_variable() -> None:
    read = {variable.removeprefix("SESSION_").lower() for variable, _, _ in READ}
    assert read == DEFAULTS.keys() - {"on_event"}


NUMBERS = ["-1", "1.5", "1e3", "½", "٣", " 1", "1 ", "1\n", "+1", "0x10", "1_000", "1h", "1" * 11]
REFUSED: list[tuple[str, str]] = [
    *(("SESSION_IDLE_TIMEOUT", text) for text in [*NUMBERS, "0"]),
    *(("SESSION_ABSOLUTE_TIMEOUT", text) for text in [*NUMBERS, "0"]),
    *(("SESSION_TOUCH_EVERY", text) for text in [*NUMBERS, "86400"]),
    *(("SESSION_ROTATION_GRACE", text) for text in [*NUMBERS, "301"]),
    *(("SESSION_STORE_TIMEOUT", text) for text in ["0", "0.0", "60.1", "-1", "inf", "nan", "2s"]),
    *(("SESSION_COOKIE_NAME", text) for text in ["a b", "a=b", "a;b", "a\r\nb", "é", "a\x7f", '"']),
    *(("SESSION_COOKIE_NAME", text) for text in ["a,b", "a@b", "a\x00", "\x85", "n" * 4054, "a\n"]),
    *(("SESSION_COOKIE_PATH", text) for text in ["shop", "/;", "/\r\n", "/\n", "/\x00", "/\x7f"]),
    *(("SESSION_COOKIE_PATH", text) for text in ["/\x85", "/\u2028", "/é", "/\udc80"]),
    ("SESSION_COOKIE_PATH", "/" * 1025),
    *(("SESSION_COOKIE_DOMAIN", text) for text in ["a;b", "a\r\nb", "a b", "a..b", "é.com", "a\n"]),
    *(("SESSION_COOKIE_DOMAIN", text) for text in ["https://a.com", "a.com:80", "a.com/", "."]),
    *(("SESSION_COOKIE_SAMESITE", text) for text in ["off", "Lax; Secure", "Lax\r\nX: y", "Lax "]),
    *(("SESSION_ON_STORE_ERROR", text) for text in ["Raise", "ignore"]),
    *(("SESSION_MAX_PER_USER", text) for text in [*NUMBERS, "101"]),
    *(("SESSION_ON_MAX_PER_USER", text) for text in ["Refuse", "end", "end-oldest"]),
    *(
        (f"SESSION_{name.upper()}", text)
        for name in SWITCHES
        for text in ["2", "y", " on", "on ", "maybe", "none", "on\n"]
    ),
]


@pytest.mark.parametrize(("variable", "text"), REFUSED)
def test_design_7_a_wrong_value_is_refused_naming_variable_value_and_what_is_allowed(
    variable: str, text: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        from_env(**{variable: text})
    message = str(refused.value)
    assert variable in message
    assert repr(text[:20])[1:-1].lower() in message.lower()
    assert message.partition("allowed is ")[2]
    assert refused.value.__cause__ is None


ODD: list[tuple[str, Any]] = [
    *(("idle_timeout", value) for value in [0, -1, 1.5, "60", True, None]),
    *(("absolute_timeout", value) for value in [0, 1.0, "60", False, None]),
    *(("touch_every", value) for value in [-1, 1.5, "60", True]),
    *(("rotation_grace", value) for value in [-1, 301, "1", True, None]),
    *(("store_timeout", value) for value in [0, -1.0, 61, "2", None, True, float("nan")]),
    *(("cookie_name", value) for value in [1, b"sid", ["sid"]]),
    *(("cookie_path", value) for value in [None, "", 1, b"/"]),
    *(("cookie_domain", value) for value in ["", 1, b"a.com"]),
    *(("cookie_samesite", value) for value in ["lax", "none", None, True, ""]),
    *((name, value) for name in SWITCHES for value in ["off", "on", 1, 0, None]),
    *(("on_store_error", value) for value in ["", None, True]),
    *(("max_per_user", value) for value in [-1, 101, 1.0, "1", True, None]),
    *(("on_max_per_user", value) for value in ["", None, True]),
]


@pytest.mark.parametrize(("name", "value"), ODD)
def test_an_argument_is_refused_as_its_variable_would_be(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"SESSION_{name.upper()}.*allowed is ."):
        SessionConfig(**{name: value})


async def awaited(_: object) -> None:
    """Called, it would tell nobody anything."""


class Awaited:
    async def __call__(self, _: object) -> None:
        """As above."""


@pytest.mark.parametrize("hook", ["print", [print], 0, awaited, Awaited(), partial(awaited, 1)])
def test_a_hook_that_cannot_be_called_or_has_to_be_awaited_is_refused(hook: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"on_event is a .*not awaited.*together"):
        SessionConfig(on_event=hook)
    with pytest.raises(InvalidArgument, match="together"):
        together(print, hook)


def test_arguments_win_over_the_environment_and_spare_it_the_reading() -> None:
    environ = {"SESSION_IDLE_TIMEOUT": "not a number", "SESSION_COOKIE_NAME": "from-env"}
    config = SessionConfig.from_env(environ, idle_timeout=60, on_event=print)
    assert (config.idle_timeout, config.cookie_name, config.on_event) == (60, "from-env", print)


def test_the_processs_environment_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_IDLE_TIMEOUT", "77")
    assert SessionConfig.from_env().idle_timeout == 77


@pytest.mark.parametrize(
    "text", ["", " ", ",", "short", f"{KEYS[0]},", f",{KEYS[0]}", f"{KEYS[0]},{KEYS[0]}"]
)
def test_encryption_keys_that_make_no_ring_are_refused_and_never_shown(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"SESSION_ENCRYPTION_KEYS.*key \d of") as refused:
        from_env(SESSION_ENCRYPTION_KEYS=text)
    assert not (parts := [part for part in text.split(",") if part.strip()]) or all(
        part not in str(refused.value) for part in parts
    )


@pytest.mark.parametrize("keys", [KEYS[0], None, 3, {KEYS[0]}, (KEYS[0].encode(),), ("short",)])
def test_encryption_keys_are_a_sequence_of_texts(keys: Any) -> None:
    with pytest.raises(ConfigurationError, match="SESSION_ENCRYPTION_KEYS") as refused:
        SessionConfig(encryption_keys=keys)
    assert KEYS[0] not in str(refused.value)


def test_no_encryption_key_is_shown() -> None:
    config = SessionConfig(encryption_keys=list(KEYS))
    assert config.encryption_keys == KEYS
    shown = f"{config!r} {config} {config.changed(idle_timeout=60)!r}"
    assert all(key not in shown for key in KEYS)


def test_the_name_takes_the_strictest_prefix_that_the_other_settings_allow() -> None:
    assert SessionConfig(cookie_domain="example.com").cookie_name == "__Secure-session"
    assert SessionConfig(cookie_path="/shop").cookie_name == "__Secure-session"
    assert SessionConfig(cookie_secure=False).cookie_name == "session"
    assert SessionConfig(cookie_secure=False, cookie_path="/shop").cookie_name == "session"


INSECURE = {"cookie_secure": False}
BREACHES: list[dict[str, Any]] = [
    *({"cookie_name": f"{prefix}x", **INSECURE} for prefix in ("__Host-", "__hOST-", "__Secure-")),
    *({"cookie_name": f"{prefix}x", **INSECURE} for prefix in ("__Http-", "__Host-Http-")),
    {"cookie_name": "__secure-x", **INSECURE},
    {"cookie_name": "__Host-x", "cookie_domain": "example.com"},
    {"cookie_name": "__HOST-x", "cookie_path": "/shop"},
    {"cookie_samesite": "None", **INSECURE},
    {"cookie_partitioned": True, **INSECURE},
]


@pytest.mark.parametrize("settings", BREACHES)
def test_what_a_browser_would_refuse_is_refused_here(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="SESSION_COOKIE_"):
        SessionConfig(**settings)


ALLOWED: list[dict[str, Any]] = [
    {"cookie_name": "__Secure-x", "cookie_domain": "example.com", "cookie_path": "/shop"},
    {"cookie_name": "__host-x"},
    {"cookie_name": "__Host-Http-x"},
    {"cookie_path": "/" * 1024},
    {"cookie_name": "__Hostess", **INSECURE},
    {"cookie_samesite": "None", "cookie_partitioned": True},
    {"cookie_name": "n" * (4096 - 43)},
]


@pytest.mark.parametrize("settings", ALLOWED)
def test_what_a_browser_takes_is_allowed(settings: dict[str, Any]) -> None:
    config = SessionConfig(**settings)
    assert {name: getattr(config, name) for name in settings} == settings


def test_no_url_of_a_store_is_shown() -> None:
    config = SessionConfig(store="redis://user:hunter2@host")
    assert "hunter2" not in repr(config) + str(config)
    with pytest.raises(ConfigurationError, match="SESSION_STORE") as refused:
        SessionConfig(store=b"redis://user:hunter2@host")  # type: ignore[arg-type]  # read as bytes
    assert "hunter2" not in str(refused.value)


def test_a_configuration_is_frozen_and_changed_by_copies_that_are_checked() -> None:
    config = SessionConfig(idle_timeout=100)
    with pytest.raises(FrozenInstanceError):
        config.idle_timeout = 5  # type: ignore[misc]
    changed = config.changed(cookie_persistent=True)
    assert (changed.idle_timeout, changed.cookie_persistent) == (100, True)
    assert not config.cookie_persistent
    with pytest.raises(ConfigurationError):
        config.changed(cookie_path="shop")


@pytest.mark.parametrize("change", [{"cookie_secure": False}, {"cookie_path": "/shop"}])
def test_what_was_left_to_a_default_follows_a_change(change: dict[str, Any]) -> None:
    assert SessionConfig().changed(**change) == SessionConfig(**change)


def test_the_touch_interval_follows_the_idle_timeout() -> None:
    assert SessionConfig().changed(idle_timeout=600) == SessionConfig(idle_timeout=600)
    assert SessionConfig(idle_timeout=1).touch_every == 1


LEVELS: list[tuple[Preset, int, int]] = [
    ("aal1", 30 * 86_400, 86_400),
    ("aal2", 86_400, 3600),
    ("aal3", 43_200, 900),
]


@pytest.mark.parametrize(("level", "absolute", "idle"), LEVELS)
def test_fact_21_a_preset_has_the_longest_timeouts_that_nist_allows(
    level: Preset, absolute: int, idle: int
) -> None:
    config = SessionConfig.preset(level, {"SESSION_STORE": "memory"})
    assert (config.absolute_timeout, config.idle_timeout) == (absolute, idle)
    assert config.store == "memory"


def test_fact_21_a_preset_lets_timeouts_be_shorter_and_never_longer() -> None:
    environ = {"SESSION_IDLE_TIMEOUT": "60"}
    config = SessionConfig.preset("aal2", environ, absolute_timeout=100)
    assert (config.absolute_timeout, config.idle_timeout) == (100, 60)
    with pytest.raises(ConfigurationError, match=r"SESSION_IDLE_TIMEOUT.*at most 900 under aal3"):
        SessionConfig.preset("aal3", {"SESSION_IDLE_TIMEOUT": "901"})
    with pytest.raises(ConfigurationError, match=r"ABSOLUTE_TIMEOUT.*at most 86400 under aal2"):
        SessionConfig.preset("aal2", {}, absolute_timeout=86_401)


def test_a_preset_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="aal1, aal2, aal3"):
        SessionConfig.preset("aal4")  # type: ignore[arg-type]  # what a user may type
