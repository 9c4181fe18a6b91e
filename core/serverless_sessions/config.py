"""Every setting, with the environment variable it is read from and the rules it must meet."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, Self

from . import ids, keyring
from .errors import ConfigurationError
from .events import is_listener

if TYPE_CHECKING:
    from .events import Event

DAY = 86_400
SameSite = Literal["Strict", "Lax", "None"]
OnStoreError = Literal["respond", "raise"]
OnMaxPerUser = Literal["end_oldest", "refuse"]
Preset = Literal["aal1", "aal2", "aal3"]

_PRESETS = {
    "aal1": {"absolute_timeout": 30 * DAY},
    "aal2": {"absolute_timeout": DAY, "idle_timeout": 3600},
    "aal3": {"absolute_timeout": DAY // 2, "idle_timeout": 900},
}

_ASTRO_NAME = re.compile(r"[A-Za-z0-9_-]+")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_ATTRIBUTE = re.compile(r"[\x20-\x3a\x3c-\x7e]*")
_SECRETS = frozenset({"store", "trusted_id_key", "encryption_keys"})
_NEVER_EMPTY = frozenset({"encryption_keys"})
"""Variables that are no longer off when they are set to nothing: a secret that got lost on its way
must not switch a protection off."""
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True, kw_only=True)
class SessionConfig:
    """The settings of one session cookie and its store; times are whole seconds.

    ``SESSION_`` and a field's name in capitals is the environment variable that ``from_env``
    reads it from. ``touch_every`` 0 stands for a twentieth of the idle timeout, an empty
    ``cookie_name`` for the strictest prefix that the other cookie settings allow. There is no
    switch for HttpOnly: script has no business with the cookie. ``max_per_user`` sessions a user
    may have, 0 for any number; a log-in that is one more ends the oldest, or is refused.

    Raises ConfigurationError, naming the setting, for a value that is not allowed.
    """

    store: str | None = field(default=None, repr=False)
    idle_timeout: int = DAY
    absolute_timeout: int = 30 * DAY
    touch_every: int = 0
    rotation_grace: int = 0
    store_timeout: float = 2.0
    cookie_name: str = ""
    cookie_domain: str | None = None
    cookie_path: str = "/"
    cookie_samesite: SameSite = "Lax"
    cookie_secure: bool = True
    cookie_partitioned: bool = False
    cookie_persistent: bool = False
    shared_with_astro: bool = False
    trusted_id_key: str = field(default="", repr=False)
    encryption_keys: Sequence[str] = field(default=(), repr=False)
    save_on_error: bool = False
    on_store_error: OnStoreError = "respond"
    max_per_user: int = 0
    on_max_per_user: OnMaxPerUser = "end_oldest"
    on_event: Callable[[Event], None] | None = None

    @classmethod
    def preset(cls, name: Preset, environ: Mapping[str, str] = os.environ, **settings: Any) -> Self:
        """``from_env`` with the timeouts that NIST SP 800-63B-4 (2.1.3, 2.2.3, 2.3.3) allows an
        authentication assurance level at most, where neither it nor ``settings`` has shorter ones.

        aal1: 30 days in all. aal2: 24 hours, 1 hour idle. aal3: 12 hours, 15 minutes idle. The
        level asks for more than timeouts: how a user logs in is the application's. Raises
        ConfigurationError for a timeout that is longer.
        """
        if name not in _PRESETS:
            raise ConfigurationError(f"there is no preset {name!r}; allowed are aal1, aal2, aal3")
        for limit, most in _PRESETS[name].items():
            if not environ.get(f"SESSION_{limit.upper()}"):
                settings.setdefault(limit, most)
        config = cls.from_env(environ, **settings)
        for limit, most in _PRESETS[name].items():
            if getattr(config, limit) > most:
                raise _refused(limit, getattr(config, limit), f"at most {most} under {name}")
        return config

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ, **settings: Any) -> Self:
        """The configuration that the environment describes; ``settings`` win over it."""
        for setting in fields(cls):
            variable = f"SESSION_{setting.name.upper()}"
            if setting.name in settings or setting.name not in _PARSERS:
                continue
            text = environ.get(variable)
            if text or (text is not None and setting.name in _NEVER_EMPTY):
                settings[setting.name] = _parse(setting.name, text)
        if settings.get("shared_with_astro"):
            settings.setdefault("idle_timeout", settings.get("absolute_timeout", 30 * DAY))
        return cls(**settings)

    @classmethod
    def astro(cls, environ: Mapping[str, str] = os.environ, **settings: Any) -> Self:
        """``from_env`` for sessions that an Astro site reads and writes as well.

        The cookie is ``astro-session`` where no other name is given, and ids are UUIDs of version
        4 under which the store has the session as they are: whoever reads the store can take the
        sessions over. As a use by Astro moves no deadline, a session may stay idle as long as it
        lasts in all, unless ``idle_timeout`` is given. Raises ConfigurationError.
        """
        return cls.from_env(environ, **{"shared_with_astro": True, **settings})

    def __post_init__(self) -> None:
        self._check_types()
        if not self.touch_every:
            object.__setattr__(self, "touch_every", self._default_touch_every())
        if not self.cookie_name:
            object.__setattr__(self, "cookie_name", self._default_cookie_name())
        self._check_times()
        self._check_cookie()
        self._check_encryption_keys()
        self._check_astro()
        if self.trusted_id_key and len(self.trusted_id_key) < 32:
            raise _refused("trusted_id_key", self.trusted_id_key, "32 characters or more")
        if self.on_store_error not in ("respond", "raise"):
            raise _refused("on_store_error", self.on_store_error, "respond or raise")
        if self.on_event is not None and not is_listener(self.on_event):
            raise ConfigurationError(
                f"on_event is a {type(self.on_event).__name__}; allowed is a function that takes an"
                " event and is not awaited; serverless_sessions.events.together(...) makes one of"
                " several"
            )
        if not 0 <= self.max_per_user <= 100:
            raise _refused("max_per_user", self.max_per_user, "a number from 0 (any) to 100")
        if self.on_max_per_user not in ("end_oldest", "refuse"):
            raise _refused("on_max_per_user", self.on_max_per_user, "end_oldest or refuse")

    def changed(self, **settings: Any) -> Self:
        """A copy with other values for some settings."""
        if self.touch_every == self._default_touch_every():
            settings.setdefault("touch_every", 0)
        if self.cookie_name == self._default_cookie_name():
            settings.setdefault("cookie_name", "")
        return replace(self, **settings)

    def _default_touch_every(self) -> int:
        return max(1, self.idle_timeout // 20)

    def _default_cookie_name(self) -> str:
        if self.shared_with_astro:
            return "astro-session"
        if not self.cookie_secure:
            return "session"
        scoped = self.cookie_domain is not None or self.cookie_path != "/"
        return "__Secure-session" if scoped else "__Host-session"

    def _check_types(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            if setting.type == "bool" and type(value) is not bool:
                raise _refused(setting.name, value, "True or False")
            if setting.type in ("str", "SameSite") and type(value) is not str:
                raise _refused(setting.name, value, "text")
            if setting.type == "str | None" and value is not None and type(value) is not str:
                raise _refused(setting.name, value, "text, or None")
            if setting.type == "int" and type(value) is not int:
                raise _refused(setting.name, value, "a whole number")
        if type(self.store_timeout) not in (int, float):
            raise _refused("store_timeout", self.store_timeout, "a number of seconds")

    def _check_times(self) -> None:
        for name, least in (
            ("idle_timeout", 1),
            ("absolute_timeout", 1),
            ("touch_every", 1),
            ("rotation_grace", 0),
        ):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise _refused(name, value, f"a whole number of seconds, at least {least}")
        if self.touch_every >= max(2, self.idle_timeout):
            raise _refused("touch_every", self.touch_every, "less than idle_timeout")
        if self.rotation_grace > 300:
            raise _refused("rotation_grace", self.rotation_grace, "at most 300 seconds")
        if not 0 < self.store_timeout <= 60:
            raise _refused("store_timeout", self.store_timeout, "over 0, at most 60 seconds")

    def _check_cookie(self) -> None:
        """RFC 6265bis 4.1.3, 5.6 and 5.7: what browsers demand of prefixes and attributes."""
        name, secure = self.cookie_name, self.cookie_secure
        if not _TOKEN.fullmatch(name):
            raise _refused("cookie_name", name, "letters, digits and !#$%&'*+-.^_`|~")
        if not (self.cookie_path.startswith("/") and _ATTRIBUTE.fullmatch(self.cookie_path)):
            raise _refused("cookie_path", self.cookie_path, "a path that begins with /, without ;")
        if len(self.cookie_path) > 1024:
            raise _refused("cookie_path", self.cookie_path[:20] + "…", "at most 1024 bytes")
        domain = self.cookie_domain
        if domain is not None and not re.fullmatch(r"\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", domain):
            raise _refused("cookie_domain", domain, "a host name such as example.com")
        if self.cookie_samesite not in ("Strict", "Lax", "None"):
            raise _refused("cookie_samesite", self.cookie_samesite, "Strict, Lax or None")
        if self.cookie_samesite == "None" and not secure:
            raise _refused("cookie_samesite", "None", "used with cookie_secure on")
        if self.cookie_partitioned and not secure:
            raise _refused("cookie_partitioned", True, "used with cookie_secure on")
        prefix = name.lower()
        if prefix.startswith(("__host-", "__secure-", "__http-")) and not secure:
            raise _refused("cookie_name", name, "used with cookie_secure on")
        if prefix.startswith("__host-") and (domain is not None or self.cookie_path != "/"):
            raise _refused("cookie_name", name, "used with cookie_path / and no cookie_domain")
        if len(name) + 43 > 4096:
            raise _refused("cookie_name", name[:20] + "…", "short: name and value fit 4096 bytes")

    def _check_astro(self) -> None:
        """Astro 7: ``core/cookies`` takes no other names; nothing in it opens what we seal."""
        if not self.shared_with_astro:
            return
        if not _ASTRO_NAME.fullmatch(self.cookie_name):
            raise _refused("cookie_name", self.cookie_name, "letters, digits, _ and - with Astro")
        if self.encryption_keys:
            raise _refused("shared_with_astro", True, "off with encryption_keys: Astro has no keys")
        if self.max_per_user:
            what = "off with max_per_user: nobody's sessions can be listed where Astro keeps them"
            raise _refused("shared_with_astro", True, what)

    @property
    def id_kind(self) -> ids.Kind:
        """The kind of ids that these sessions have."""
        return ids.ASTRO if self.shared_with_astro else ids.OWN

    def _check_encryption_keys(self) -> None:
        keys = self.encryption_keys
        form = "keys of `serverless-sessions keygen`, each there once"
        if isinstance(keys, str) or not isinstance(keys, Sequence):
            raise _refused("encryption_keys", keys, f"a tuple of {form}")
        try:
            keyring.read(keys)
        except ValueError as wrong:
            raise _refused("encryption_keys", keys, f"{form}; {wrong}") from None
        object.__setattr__(self, "encryption_keys", tuple(keys))


def _boolean(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError("on or off")


def _seconds(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text):
        raise ValueError("a whole number of seconds")
    return int(text)


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text):
        raise ValueError("a whole number")
    return int(text)


def _fraction(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,6})?", text):
        raise ValueError("a number of seconds")
    return float(text)


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _samesite(text: str) -> str:
    return text.capitalize()


_PARSERS: dict[str, Callable[[str], Any]] = {
    "store": str,
    "idle_timeout": _seconds,
    "absolute_timeout": _seconds,
    "touch_every": _seconds,
    "rotation_grace": _seconds,
    "store_timeout": _fraction,
    "cookie_name": str,
    "cookie_domain": str,
    "cookie_path": str,
    "cookie_samesite": _samesite,
    "cookie_secure": _boolean,
    "cookie_partitioned": _boolean,
    "cookie_persistent": _boolean,
    "shared_with_astro": _boolean,
    "trusted_id_key": str,
    "encryption_keys": _list,
    "save_on_error": _boolean,
    "on_store_error": str,
    "max_per_user": _count,
    "on_max_per_user": str,
}


def _parse(name: str, text: str) -> Any:
    try:
        return _PARSERS[name](text)
    except ValueError as error:
        raise _refused(name, text, str(error)) from None


def _refused(name: str, value: object, allowed: str) -> ConfigurationError:
    shown = f"a {type(value).__name__} not shown here" if name in _SECRETS else repr(value)
    return ConfigurationError(f"{name} (SESSION_{name.upper()}) is {shown}; allowed is {allowed}")
