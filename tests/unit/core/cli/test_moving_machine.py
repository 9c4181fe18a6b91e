"""A move beside functions that write, destroy and rotate, in every order: nothing is lost, nothing
comes back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from serverless_sessions import clock, ids
from serverless_sessions.cli.journal import Journal
from serverless_sessions.cli.moving import Move, Tally
from serverless_sessions.cli.verifying import verify
from serverless_sessions.memory import MemoryStore
from serverless_sessions.store import Change, Entry, Facts, Found, Record
from serverless_sessions.testing.cases.base import fresh_key, key_beside

IDLE, ABSOLUTE = 1000, 100_000
RARELY = st.sampled_from([False, False, True])
NAMES = st.sampled_from(["a", "b", "c"])


@dataclass
class Life:
    """What should be known of one session: its key and entries, and who wrote those last."""

    key: str
    entries: dict[str, str] = field(default_factory=dict)
    of_target: set[str] = field(default_factory=set)
    dead: bool = False


class Busy(MemoryStore):
    """Lets functions act between two calls of a move, and fails when told to."""

    acting = False
    """In any store: what functions do is not cut in two by what others do."""

    def __init__(self) -> None:
        super().__init__()
        self.between: list[Callable[[], None]] = []
        self.calls_left: int | None = None

    def load(self, key: str) -> Found:
        self._interfere()
        return super().load(key)

    def create(self, key: str, record: Record) -> None:
        self._interfere()
        super().create(key, record)

    def update(self, key: str, change: Change) -> None:
        self._interfere()
        super().update(key, change)

    def _interfere(self) -> None:
        if Busy.acting:
            return
        if self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left < 0:
                raise KeyboardInterrupt
        if self.between:
            Busy.acting = True
            self.between.pop(0)()
            Busy.acting = False


class Moves(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.now = 1_800_000_000
        self.stack.enter_context(clock.replaced(lambda: self.now))
        self.source, self.target = Busy(), Busy()
        self.journal = Journal(None)
        self.stack.callback(self.journal.close)
        self.lives: list[Life] = []
        self.phase = "before"
        self.values = (f"{n}" for n in range(10**6))

    def teardown(self) -> None:
        try:
            self.finish()
        finally:
            self.stack.close()

    @initialize()
    def begin_some(self) -> None:
        for names in ({"a"}, {"a", "b"}):
            self.begin(names)

    # What functions do

    @precondition(lambda self: self.phase != "after")
    @rule(names=st.sets(NAMES))
    def begin(self, names: set[str]) -> None:
        entries = {name: next(self.values) for name in names}
        life = Life(fresh_key(), entries)
        self.source.create(life.key, self.record(entries))
        self.lives.append(life)

    @precondition(lambda self: self.phase != "after")
    @rule(data=st.data(), name=NAMES, removes=st.booleans())
    def write_at_the_source(self, data: Any, name: str, removes: bool) -> None:
        self.writing(self.any_life(data), name, removes, of_target=False)()

    @precondition(lambda self: self.phase != "before")
    @rule(data=st.data(), name=NAMES, removes=st.booleans())
    def write_at_the_target(self, data: Any, name: str, removes: bool) -> None:
        self.writing(self.any_life(data), name, removes, of_target=True)()

    @precondition(lambda self: self.phase == "both")
    @rule(data=st.data(), names=st.tuples(NAMES, NAMES), target_first=st.booleans())
    def write_at_both(self, data: Any, names: tuple[str, str], target_first: bool) -> None:
        life = self.any_life(data)
        for of_target in (target_first, not target_first):
            self.writing(life, names[of_target], removes=False, of_target=of_target)()

    @precondition(lambda self: self.phase != "after")
    @rule(data=st.data(), really=RARELY)
    def destroy_at_the_source(self, data: Any, really: bool) -> None:
        if really:
            self.destroying(self.any_life(data), of_target=False)()

    @precondition(lambda self: self.phase != "before")
    @rule(data=st.data(), really=RARELY)
    def destroy_at_the_target(self, data: Any, really: bool) -> None:
        if really:
            self.destroying(self.any_life(data), of_target=True)()

    @precondition(lambda self: self.phase == "before")
    @rule(data=st.data())
    def rotate_at_the_source(self, data: Any) -> None:
        self.rotating(self.any_life(data), self.source)()

    @precondition(lambda self: self.phase == "after")
    @rule(data=st.data())
    def rotate_at_the_target(self, data: Any) -> None:
        self.run()  # what only the source knows does not follow a rotation in the target
        self.rotating(self.any_life(data), self.target)()

    @precondition(lambda self: self.phase == "before")
    @rule(seconds=st.integers(1, IDLE))
    def wait(self, seconds: int) -> None:
        self.now += seconds
        for life in self.lives:
            if not life.dead and not isinstance(self.source.load(life.key), Record):
                life.dead = True

    # What the operator does

    @rule(data=st.data())
    def move(self, data: Any) -> None:
        """A pass, with what functions do between its calls."""
        for store in (self.source, self.target):
            store.between = [self.deed(data) for _ in range(data.draw(st.integers(0, 3)))]
        self.run()
        self.source.between, self.target.between = [], []

    @precondition(lambda self: self.phase == "before")
    @rule(calls=st.integers(0, 6))
    def move_and_be_killed(self, calls: int) -> None:
        self.target.calls_left = calls
        try:
            self.run()
        except KeyboardInterrupt:
            pass
        finally:
            self.target.calls_left = None

    @precondition(lambda self: self.phase == "before")
    @rule()
    def first_functions_use_the_target(self) -> None:
        self.run()
        self.phase = "both"

    @precondition(lambda self: self.phase == "both")
    @rule(really=RARELY)
    def no_function_uses_the_source(self, really: bool) -> None:
        if really:
            self.phase = "after"

    # The helpers

    def finish(self) -> None:
        tally = self.run()
        alive = {life.key: life.entries for life in self.lives if not life.dead}
        found = {
            key: {name: entry.text for name, entry in record.entries.items()}
            for key, record in self.target.scan()
        }
        assert found == alive
        assert verify(self.source, self.target, self.journal).good or self.phase != "before"
        assert self.run().changes == 0, tally

    def run(self) -> Tally:
        return Move(self.source, self.target, self.journal, workers=1).run()

    def record(self, entries: dict[str, str]) -> Record:
        facts = Facts(ids.draw_handle(), self.now, self.now + ABSOLUTE)
        texts = {name: Entry(text) for name, text in entries.items()}
        return Record(texts, facts, self.now + IDLE, nonce=ids.draw_nonce())

    def any_life(self, data: Any) -> Life | None:
        return data.draw(st.sampled_from(self.lives)) if self.lives else None

    def deed(self, data: Any) -> Callable[[], None]:
        life, name = self.any_life(data), data.draw(NAMES)
        of_target = self.phase == "after" or (self.phase == "both" and data.draw(st.booleans()))
        if data.draw(st.booleans()):
            return self.writing(life, name, data.draw(st.booleans()), of_target=of_target)
        return self.destroying(life, of_target=of_target)

    def writing(
        self, life: Life | None, name: str, removes: bool, *, of_target: bool
    ) -> Callable[[], None]:
        def act() -> None:
            if life is None:
                return
            value = next(self.values)
            change = Change(
                set={} if removes else {name: Entry(value)},
                remove=frozenset({name} if removes else ()),
                idle=self.now + IDLE,
                nonce=ids.draw_nonce(),
            )
            store = self.target if of_target else self.source
            found = store.load(life.key)
            if not isinstance(found, Record):
                return
            if of_target and removes and name in life.of_target:
                return  # as it was copied, perhaps: then the source's counts again
            there = found.entries.get(name)
            store.update(life.key, change)
            if removes and there is None:
                return
            if of_target:
                life.of_target.add(name)
            elif name in life.of_target:
                return
            if removes:
                life.entries.pop(name, None)
            else:
                life.entries[name] = value

        return act

    def destroying(self, life: Life | None, *, of_target: bool) -> Callable[[], None]:
        def act() -> None:
            store = self.target if of_target else self.source
            if life is not None and isinstance(store.load(life.key), Record):
                store.delete(life.key)
                life.dead = True

        return act

    def rotating(self, life: Life | None, store: MemoryStore) -> Callable[[], None]:
        def act() -> None:
            if life is None:
                return
            found = store.load(life.key)
            if isinstance(found, Record):
                new = key_beside(store, life.key)
                renewed = found._replace(nonce=ids.draw_nonce())
                store.rotate(life.key, new, renewed, found.rev, self.now)
                life.key = new

        return act


Moves.TestCase.settings = settings(
    max_examples=100, stateful_step_count=25, report_multiple_bugs=False
)
TestMoves = Moves.TestCase
