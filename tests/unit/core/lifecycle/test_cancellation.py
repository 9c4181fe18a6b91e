"""A request is cancelled at each of its store calls, before the call took effect and after.

Whatever it was doing, the store holds the session as it was or as the request leaves it, never
part of that and never twice; each call has given its client back; and a handler that goes on
after it was cancelled answers as if nothing had happened.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from itertools import count, product
from typing import Any, Literal, NamedTuple, Protocol

import pytest

from serverless_sessions import AsyncSession, MemoryStore, to_async
from serverless_sessions.arrival import Request
from serverless_sessions.errors import SessionError
from serverless_sessions.handlers._exchange import Exchange, exchange_async
from serverless_sessions.headers import Outcome
from serverless_sessions.store import AnyStore, Record
from serverless_sessions.testing.clock import FrozenClock
from serverless_sessions.testing.watched import AsyncPassingStore, WatchedStore
from support.native import NativeStore
from support.scenes import INTENTS, SITUATIONS, Scene

Act = Callable[[AsyncSession], Awaitable[None]]
When = Literal["before", "after"]
Strike = Callable[[When], Coroutine[Any, Any, None]]
Goes = Literal["ends", "ends, and is cancelled again", "goes on"]

REPEATS: tuple[tuple[When, Goes, bool], ...] = tuple(
    product(("before", "after"), ("ends", "ends, and is cancelled again", "goes on"), (True, False))
)
AWAITS = ("modify", "flashes", "mutate")
"""Intents that a cancelled handler never got to, and the end of the request does not either."""
FALLS_BACK_ON = {"destroy": "destroy", "set,destroy,set": "destroy"}
"""What holds at least, where it is more than ``nothing``."""


async def spare(when: When) -> None:
    """Let the call go on."""


class OneClientStore(AsyncPassingStore):
    """A store over a network, with one client for all calls.

    ``strike`` is awaited before and after each call took effect. A write that is cut short
    leaves ``half_written`` behind.
    """

    def __init__(self) -> None:
        self.inner = NativeStore()
        self.guarantees = self.inner.guarantees
        self.strike: Strike = spare
        self.half_written = False
        self.client = asyncio.Lock()

    async def pass_on(self, operation: str, *arguments: Any) -> Any:
        async with self.client:
            self.half_written = operation != "load"
            try:
                await self.strike("before")
                await asyncio.sleep(0)
                answer = await getattr(self.inner, operation)(*arguments)
                await self.strike("after")
                await asyncio.sleep(0)
            except SessionError:
                self.half_written = False
                raise
            self.half_written = False
            return answer


class Backend(Protocol):
    """A store under test: who ``strike``s at its calls, and what it holds."""

    store: AnyStore

    def struck_by(self, strike: Strike) -> None: ...
    def live(self) -> list[Record]: ...
    def is_at_rest(self) -> bool: ...


class Native:
    def __init__(self) -> None:
        self.store = OneClientStore()

    def struck_by(self, strike: Strike) -> None:
        self.store.strike = strike

    def live(self) -> list[Record]:
        return self.store.inner.live()

    def is_at_rest(self) -> bool:
        return not self.store.client.locked() and not self.store.half_written


class BlockingStore(WatchedStore):
    """A store whose calls block, told to ``strike`` on the event loop."""

    def __init__(self) -> None:
        self.memory = MemoryStore()
        super().__init__(self.memory)
        self.strike: Strike = spare
        self.loop: asyncio.AbstractEventLoop | None = None
        self.writes_under_way = 0

    def pass_on(self, operation: str, *arguments: Any) -> Any:
        writes = operation != "load"
        self.writes_under_way += writes
        try:
            self._tell("before")
            answer = getattr(self.memory, operation)(*arguments)
            self._tell("after")
        finally:
            self.writes_under_way -= writes
        return answer

    def _tell(self, when: When) -> None:
        if self.loop is not None:
            asyncio.run_coroutine_threadsafe(self.strike(when), self.loop).result(10)


class Threaded:
    def __init__(self) -> None:
        self.blocking = BlockingStore()
        self.store = to_async(self.blocking)

    def struck_by(self, strike: Strike) -> None:
        self.blocking.strike = strike
        self.blocking.loop = None if strike is spare else asyncio.get_running_loop()

    def live(self) -> list[Record]:
        return [record for _, record in self.blocking.memory.scan()]

    def is_at_rest(self) -> bool:
        return self.blocking.writes_under_way == 0


class Canceller:
    """Cancels the task that made it, at its ``at``-th store call; perhaps at each later one."""

    def __init__(self, at: int, when: When, again: bool) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.task = task
        self.struck = False
        self._calls = 0
        self._at, self._when, self._again = at, when, again

    async def __call__(self, when: When) -> None:
        self._calls += when == "before"
        if when == self._when and (self._calls == self._at or (self._again and self.struck)):
            self.struck = True
            self.task.cancel()


class Held(NamedTuple):
    """A live session as the store holds it, without what is drawn at random."""

    user: str | None
    texts: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, record: Record) -> Held:
        named = ((name[:11], entry.text) for name, entry in record.entries.items())
        return cls(record.facts.user, frozenset(named))


class Result(NamedTuple):
    """What a request left: live sessions, what the client's cookie opens, and its ending."""

    live: Counter[Held]
    stored: str
    struck: bool = False
    answered: bool = True


