"""How a handler asks for its session, and what the decorated handler shows of itself."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import MutableMapping
from typing import Annotated, Any, Protocol

import pytest

from serverless_sessions import AsyncSession, MemoryStore, Session, current_session
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing.lambda_events import HttpRequest, to_event

OK: dict[str, Any] = {"statusCode": 200}
EVENT = to_event("http-api", HttpRequest())
Event = dict[str, Any]
Mapping = MutableMapping[str, Any]


def decorated(handler: Any) -> Any:
    return with_session(store=MemoryStore())(handler)


def sync_handler(annotation: Any) -> Any:
    def handler(event: Any, context: Any, session: Session) -> Any:
        return OK | {"body": type(session).__name__}

    handler.__annotations__["session"] = annotation
    return handler


def async_handler(annotation: Any) -> Any:
    async def handler(event: Any, context: Any, session: AsyncSession) -> Any:
        return OK | {"body": type(session).__name__}

    handler.__annotations__["session"] = annotation
    return handler


class HasGet(Protocol):
    """A handler's own idea of a session."""

    def get(self, key: str, default: Any = None) -> Any: ...


EITHER: list[Any] = [Any, object, HasGet, Annotated[object, "mine"], "Any", "object", "HasGet"]
FOR_DEF: list[Any] = [
    *(Session, Session | None, typing.Optional[Session], Annotated[Session, "mine"]),  # noqa: UP045
    *(Mapping, MutableMapping, Session | AsyncSession),
    *("Session", "Session | None", "Mapping", "MutableMapping[str, Any]"),
    *("elsewhere.Session", "serverless_sessions.Session", "NotHere", "not even(Python"),
]
FOR_ASYNC: list[Any] = [
    *(AsyncSession, AsyncSession | None, Annotated[AsyncSession, "mine"], Session | AsyncSession),
    *("AsyncSession", "AsyncSession | None", "elsewhere.AsyncSession", "NotHere"),
]
WRONG_FOR_DEF: list[Any] = [AsyncSession, AsyncSession | None, Annotated[AsyncSession, "mine"]]
WRONG_FOR_DEF += [dict, Event, str, "AsyncSession", "elsewhere.AsyncSession", "dict[str, Any]"]
WRONG_FOR_ASYNC: list[Any] = [Session, Session | None, Annotated[Session, "mine"], Mapping]
WRONG_FOR_ASYNC += [dict, Event, str, "Session", "elsewhere.Session", "Mapping", "Session | None"]


@pytest.mark.parametrize("annotation", EITHER + FOR_DEF)
def test_an_annotation_that_a_session_fits(annotation: Any) -> None:
    assert decorated(sync_handler(annotation))(EVENT, None)["body"] == "Session"


@pytest.mark.parametrize("annotation", EITHER + FOR_ASYNC)
def test_an_annotation_that_an_async_session_fits(annotation: Any) -> None:
    assert decorated(async_handler(annotation))(EVENT, None)["body"] == "AsyncSession"


@pytest.mark.parametrize("annotation", WRONG_FOR_DEF)
def test_decision_1_a_wrong_annotation_of_a_def_is_refused(annotation: Any) -> None:
    with pytest.raises(TypeError, match="handler: the session of a def handler is of type Session"):
        decorated(sync_handler(annotation))


@pytest.mark.parametrize("annotation", WRONG_FOR_ASYNC)
def test_decision_1_a_wrong_annotation_of_an_async_def_is_refused(annotation: Any) -> None:
    with pytest.raises(
        TypeError, match="handler: the session of an async def handler is of type AsyncSession"
    ):
        decorated(async_handler(annotation))


def positional_only(event: Any, context: Any, session: Session, /) -> Any: ...
def gathered(event: Any, context: Any, *session: Session) -> Any: ...
def gathered_by_name(event: Any, context: Any, **session: Session) -> Any: ...
def in_place_of_the_event(session: Session, event: Any, context: Any) -> Any: ...
def in_place_of_the_context(event: Any, session: Session, context: Any = None) -> Any: ...


