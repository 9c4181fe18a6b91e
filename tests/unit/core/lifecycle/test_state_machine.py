"""Sessions against a plain model: two requests at once, interleaved at each store call.

A request, on either driver, stands still before each store call, and Hypothesis decides whose
turn it is. The model knows no layers, revisions or retries: a request is a log of small
changes, and the log is played on a dict at the moment when the store accepts the request's
write.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from serverless_sessions import (
    MemoryStore,
    Moved,
    SessionConfig,
    SessionGone,
    codec,
    ids,
    sealed_facts,
)
from serverless_sessions.encryption import sealer_of
from serverless_sessions.errors import Conflict, SessionError
from serverless_sessions.records import Records
from serverless_sessions.store import DELETED, Record
from serverless_sessions.testing.browser import Driver
from serverless_sessions.testing.clock import FrozenClock
from support.players import Call, Player, giving, player_of, raising
from support.sealed import NEW, OLD

IDLE, ABSOLUTE, GRACE = 100, 250, 20
KEYS = st.sampled_from(["a", "a", "b"])
VALUES = st.lists(st.integers(0, 9), max_size=2) | st.integers(0, 9)
MISSING = object()
Turn = Callable[[list["Request"]], "Request"]
TURN: st.SearchStrategy[Turn] = st.sampled_from(
    [lambda requests: requests[0], lambda requests: requests[-1]]
)


@dataclass
class Data:
    """A session as plain Python: values with their deadlines, and whose they are."""

    values: dict[str, tuple[Any, int | None]] = field(default_factory=dict)
    user: str | None = None
    idle: int = 0
    absolute: int = 0

    def visible(self, now: int) -> dict[str, Any]:
        return {
            key: value
            for key, (value, deadline) in self.values.items()
            if deadline is None or deadline > now
        }


Edit = Callable[[Data], None]


@dataclass(eq=False)
class Request:
    """A real request, and what the model knows of it; ``held`` are values that it handed out."""

    player: Player
    log: list[Edit] = field(default_factory=list)
    snapshot: Data = field(default_factory=Data)
    held: dict[str, tuple[Any, int | None]] = field(default_factory=dict)
    then: Callable[[Any], None] = lambda _: None
    own_edit: Edit | None = None
    binds: bool = False
    seen: bool = False
    lost: bool = False
    asked_at: int = 0

    def played(self) -> Data:
        """The session as this request should see it."""
        seen = deepcopy(self.snapshot)
        for edit in self.log:
            edit(seen)
        return seen

    def is_done(self) -> bool:
        """Whether what it changed is stored, was lost, or makes no difference."""
        seen, whole = self.snapshot, self.played()
        return self.lost or (seen.values, seen.user) == (whole.values, whole.user)


def somebody_waits(machine: SessionMachine) -> bool:
    return bool(machine.waiting())


def somebody_calls(machine: SessionMachine) -> bool:
    return bool(machine.in_a_call())


class SessionMachine(RuleBasedStateMachine):
    """``rings`` are the encryption keys of the functions that a visitor may reach."""

    driver: Driver = "sync"
    rings: tuple[tuple[str, ...], ...] = ((),)

    def __init__(self) -> None:
        super().__init__()
        self.clock = FrozenClock(1_000_000.0)
        self.clock.__enter__()
        self.store = MemoryStore()
        self.config = SessionConfig(
            idle_timeout=IDLE,
            absolute_timeout=ABSOLUTE,
            touch_every=10,
            rotation_grace=GRACE,
            store_timeout=60,
            encryption_keys=self.rings[0],
        )
        self.records = Records(self.config, sealer_of(self.rings[0]), lambda: None)
        self.sessions: dict[str, Data] = {}
        self.markers: dict[str, tuple[str, int]] = {}
        self.jars = [""]
        self.requests: list[Request] = []

    def teardown(self) -> None:
        for request in self.requests:
            request.player.close()
        self.clock.__exit__()

    @property
    def now(self) -> int:
        return int(self.clock.time)

    def alive(self, key: str) -> Data | None:
        data = self.sessions.get(key)
        alive = data is not None and min(data.idle, data.absolute) > self.now
        return data if alive else None

    def moved(self, key: str, hours: bool = False) -> str | None:
        to, until = self.markers.get(key, ("", 0))
        return to if to and (hours or until > self.now) else None

    # What the handlers of the two requests do

    def waiting(self) -> list[Request]:
        """Requests whose handler may do something next."""
        return [r for r in self.requests if r.player.call is None]

    def in_a_call(self) -> list[Request]:
        """Requests that stand before a store call."""
        return [r for r in self.requests if r.player.call is not None]

    def run(self, request: Request, act: Callable[[], Any], then: Callable[[Any], None]) -> None:
        request.then = then
        self.resume(request, lambda: request.player.run(act))

    def resume(self, request: Request, go_on: Callable[[], None]) -> None:
        request.asked_at = self.now
        go_on()
        if request.player.call is None:
            request.own_edit = None
            request.then(request.player.result)

    @precondition(lambda self: len(self.requests) < 2)
    @rule(age=st.sampled_from([1, 1, 1, 2, 3]), ring=st.integers(0, 1))
    def begin(self, age: int, ring: int) -> None:
        """With the newest cookie, an older one, or (at first) none."""
        config = self.config.changed(encryption_keys=self.rings[ring % len(self.rings)])
        jar = self.jars[-min(age, len(self.jars))]
        cookies = [f"{self.config.cookie_name}={jar}"] if jar else []
        self.requests.append(Request(player_of(self.driver, config, cookies)))

    @precondition(somebody_waits)
    @rule(turn=TURN, key=KEYS, value=VALUES, ttl=st.none() | st.integers(1, 60))
    def set(self, turn: Turn, key: str, value: Any, ttl: int | None) -> None:
        request = turn(self.waiting())
        request.player.session.set(key, value, ttl=ttl)
        request.held.pop(key, None)
        deadline = None if ttl is None else self.now + ttl
        request.log.append(lambda data: data.values.update({key: (deepcopy(value), deadline)}))

    @precondition(somebody_waits)
    @rule(turn=TURN, key=st.none() | KEYS)
    def remove(self, turn: Turn, key: str | None) -> None:
        """One key, or all."""
        request = turn(self.waiting())
        if key is None:
            request.player.session.clear()
            request.held.clear()
            request.log.append(lambda data: data.values.clear())
        else:
            request.player.session.delete(key)
            request.held.pop(key, None)
            request.log.append(lambda data: data.values.pop(key, None) and None)

    @precondition(somebody_waits)
    @rule(turn=TURN, intent=st.sampled_from(["regenerate", "destroy", "alice", "bob", None]))
    def intend(self, turn: Turn, intent: str | None) -> None:
        request = turn(self.waiting())
        if intent == "regenerate":
            request.player.session.regenerate()
        elif intent == "destroy":
            request.player.session.destroy()
            request.log, request.snapshot, request.held, request.binds = [], Data(), {}, False
        else:
            self.bind(request, intent)

    def bind(self, request: Request, user: str | None) -> None:
        def edit(data: Data) -> None:
            if user is None or data.user not in (None, user):
                data.values.clear()
            data.user = user
            data.absolute = request.asked_at + ABSOLUTE

        request.player.session.bind(user)
        request.log.append(edit)
        request.binds = True

    @precondition(somebody_waits)
    @rule(turn=TURN, key=KEYS, item=st.none() | st.integers(0, 9))
    def look(self, turn: Turn, key: str, item: int | None) -> None:
        """Get a value, the same object as before, and perhaps change what it holds."""
        request = turn(self.waiting())

        def change(value: Any) -> None:
            seen = request.played()
            expected = seen.visible(self.now).get(key, MISSING)
            held, deadline = request.held.get(key, (MISSING, None))
            if value is MISSING or value is not held:
                assert value == expected
                deadline = seen.values[key][1] if value is not MISSING else None
            assert (value is MISSING) == (expected is MISSING)
            request.held[key] = value, deadline
            if isinstance(value, list) and item is not None:
                value.append(item)
                mine = deepcopy(value)
                request.log.append(lambda data: data.values.update({key: (mine, deadline)}))

        self.run(request, lambda: request.player.session.get(key, MISSING), change)

    @precondition(somebody_waits)
    @rule(turn=TURN, key=KEYS)
    def modify(self, turn: Turn, key: str) -> None:
        """Only with nothing pending: what it does to pending changes has tests of its own."""
        request = turn(self.waiting())
        if request.log:
            return

        def add(value: Any) -> Any:
            return value + 1 if isinstance(value, int) else [*value, 1]

        def edit(data: Data) -> None:
            value, deadline = data.values.get(key, (0, None))
            if deadline is not None and deadline <= self.now:
                value, deadline = 0, None
            data.values[key] = (add(value), deadline)

        request.own_edit = edit
        request.held.pop(key, None)
        self.run(request, lambda: request.player.session.modify(key, add, 0), lambda _: None)

    @precondition(somebody_waits)
    @rule(turn=TURN)
    def finish(self, turn: Turn) -> None:
        request = turn(self.waiting())
        request.then = lambda _: self.answered(request)
        self.resume(request, request.player.finish)

    def answered(self, request: Request) -> None:
        assert request.is_done(), "a change was neither stored nor lost"
        set_cookie = request.player.outcome().set_cookie
        if set_cookie is not None:
            self.jars.append(set_cookie.partition("=")[2].partition(";")[0])
        self.requests.remove(request)
        request.player.close()

    @precondition(somebody_calls)
    @rule(turn=TURN, calls=st.integers(1, 4))
    def go_on(self, turn: Turn, calls: int) -> None:
        """Let one request make its next store calls."""
        request = turn(self.in_a_call())
        for _ in range(calls):
            if request.player.call is not None:
                self.make_call(request, request.player.call)

    def make_call(self, request: Request, call: Call) -> None:
        try:
            answer = getattr(self.store, call.operation)(*call.arguments)
        except SessionError as error:
            self.expect_refusal(request, call, error)
            reply = raising(error)
        else:
            self.mirror(request, call, answer)
            reply = giving(answer)
        self.resume(request, lambda: request.player.reply(reply))

    @initialize(value=VALUES, user=st.sampled_from([None, "alice"]))
    def first_visit(self, value: Any, user: str | None) -> None:
        self.begin(1, 0)
        self.bind(self.requests[0], user)
        self.set(lambda waiting: waiting[0], "a", value, None)
        self.whole_answer(lambda waiting: waiting[0])

    @precondition(somebody_waits)
    @rule(turn=TURN)
    def whole_answer(self, turn: Turn) -> None:
        """Finish one request while the other stands still."""
        request = turn(self.waiting())
        self.finish(lambda _: request)
        while request.player.call is not None:
            self.make_call(request, request.player.call)

    @rule(seconds=st.sampled_from([1, 5, GRACE, 60, IDLE]))
    def advance(self, seconds: int) -> None:
        self.clock.advance(seconds)

    # The model of the store

    def mirror(self, request: Request, call: Call, answer: Any) -> None:
        """Play on the model what the store accepted."""
        key = call.arguments[0]
        if call.operation == "load":
            self.mirror_load(request, key, answer)
        elif call.operation == "create":
            owner = request.snapshot.user if request.binds else None
            data = Data(user=owner, absolute=request.asked_at + ABSOLUTE)
            self.sessions[key] = self.play(request, data)
        elif call.operation == "update":
            data = self.alive(key)  # type: ignore[assignment]
            assert data is not None, "an update was accepted by a dead session"
            self.play(request, data)
        elif call.operation == "rotate":
            data = self.alive(key)  # type: ignore[assignment]
            assert data is not None, "a dead session was rotated"
            new, grace = call.arguments[1], 0 if request.binds else GRACE
            self.sessions[new] = self.play(request, self.sessions.pop(key))
            self.markers[key] = new, request.asked_at + grace
        elif isinstance(answer, Moved):
            assert self.moved(key, hours=True) == answer.to
        else:
            assert (answer is DELETED) == (self.alive(key) is not None)
            self.sessions.pop(key, None)

    def mirror_load(self, request: Request, key: str, answer: Any) -> None:
        data = self.alive(key)
        if isinstance(answer, Moved):
            assert self.moved(key) == answer.to
        elif isinstance(answer, Record):
            assert data is not None
            request.snapshot, request.seen = deepcopy(data), True
        else:
            assert data is None
            assert self.moved(key) is None
            request.lost = request.lost or request.seen
            request.snapshot = Data(user=request.snapshot.user)

    def play(self, request: Request, data: Data) -> Data:
        edits = [request.own_edit] if request.own_edit else request.log
        for edit in edits:
            edit(data)
            edit(request.snapshot)
        if not request.own_edit:
            request.log = []
        data.idle = request.asked_at + IDLE
        request.seen = True
        return data

    def expect_refusal(self, request: Request, call: Call, error: SessionError) -> None:
        key = call.arguments[0]
        if isinstance(error, Moved):
            assert self.moved(key) == error.to
        elif isinstance(error, SessionGone):
            assert self.alive(key) is None
            request.snapshot, request.lost = Data(user=request.snapshot.user), True
        else:
            assert isinstance(error, Conflict), error

    @invariant()
    def the_store_holds_what_the_model_holds(self) -> None:
        real = {
            key: (
                self.records.facts(record, key).user,
                {
                    name: codec.loads(self.records.opened(name, entry, key).text)
                    for name, entry in record.entries.items()
                    if entry.alive(self.now) and name != sealed_facts.NAME
                },
            )
            for key, record in self.store.scan()
        }
        model = {
            key: (data.user, data.visible(self.now))
            for key, data in self.sessions.items()
            if self.alive(key)
        }
        assert real == model
        assert all(ids.is_well_formed(one) for one in self.jars if one)


class AsyncSessionMachine(SessionMachine):
    driver = "async"


class EncryptedSessionMachine(SessionMachine):
    """While a new key is being brought in: every function reads both, and some write each."""

    rings = ((OLD, NEW), (NEW, OLD))


class EncryptedAsyncSessionMachine(EncryptedSessionMachine):
    driver = "async"


TestSessions = SessionMachine.TestCase
TestAsyncSessions = AsyncSessionMachine.TestCase
TestSessions.settings = settings(max_examples=300, stateful_step_count=50)
TestAsyncSessions.settings = TestSessions.settings
TestEncryptedSessions = EncryptedSessionMachine.TestCase
TestEncryptedAsyncSessions = EncryptedAsyncSessionMachine.TestCase
TestEncryptedSessions.settings = settings(TestSessions.settings, max_examples=80)
TestEncryptedAsyncSessions.settings = TestEncryptedSessions.settings
