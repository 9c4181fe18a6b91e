"""Correct uses of ``with_session``, and the exact types that they have."""

from __future__ import annotations

import functools
from typing import Any, TypedDict, assert_type

from serverless_sessions import (
    AsyncSession,
    MemoryStore,
    Session,
    SessionConfig,
    SessionManager,
    current_async_session,
    current_session,
    header,
)
from serverless_sessions.handlers.aws_lambda import Decorator, LambdaHandler, with_session
from serverless_sessions.store import AsyncSessionStore, SessionStore

Event = dict[str, Any]


class Context:
    """A user's own idea of the context."""


class Answer(TypedDict):
    """A user's own idea of a result."""

    statusCode: int


Typed = LambdaHandler[Event, Context, Answer]
OK: Answer = {"statusCode": 200}


@with_session
def bare(event: Event, context: Context, session: Session) -> Answer:
    return OK


@with_session
async def bare_async(event: Event, context: Context, session: AsyncSession) -> Answer:
    return OK


@with_session()
def no_options(event: Event, context: Context, session: Session) -> Answer:
    return OK


@with_session(store="memory://", config=SessionConfig())
def options(event: Event, context: Context, *, session: Session) -> Answer:
    return OK


@with_session(store=MemoryStore())
async def options_async(event: Event, context: Context, *, session: AsyncSession) -> Answer:
    return OK


@with_session
def no_parameter(event: Event, context: Context) -> Answer:
    assert_type(current_session(), Session)
    return OK


@with_session
async def no_parameter_async(event: Event, context: Context) -> Answer:
    assert_type(current_async_session(), AsyncSession)
    return OK


@with_session(store="memory://")
async def options_no_parameter_async(event: Event, context: Context) -> Answer:
    return OK


@with_session
def optional(event: Event, context: Context, session: Session | None = None) -> Answer:
    return OK


@with_session
def more(event: Event, context: Context, greeting: str = "hello", *, session: Session) -> Answer:
    return OK


@with_session
def either(event: Event, context: Context, session: Session | AsyncSession) -> Answer:
    return OK


assert_type(bare, Typed)
assert_type(bare_async, Typed)
assert_type(no_options, Typed)
assert_type(options, Typed)
assert_type(options_async, Typed)
assert_type(no_parameter, Typed)
assert_type(no_parameter_async, Typed)
assert_type(options_no_parameter_async, Typed)
assert_type(optional, Typed)
assert_type(more, Typed)
assert_type(either, Typed)
assert_type(bare_async({}, Context()), Answer)
assert_type(with_session(), Decorator)


@with_session
def text(event: Event, context: object, session: Session) -> str:
    return "OK"


@with_session
async def nothing(event: Event, context: object, session: AsyncSession) -> None: ...


@with_session
def anything(event: Any, context: Any, session: Session) -> Any: ...


assert_type(text, LambdaHandler[Event, object, str])
assert_type(nothing, LambdaHandler[Event, object, None])
assert_type(anything, LambdaHandler[Any, Any, Any])


class Shop:
    """Handlers that are no plain functions."""

    def __call__(self, event: Event, context: Context, session: Session) -> Answer:
        return OK

    def method(self, event: Event, context: Context, session: Session) -> Answer:
        return OK

    async def async_method(self, event: Event, context: Context, session: AsyncSession) -> Answer:
        return OK

    @classmethod
    def class_method(cls, event: Event, context: Context, session: Session) -> Answer:
        return OK

    @staticmethod
    def static_method(event: Event, context: Context, session: Session) -> Answer:
        return OK


class AsyncShop:
    async def __call__(self, event: Event, context: Context, session: AsyncSession) -> Answer:
        return OK


async def greets(greeting: str, event: Event, context: Context, session: AsyncSession) -> Answer:
    return OK


assert_type(with_session(Shop()), Typed)
assert_type(with_session(Shop().method), Typed)
assert_type(with_session(Shop().async_method), Typed)
assert_type(with_session(Shop.class_method), Typed)
assert_type(with_session(Shop.static_method), Typed)
assert_type(with_session(AsyncShop()), Typed)
assert_type(with_session(store="memory://")(AsyncShop()), Typed)
# One partial only: pyright takes the signature of the first for that of all others.
assert_type(with_session(functools.partial(greets, "hello"))({}, Context()), Answer)


assert_type(bare.sessions, SessionManager)
assert_type(bare.sessions.store, SessionStore | AsyncSessionStore)
bare.sessions.use("memory://")
bare.sessions.use(MemoryStore())
with bare.sessions.use(MemoryStore()) as used:
    assert_type(used, None)


def execution(event: Event) -> str | None:
    return event.get("execution")


@with_session(trusted_id=("execution", execution), id_from=header("X-Session-Id"))
def step(event: Event, context: Context, session: Session) -> Answer:
    return OK


assert_type(step({}, Context()), Answer)
