"""The sessions that an invocation was told to destroy, which it does whatever else happens."""

from __future__ import annotations

from .errors import Moved
from .events import Event, Listener, emit
from .steps import Steps, StoreSteps


class Doomed:
    """Stored keys to delete, in order, each with the session's handle where that is known."""

    def __init__(self, store: StoreSteps, hook: Listener | None) -> None:
        self._keys: list[tuple[str, str | None]] = []
        self._store = store
        self._hook = hook

    def __bool__(self) -> bool:
        return bool(self._keys)

    def add(self, key: str, handle: str | None = None) -> None:
        self._keys.append((key, handle))

    def end(self) -> Steps[None]:
        """Delete them, wherever rotations took them. One that fails is left for another call."""
        while self._keys:
            key, handle = self._keys[0]
            passed: set[str] = set()
            while key not in passed:  # else the store is damaged: no session lives on a circle
                passed.add(key)
                answer = yield from self._store.delete(key)
                if isinstance(answer, Moved):
                    key = answer.to
            del self._keys[0]
            emit(Event("destroyed", handle), self._hook)