@pytest.mark.parametrize(
    "handler",
    [
        *(positional_only, gathered, gathered_by_name),
        *(in_place_of_the_event, in_place_of_the_context),
    ],
)
def test_decision_1_a_session_that_cannot_be_passed_is_refused(handler: Any) -> None:
    with pytest.raises(TypeError, match=handler.__name__):
        decorated(handler)


def test_decision_1_the_signature_omits_the_session_and_nothing_else() -> None:
    @with_session(store=MemoryStore())
    def handler(event: Event, context: object, session: Session) -> Event:
        """What it says."""
        return OK

    shown: Any = handler
    assert list(inspect.signature(shown).parameters) == ["event", "context"]
    assert str(inspect.signature(shown)) == "(event: 'Event', context: 'object') -> 'Event'"
    assert shown.__annotations__ == {"event": "Event", "context": "object", "return": "Event"}
    assert typing.get_type_hints(shown) == {"event": Event, "context": object, "return": Event}
    assert (shown.__name__, shown.__doc__) == ("handler", "What it says.")
    assert shown.__module__ == __name__


def test_an_async_handler_becomes_one_that_lambda_can_call() -> None:
    shown = decorated(async_handler(AsyncSession))
    assert not inspect.iscoroutinefunction(shown)
    assert list(inspect.signature(shown).parameters) == ["event", "context"]


def test_names_that_only_a_type_checker_imports() -> None:
    program = """
from __future__ import annotations
from typing import TYPE_CHECKING, Any
if TYPE_CHECKING:
    import serverless_sessions as sessions
    from elsewhere import Answer
    from serverless_sessions import AsyncSession, Session

def takes_session(event: Any, context: Any, session: Session) -> Answer: ...
async def takes_async(event: Any, context: Any, session: sessions.AsyncSession) -> Answer: ...
def takes_wrong(event: Any, context: Any, session: AsyncSession) -> Answer: ...
async def takes_wrong_too(event: Any, context: Any, session: sessions.Session) -> Answer: ...
"""
    module = types.ModuleType("checked")
    exec(program, module.__dict__)
    shown = decorated(module.takes_session)
    assert shown.__annotations__ == {"event": "Any", "context": "Any", "return": "Answer"}
    decorated(module.takes_async)
    for wrong in (module.takes_wrong, module.takes_wrong_too):
        with pytest.raises(TypeError, match="annotation"):
            decorated(wrong)


class Shop:
    """Handlers that are no functions."""

    table: str = "shop"

    def __init__(self) -> None:
        self.greeting = "hello"

    def __call__(self, event: Event, context: object, session: Session) -> Event:
        return OK | {"body": f"{self.greeting} {type(session).__name__}"}

    def method(self, event: Event, context: object, session: Session) -> Event:
        return self(event, context, session)

    async def async_method(self, event: Event, context: object, session: AsyncSession) -> Event:
        return OK | {"body": f"{self.greeting} {type(session).__name__}"}

    @classmethod
    def class_method(cls, event: Event, context: object, session: Session) -> Event:
        return cls()(event, context, session)


class AwaitedShop(Shop):
    """An object that is awaited when it is called."""

    async def __call__(  # type: ignore[override]
        self, event: Event, context: object, session: AsyncSession
    ) -> Event:
        return await self.async_method(event, context, session)


def greets(greeting: str, event: Event, context: object, session: Session) -> Event:
    return OK | {"body": f"{greeting} {type(session).__name__}"}


async def greets_async(
    greeting: str, event: Event, context: object, session: AsyncSession
) -> Event:
    return OK | {"body": f"{greeting} {type(session).__name__}"}


HANDLERS: list[tuple[Any, str]] = [
    (Shop(), "hello Session"),
    (Shop().method, "hello Session"),
    (Shop.class_method, "hello Session"),
    (Shop().async_method, "hello AsyncSession"),
    (AwaitedShop(), "hello AsyncSession"),
    (functools.partial(greets, "hello"), "hello Session"),
    (functools.partial(functools.partial(greets_async), "hello"), "hello AsyncSession"),
    (functools.partial(Shop()), "hello Session"),
    (functools.partial(AwaitedShop()), "hello AsyncSession"),
]


