"""Wrong uses. Each ``ignore`` names the error that is expected of its line, and would itself be
reported if that error did not come: mypy obeys ``type: ignore``, pyright ``pyright: ignore``.
"""

# That a refused decorator leaves its function as it was is the same error once more.
# pyright: reportUntypedFunctionDecorator=false

from __future__ import annotations

from typing import Any

from serverless_sessions import AsyncSession, Session
from serverless_sessions.handlers.aws_lambda import with_session

Event = dict[str, Any]


@with_session  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
def async_session_in_a_def(event: Event, context: object, session: AsyncSession) -> Event:
    return {}


@with_session  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
async def session_in_an_async_def(event: Event, context: object, session: Session) -> Event:
    return {}


@with_session(store="memory://")  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
def async_session_in_a_def_with_options(
    event: Event, context: object, session: AsyncSession
) -> Event:
    return {}


@with_session(store="memory://")  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
async def session_in_an_async_def_with_options(
    event: Event, context: object, session: Session
) -> Event:
    return {}


@with_session  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
def a_dict_for_a_session(event: Event, context: object, session: dict[str, Any]) -> Event:
    return {}


@with_session  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
def positional_only(event: Event, context: object, session: Session, /) -> Event:
    return {}


@with_session  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
def another_name(event: Event, context: object, sessions: Session) -> Event:
    return {}


@with_session  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
def session_first(session: Session, event: Event, context: object) -> Event:
    return {}


@with_session  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
def no_context(event: Event, *, session: Session) -> Event:
    return {}


@with_session  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
def one_parameter_too_many(event: Event, context: object, more: int, session: Session) -> Event:
    return {}


@with_session  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
def a_result_that_lambda_cannot_send(event: Event, context: object) -> set[str]:
    return set()


@with_session("memory://")  # type: ignore[call-overload, untyped-decorator]  # pyright: ignore[reportCallIssue, reportArgumentType]
def an_option_without_its_name(event: Event, context: object, session: Session) -> Event:
    return {}


with_session(store=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
with_session(stores="memory://")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
with_session(config={"idle_timeout": 60})  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]


@with_session
def handler(event: Event, context: object, session: Session) -> Event:
    return {}


@with_session
async def async_handler(event: Event, context: object, session: AsyncSession) -> Event:
    return {}


with_session(trusted_id="connection")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
with_session(id_from="X-Session-Id")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
handler("event", None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
handler({}, None, None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
handler({}, None, session=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
handler.sessions.use(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
print(handler.session)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]


async def awaits_a_plain_function() -> None:
    await async_handler({}, None)  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]


def sync(session: Session) -> None:
    session.set(1, "v")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    session.set("k", "v", ttl="60")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    session.modify("k", 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    session.bind(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    session.info().user = "ann"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    number: int = session.user  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    print(number)


async def awaited(session: AsyncSession) -> None:
    session.get("k")  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]
    print(session["k"])  # type: ignore[index]  # pyright: ignore[reportIndexIssue, reportUnknownArgumentType]
    print("k" in session)  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
    await session.destroy()  # type: ignore[misc, func-returns-value]  # pyright: ignore[reportGeneralTypeIssues]
    number: int = await session.info()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    print(number)
