"""What a handler can ask of a session without waiting for the store.

These are plain methods on ``Session`` and on ``AsyncSession``: a forgotten ``await`` must not
undo a log-out.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NoReturn

from .contents import Contents
from .errors import SessionClosed
from .lifecycle import Lifecycle


class Intents:
    """Changes and intents, carried out when the session is saved."""

    __slots__ = ("__contents", "__life")

    def __init__(self, life: Lifecycle) -> None:
        self.__life = life
        self.__contents = Contents(life)

    @property
    def _contents(self) -> Contents:
        if self.__life.closed:
            raise SessionClosed
        return self.__contents

    @property
    def id(self) -> str | None:
        """The secret that opens the session; None until there is one.

        After ``regenerate`` it is the old one until that is carried out. Never print it.
        """
        return self._contents.id()

    def set(
        self,
        key: str,
        value: Any,
        *,
        ttl: float | timedelta | None = None,
        compress: bool = False,
    ) -> None:
        """Store a copy of ``value`` under ``key``, without reading anything.

        With a ``ttl`` (seconds over 0, or a timedelta) the key ends by itself. ``compress``
        makes a large value smaller, and keeps on doing so till the next ``set``; its size then
        tells an eavesdropper something of what is in it. Raises UnsupportedValue naming the path
        to what cannot be stored, SessionTooLarge.
        """
        self._contents.set(key, value, ttl, compress)

    def delete(self, key: str) -> None:
        """Remove ``key`` if it is there, without reading anything."""
        self._contents.delete(key)

    def clear(self) -> None:
        """Remove every key that is there when the session is saved."""
        self._contents.clear()

    def flash(self, key: str, value: Any) -> None:
        """Leave ``value`` for a later request, whose ``flashes()`` shows it once."""
        self._contents.flash(key, value)

    def regenerate(self) -> None:
        """Give the session a new id, keeping its data; the old id ends."""
        self._contents.regenerate()

    def bind(self, user: str | None) -> None:
        """Log ``user`` in: the session gets a new id and a new absolute deadline.

        What an anonymous visitor kept stays; what another user kept is dropped first. None
        unbinds and drops. Raises InvalidArgument.
        """
        self._contents.bind(user)

    def destroy(self) -> None:
        """Log out: the record goes and so does the cookie, whatever the handler does next."""
        self._contents.destroy()

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.__life.condition}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} cannot be pickled or copied")
