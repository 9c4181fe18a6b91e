"""Django's sessions in our store, and the settings that Django has for them."""

from __future__ import annotations

import threading
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.core.signals import setting_changed
from django.utils.safestring import SafeString

from .. import clock, ids
from ..arrival import Request
from ..config import SessionConfig
from ..errors import ConfigurationError, SessionClosed, SessionError, SessionGone, Unsupported
from ..headers import Outcome
from ..invocation import Invocation
from ..lifecycle import Lifecycle
from ..manager import SessionManager
from ..session import Session
from ..store import SessionStore as Store
from ..values import codec

_OURS = (
    *("absolute_timeout", "touch_every", "rotation_grace", "store_timeout"),
    *("cookie_partitioned", "save_on_error", "on_store_error", "on_event"),
    *("encryption_keys", "max_per_user", "on_max_per_user"),
)
_USER, _EXPIRY = "_auth_user_id", "_session_expiry"
_CREATED = "_created"
"""Stands in a session that Django wants to be there though it holds nothing."""

_manager: SessionManager | None = None
_lock = threading.Lock()

codec.register(SafeString, "django.SafeString", str.__str__, SafeString)


def sessions() -> SessionManager:
    """The manager of Django's sessions. Raises ConfigurationError for a wrong setting."""
    global _manager
    with _lock:
        if _manager is None:
            _manager = SessionManager(getattr(settings, "SESSION_STORE", None), _config())
        return _manager


def _config() -> SessionConfig:
    ours = {field: getattr(settings, f"SESSION_{field.upper()}", None) for field in _OURS}
    samesite = settings.SESSION_COOKIE_SAMESITE
    return SessionConfig.from_env(
        idle_timeout=settings.SESSION_COOKIE_AGE,
        cookie_name=settings.SESSION_COOKIE_NAME,
        cookie_domain=settings.SESSION_COOKIE_DOMAIN,
        cookie_path=settings.SESSION_COOKIE_PATH,
        cookie_secure=bool(settings.SESSION_COOKIE_SECURE),
        cookie_samesite=samesite if isinstance(samesite, str) else "Lax",
        cookie_persistent=not settings.SESSION_EXPIRE_AT_BROWSER_CLOSE,
        **{field: value for field, value in ours.items() if value is not None},
    )


def _forget_manager(*, setting: str, **_: object) -> None:
    """Tests change settings."""
    global _manager
    if setting.startswith("SESSION_"):
        _manager = None


setting_changed.connect(_forget_manager)


