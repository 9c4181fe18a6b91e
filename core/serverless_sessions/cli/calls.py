"""Store calls of an operator: lost replies are settled as those of a function are."""

from __future__ import annotations

from ..invocation import Driver
from ..steps import StoreSteps
from ..store import Absence, Change, Deletion, Found, Record, SessionStore

CALL_SECONDS = 10.0
"""An operator can wait longer than an invocation."""


class Calls:
    """The operations of ``store``, each over within ``seconds``, from any number of threads."""

    def __init__(self, store: SessionStore, seconds: float = CALL_SECONDS) -> None:
        self.store = store
        self._steps = StoreSteps(seconds)
        self._driver = Driver(lambda: store, lambda: seconds, None)

    def load(self, key: str) -> Found:
        return self._driver.run(self._steps.load(key))

    def create(self, key: str, record: Record) -> None:
        self._driver.run(self._steps.create(key, record))

    def update(self, key: str, change: Change) -> None:
        self._driver.run(self._steps.update(key, change))

    def delete(self, key: str) -> Deletion | Absence:
        """End the session, wherever rotations took it."""
        answer = self._driver.run(self._steps.delete(key))
        while not isinstance(answer, Deletion | Absence):
            answer = self._driver.run(self._steps.delete(answer.to))
        return answer