def run(
    backend: Backend,
    situation: str,
    intent: str,
    at: int = 0,
    when: When = "before",
    then: Goes = "ends",
    saves: bool = True,
) -> Result:
    with FrozenClock() as clock:
        scene = Scene("async", clock)
        scene.manager.use(backend.store)
        SITUATIONS[situation](scene)

        async def request() -> tuple[bool, bool]:
            canceller = Canceller(at, when, again=then.endswith("again"))

            async def handler(session: AsyncSession) -> None:
                if scene.reads_first:
                    await session.get("a")
                backend.struck_by(canceller)
                try:
                    await INTENTS[intent](session)
                    if saves:
                        await session.save()
                except asyncio.CancelledError:
                    if then != "goes on":
                        raise
                    canceller.task.uncancel()

            try:
                scene.client.obey(await send(scene, handler))
            except asyncio.CancelledError:
                return canceller.struck, False
            finally:
                assert backend.is_at_rest(), "a write was cut short, or goes on behind the answer"
                backend.struck_by(spare)
            return canceller.struck, True

        struck, answered = asyncio.run(request())
        live = Counter(Held.of(record) for record in backend.live())
        return Result(live, scene.stored(), struck, answered)


async def send(scene: Scene, handler: Act) -> Outcome:
    """The request as a front door sends it."""
    lines = [f"{scene.config.cookie_name}={scene.client.id}"] if scene.client.id else []
    outcome: Outcome = await exchange_async(
        scene.manager,
        Exchange(
            request=Request.with_cookies(*lines),
            time_left=None,
            status=lambda _: 200,
            answer=lambda _, outcome: outcome,
            error=lambda status, headers, body: pytest.fail(body),
        ),
        handler,
    )
    return outcome


@pytest.mark.parametrize("backend", [Native, Threaded])
@pytest.mark.parametrize(
    "situation", ["anonymous", "unknown", "live", "alice", "read", "touch-due", "in-grace"]
)
@pytest.mark.parametrize("intent", [name for name in INTENTS if name != "nothing"])
def test_a_cancelled_request_leaves_all_or_nothing(
    backend: Callable[[], Backend], situation: str, intent: str
) -> None:
    least = run(backend(), situation, FALLS_BACK_ON.get(intent, "nothing"))
    whole = run(backend(), situation, intent)
    for when, then, saves in REPEATS:
        for at in count(1):
            left = run(backend(), situation, intent, at, when, then, saves)
            if not left.struck:
                break
            told = f"cancelled {when} call {at}, {then}, {saves=}: {left}"
            if left.answered:
                allowed = [whole, least] if intent in AWAITS else [whole]
                assert left[:2] in [result[:2] for result in allowed], told
            else:
                assert left.live in (least.live, whole.live), told