class SessionStore(SessionBase):  # type: ignore[misc]  # Django ships no types
    """What Django calls a session. Only what was changed is written, and never to a session that
    has ended: ``save`` raises UpdateError then. When Django's log-in has put a user into it, the
    session is bound to that user's primary key.

    Raises the errors of ``Session``.
    """

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self._invocation: Invocation | None = None
        self._texts: dict[str, str] | None = None
        self._logs_in = False
        self._serves_request = False
        self._answered = False
        self._deleted = False

    @classmethod
    def serving(cls, invocation: Invocation) -> SessionStore:
        """The session of the request at hand, whose middleware is ours."""
        served = cls(_life(invocation).session_id)
        served._invocation, served._serves_request = invocation, True
        return served

    @property
    def ours(self) -> Session:
        """The same session with our verbs: ``modify``, ``flash``, ``bind`` and the rest.

        Raises ConfigurationError where no middleware of ours saves what is done with it."""
        if self._answered:
            raise SessionClosed
        if not self._serves_request:
            raise ConfigurationError(
                "request.session.ours needs serverless_sessions.handlers.django.SessionMiddleware"
                " in the place of Django's own, which would not save what is done with it"
            )
        return self._at_hand().session

    def load(self) -> dict[str, Any]:
        if self._texts is not None and not self._serves_request:
            self._invocation = None
        invocation = self._at_hand()
        found = dict(invocation.session)
        found.pop(_CREATED, None)
        life = _life(invocation)
        self._session_key = life.session_id if life.record is not None else None
        self._texts = {name: life.encode(name, value) for name, value in found.items()}
        # Copies: what Django's dict does to a value is handed over, and not noticed besides.
        data = {name: life.decode(name, text) for name, text in self._texts.items()}
        if data.get(_EXPIRY):
            life.records.last(max(1, int(self.get_expiry_age(expiry=data[_EXPIRY]))))
        return data

    def save(self, must_create: bool = False) -> None:
        if must_create or self.session_key is None:
            self.create()
            return
        if self._deleted:
            raise UpdateError
        self._get_session()
        if self.hand_over():
            self._store()

    def create(self) -> None:
        if self.session_key is not None or self._deleted:
            self._start_over()
        self._texts = {}
        self._get_session(no_load=True)
        if self.hand_over():
            if not self._texts:
                self._at_hand().session.set(_CREATED, True)
            self._store()
        self.modified = True

    def cycle_key(self) -> None:
        """A new key for the same data, in one step. Of a session that has ended meanwhile, what
        this request changed lives on."""
        if self.session_key is None or self._deleted:
            self.create()
            return
        data, before = self._get_session(), self._texts or {}
        encode = _life(self._at_hand()).encode
        changed = {
            name: value for name, value in data.items() if before.get(name) != encode(name, value)
        }
        if self.session_key is not None and self.hand_over():
            self._at_hand().session.regenerate()
            try:
                self._store()
            except UpdateError:
                self._session_cache = changed
                self.create()
        elif self.session_key is None:
            self.create()
        self.modified = True

    async def acycle_key(self) -> None:
        await sync_to_async(self.cycle_key)()

    def exists(self, session_key: str | None) -> bool:
        return session_key is not None and _begun(session_key).session.info().handle is not None

    def delete(self, session_key: str | None = None) -> None:
        if session_key is None or session_key == self.session_key:
            if self.session_key is None:
                return
            invocation, self._deleted, self._texts = self._at_hand(), True, {}
        else:
            invocation = _begun(session_key)
        invocation.session.destroy()
        invocation.session.save()

    @classmethod
    def clear_expired(cls) -> None:
        """Remove expired sessions where the store does not do so by itself."""
        store = sessions().store
        assert isinstance(store, Store)
        try:
            while store.purge():
                pass
        except Unsupported:
            return

    def hand_over(self) -> bool:
        """Tell the session what was changed in Django's dict. Whether there is anything to save:
        a session whose expiry lies in the past ends here instead."""
        data: dict[str, Any] | None = getattr(self, "_session_cache", None)
        if data is None:
            return True
        encode = _life(self._at_hand()).encode
        texts = {name: encode(name, value) for name, value in data.items()}
        if not self._set_time(data):
            return False
        invocation = self._at_hand()
        session, before = invocation.session, self._texts
        if before is None:
            session.clear()
            before = {}
        user = data.get(_USER)
        if user is not None and (self._logs_in or texts[_USER] != before.get(_USER)):
            facts = _life(invocation).facts
            session.bind(str(user))
            self._logs_in = False
            if facts is not None and facts.user not in (None, str(user)):
                before = {}  # a bind drops the other's data, which the application left here
        for name in before.keys() - texts.keys():
            session.delete(name)
        for name, text in texts.items():
            if before.get(name) != text:
                session.set(name, data[name])
        self._texts = texts
        return True

    def _set_time(self, data: dict[str, Any]) -> bool:
        life = _life(self._at_hand())
        age = int(self.get_expiry_age(expiry=data.get(_EXPIRY)))
        if age <= 0:
            self._session_key = self._session_key or life.source.kind.draw()
            self.delete()
            return False
        life.records.last(age)
        life.persistent = not self.get_expire_at_browser_close()
        return True

    def _store(self) -> None:
        invocation = self._at_hand()
        try:
            invocation.session.save()
        except SessionGone as gone:
            raise UpdateError from gone
        self._session_key = _life(invocation).session_id
        self._deleted = False

    def _start_over(self) -> None:
        if self._serves_request:
            self._at_hand().session.destroy()
        else:
            self._invocation = _begun(None)
        self._deleted = False

    def end_request(self, *, failed: bool, streamed: bool = False) -> Outcome:
        """Save before the response leaves, and tell what that must carry. Raises SessionError.

        Middlewares further out may still read the session, and the user in it: from now on it is
        as the engine finds it by its key. But what makes a stream, whose headers are settled, may
        not.
        """
        invocation = self._at_hand()
        try:
            if not failed or sessions().config.save_on_error:
                self._hold_to_its_expiry()
                self.hand_over()
        except SessionError:
            invocation.abandon()
            raise
        invocation.finish(failed=failed)
        if not streamed:
            self._session_key = _life(invocation).session_id
            self._invocation, self._serves_request, self._answered = None, False, True
        return invocation.outcome()

    def _hold_to_its_expiry(self) -> None:
        """What was written by our verbs alone moved the deadline as if it had no expiry."""
        life = _life(self._at_hand())
        record = life.record
        if record is not None and _EXPIRY in record.entries:
            expiry = self._get_session().get(_EXPIRY)
            if record.idle > clock.now() + life.records.idle_timeout:
                self.ours.set(_EXPIRY, expiry)

    def outcome(self) -> Outcome:
        """What the response must carry for what has taken effect so far."""
        return self._at_hand().outcome()

    def _at_hand(self) -> Invocation:
        if self._invocation is None:
            self._invocation = _begun(self.session_key)
        return self._invocation


def _note_log_in(*, request: Any, **_: object) -> None:
    """The data does not show it when the user who is logged in does so again."""
    session = getattr(request, "session", None)
    if isinstance(session, SessionStore):
        session._logs_in = True


user_logged_in.connect(_note_log_in)


def _begun(session_key: str | None) -> Invocation:
    manager = sessions()
    if not session_key:
        return manager.begin(Request.with_cookies())
    # Django's cookies are unquoted: one could hold another, or blanks that are no part of an id.
    session_id = session_key if ids.is_well_formed(session_key) else ""
    return manager.begin(Request.with_cookies(f"{manager.config.cookie_name}={session_id}"))


def _life(invocation: Invocation) -> Lifecycle:
    return invocation.seen_as(lambda life, _: life)
