"""A store beside ``MemoryStore``: any sequence of operations gives the same results in both.

``TestMyStore = store_machine(my_store_in_a_context).TestCase`` makes a test of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from .. import clock
from ..errors import Conflict, Moved, SessionError, SessionGone, SessionTooLarge
from ..memory import MemoryStore
from ..store import ABSENT, MARKER_SECONDS, Change, Entry, Facts, Found, Record, SessionStore
from .clock import FrozenClock

NAMES = st.sampled_from(["a", "b", "a.b", "ключ"])
TEXTS = st.sampled_from(["", "1", "2", "é" * 40])
SECONDS = st.sampled_from([1, 5, 20, MARKER_SECONDS + 1])
USERS = st.sampled_from([None, "ann", "bob"])
PICK = st.integers(min_value=0, max_value=2**16)


def store_machine(
    opened: Callable[[], AbstractContextManager[SessionStore]], *, examples: int = 50
) -> type[RuleBasedStateMachine]:
    """The state machine of one kind of store; ``opened`` gives an empty one per example."""

    class Machine(StoreMachine):
        def open(self) -> AbstractContextManager[SessionStore]:
            return opened()

    Machine.TestCase.settings = settings(
        max_examples=examples,
        stateful_step_count=40,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
    )
    return Machine


class StoreMachine(RuleBasedStateMachine):
    """Every rule does the same to both stores and compares what they answer and then hold."""

    def __init__(self) -> None:
        super().__init__()
        self.resources = ExitStack()
        self.time = self.resources.enter_context(FrozenClock())
        self.keys: list[str] = []
        self.writes = 0
        self.seen: dict[str, tuple[Record, Record]] = {}
        self.last_created: tuple[str, Record] | None = None

    def open(self) -> AbstractContextManager[SessionStore]:
        raise NotImplementedError

    @initialize()
    def start(self) -> None:
        self.store = self.resources.enter_context(self.open())
        self.model = MemoryStore(max_bytes=self.store.guarantees.max_bytes or 2**40)

    def teardown(self) -> None:
        with self.resources:
            if hasattr(self, "store"):
                self.time.advance(1)
                for key in self.keys:
                    self.same_record(key)

    @rule(
        known=st.booleans(), pick=PICK, idle=SECONDS, absolute=SECONDS, user=USERS, data=st.data()
    )
    def create(
        self,
        known: bool,
        pick: int,
        idle: int,
        absolute: int,
        user: str | None,
        data: st.DataObject,
    ) -> None:
        key = self.picked(pick) if known and self.keys else self.fresh()
        record = self.record(data, idle, absolute, user)
        if self.both(lambda store: store.create(key, record)) is None:
            self.seen.pop(key, None)
            self.last_created = key, record
        self.same_record(key)

    @precondition(lambda self: self.last_created is not None)
    @rule()
    def repeat_create(self) -> None:
        assert self.last_created is not None
        key, record = self.last_created
        if self.both(lambda store: store.create(key, record)) is None:
            self.seen.pop(key, None)
        self.same_record(key)

    @precondition(lambda self: bool(self.keys))
    @rule(
        pick=PICK,
        changed=st.dictionaries(NAMES, st.tuples(TEXTS, st.none() | SECONDS), max_size=3),
        removed=st.frozensets(NAMES, max_size=2),
        clear=st.booleans(),
        idle=st.none() | SECONDS,
    )
    def update(
        self,
        pick: int,
        changed: dict[str, tuple[str, int | None]],
        removed: frozenset[str],
        clear: bool,
        idle: int | None,
    ) -> None:
        change = Change(
            set=self.entries(changed),
            remove=removed,
            clear=clear,
            idle=None if idle is None else clock.now() + idle,
            nonce=self.nonce(),
        )
        self.updated(self.picked(pick), change)

    @precondition(lambda self: bool(self.keys) and self.store.guarantees.conditional)
    @rule(pick=PICK, name=NAMES, expected=TEXTS | st.just(ABSENT), text=TEXTS, own=st.booleans())
    def update_expecting(self, pick: int, name: str, expected: Any, text: str, own: bool) -> None:
        key = self.picked(pick)
        seen = self.seen.get(key)
        rid = seen[0].facts.rid if seen is not None and own else None
        entries = {name: Entry(text)}
        self.updated(key, Change(set=entries, expect={name: expected}, rid=rid, nonce=self.nonce()))

    @precondition(lambda self: bool(self.seen))
    @rule(pick=PICK, idle=SECONDS, user=USERS, grace=st.sampled_from([0, 1, 20]), data=st.data())
    def rotate(
        self, pick: int, idle: int, user: str | None, grace: int, data: st.DataObject
    ) -> None:
        old = sorted(self.seen)[pick % len(self.seen)]
        of_model, of_store = self.seen[old]
        new = self.fresh(beside=old)
        record = self.record(data, idle, 20, user)
        until = clock.now() + grace
        for _ in range(2):
            self.both(
                lambda store: store.rotate(
                    old,
                    new,
                    record,
                    (of_model if store is self.model else of_store).rev,
                    until,
                )
            )
        self.same_record(old)
        self.same_record(new)

    @precondition(lambda self: bool(self.keys))
    @rule(pick=PICK)
    def load(self, pick: int) -> None:
        key = self.picked(pick)
        self.same_record(key)
        of_model, of_store = self.model.load(key), self.store.load(key)
        if isinstance(of_model, Record) and isinstance(of_store, Record):
            self.seen[key] = of_model, of_store

    @precondition(lambda self: bool(self.keys))
    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        key = self.picked(pick)
        self.both(lambda store: store.delete(key))
        self.same_record(key)

    @rule(seconds=SECONDS)
    def wait(self, seconds: int) -> None:
        self.time.advance(seconds)

    @rule(limit=st.integers(min_value=0, max_value=3))
    def purge(self, limit: int) -> None:
        for store in (self.model, self.store):
            if store.guarantees.purges:
                assert 0 <= store.purge(limit) <= limit

    @precondition(lambda self: self.store.guarantees.scans)
    @rule()
    def scan(self) -> None:
        assert _by_key(self.store) == _by_key(self.model)

    @precondition(lambda self: self.store.guarantees.lists_users)
    @rule(user=st.sampled_from(["ann", "bob"]))
    def list_user(self, user: str) -> None:
        def live(store: SessionStore) -> set[str]:
            listed = {key: store.load(key) for key in store.list_user(user)}
            return {
                key
                for key, found in listed.items()
                if isinstance(found, Record) and found.facts.user == user
            }

        assert live(self.store) == live(self.model)

    def updated(self, key: str, change: Change) -> None:
        self.both(lambda store: store.update(key, change))
        self.same_record(key)

    def both(self, operation: Callable[[SessionStore], object]) -> object:
        """The result that both stores give for ``operation``."""
        expected, found = _result(operation, self.model), _result(operation, self.store)
        assert found == expected
        return found

    def same_record(self, key: str) -> None:
        self.both(lambda store: _comparable(store.load(key)))

    def picked(self, pick: int) -> str:
        return self.keys[pick % len(self.keys)]

    def fresh(self, beside: str | None = None) -> str:
        """A key not used before, the same in every run of an example."""
        while True:
            self.writes += 1
            key = hashlib.sha256(str(self.writes).encode()).hexdigest()
            if beside is None or self.store.colocated(beside, key):
                self.keys.append(key)
                return key

    def nonce(self) -> str:
        self.writes += 1
        return f"nonce {self.writes}"

    def entries(self, drawn: dict[str, tuple[str, int | None]]) -> dict[str, Entry]:
        now = clock.now()
        return {
            name: Entry(text, None if seconds is None else now + seconds)
            for name, (text, seconds) in drawn.items()
        }

    def record(self, data: st.DataObject, idle: int, absolute: int, user: str | None) -> Record:
        drawn = data.draw(st.dictionaries(NAMES, st.tuples(TEXTS, st.none() | SECONDS), max_size=3))
        now, nonce = clock.now(), self.nonce()
        facts = Facts(f"rid {nonce}", now, now + absolute, user, None if user is None else now)
        return Record(self.entries(drawn), facts, now + idle, nonce=nonce)


def _result(operation: Callable[[SessionStore], object], store: SessionStore) -> object:
    try:
        result = operation(store)
    except Moved as error:
        return Moved, error.to
    except (Conflict, SessionGone, SessionTooLarge) as error:
        return type(error)
    except SessionError as error:
        raise AssertionError(f"{store!r} failed") from error
    return (Moved, result.to) if isinstance(result, Moved) else result


def _comparable(found: Found) -> object:
    """All of a record but its rev, which is each store's own; the expired are absent."""
    if not isinstance(found, Record):
        return (Moved, found.to) if isinstance(found, Moved) else None
    return dict(found.entries), found.facts, found.idle, found.nonce


def _by_key(store: SessionStore) -> dict[str, object]:
    return {key: _comparable(record) for key, record in store.scan()}