@pytest.mark.parametrize(("handler", "body"), HANDLERS)
def test_handlers_that_are_no_plain_functions(handler: Any, body: str) -> None:
    shown = decorated(handler)
    assert shown(EVENT, None)["body"] == body
    assert list(inspect.signature(shown).parameters) == ["event", "context"]
    assert shown.__annotations__.keys() == {"event", "context", "return"}


@pytest.mark.parametrize("handler", [Shop().method, Shop.class_method, Shop().async_method])
def test_type_hints_of_methods_are_found(handler: Any) -> None:
    hints = typing.get_type_hints(decorated(handler))
    assert hints == {"event": Event, "context": object, "return": Event}


def test_a_wrapper_that_tells_whom_it_wraps_is_given_the_session() -> None:
    def handler(event: Any, context: Any, session: Session) -> Any:
        return OK | {"body": str(session is current_session())}

    @functools.wraps(handler)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        return handler(*arguments, **named)

    assert decorated(wrapper)(EVENT, None)["body"] == "True"


def takes_no_keyword(handler: Any) -> Any:
    @functools.wraps(handler)
    def wrapper(event: Any, context: Any) -> Any:
        return handler(event, context)

    return wrapper


def loses_keywords(handler: Any) -> Any:
    @functools.wraps(handler)
    def wrapper(event: Any, context: Any, **named: Any) -> Any:
        return takes_no_keyword(handler)(event, context, **named)

    return wrapper


def passes_keywords_on(handler: Any) -> Any:
    @functools.wraps(handler)
    def wrapper(event: Any, context: Any, **named: Any) -> Any:
        return handler(event, context, **named)

    return wrapper


MOVE_ABOVE = "handler: a decorator under with_session does not pass session= on; move it above"


def test_a_decorator_in_between_that_takes_no_session_is_refused() -> None:
    with pytest.raises(TypeError, match=MOVE_ABOVE):
        decorated(takes_no_keyword(sync_handler(Session)))
    without = decorated(takes_no_keyword(lambda event, context: OK))
    assert without(EVENT, None) == OK


def test_a_decorator_in_between_that_loses_the_session_is_named_when_it_is_called() -> None:
    handler = decorated(loses_keywords(sync_handler(Session)))
    with pytest.raises(TypeError, match=MOVE_ABOVE) as raised:
        handler(EVENT, None)
    assert isinstance(raised.value.__cause__, TypeError)


@pytest.mark.parametrize("between", [lambda handler: handler, passes_keywords_on])
def test_a_mistake_inside_the_handler_is_its_own(between: Any) -> None:
    def greet(name: str) -> Any: ...

    def handler(event: Any, context: Any, session: Session) -> Any:
        return greet("ann", session=session)  # type: ignore[call-arg]  # the mistake

    with pytest.raises(TypeError, match=r"greet\(\) got an unexpected keyword argument 'session'"):
        decorated(between(handler))(EVENT, None)


@pytest.mark.parametrize("between", [takes_no_keyword, passes_keywords_on])
def test_an_async_def_under_a_decorator_that_does_not_await_it_is_refused(between: Any) -> None:
    with pytest.raises(TypeError, match=r"handler: .*does not await .*move it above with_session"):
        decorated(between(async_handler(AsyncSession)))


def test_an_async_def_under_a_decorator_that_awaits_it() -> None:
    handler = async_handler(AsyncSession)

    @functools.wraps(handler)
    async def wrapper(*arguments: Any, **named: Any) -> Any:
        return await handler(*arguments, **named)

    assert decorated(wrapper)(EVENT, None)["body"] == "AsyncSession"


def without_arguments() -> Any: ...
def with_one(event: Any) -> Any: ...
def with_three(event: Any, context: Any, more: Any, session: Session) -> Any: ...
def by_name_only(*, event: Any, context: Any) -> Any: ...


@pytest.mark.parametrize("handler", [without_arguments, with_one, with_three, by_name_only])
def test_what_lambda_could_not_call_is_refused(handler: Any) -> None:
    with pytest.raises(TypeError, match=f"{handler.__name__}: .* the platform calls.*2 arguments"):
        decorated(handler)
