from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from serverless_sessions import AsyncSession, MemoryStore, Session, SessionConfig
from serverless_sessions.cli.gateway import Gateway
from serverless_sessions.cli.report import Terminal
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing.watched import WatchedStore

Printed = Callable[[Callable[[Any, Any], Any]], str]
RAISE = SessionConfig(on_store_error="raise")


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Printed:
    """What a request to the handler leaves in a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")

    def of(handler: Callable[[Any, Any], Any]) -> str:
        environ = {
            "REQUEST_METHOD": "GET",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "serverless_sessions.target": "/",
            "serverless_sessions.headers": [("Cookie", "__Host-session=" + "x" * 43)],
        }
        gateway = Gateway(handler, "http-api", 5, Terminal().tell)
        gateway(environ, lambda status, headers, exc_info=None: lambda _: None)
        return capsys.readouterr().out

    return of


def places(text: str) -> list[str]:
    """The functions of a printed traceback, each with its file."""
    frames = re.findall(r'^  File "(.*)", line \d+, in (.*)$', text, re.MULTILINE)
    return [f"{Path(file).name} {name}" for file, name in frames]


def test_it_shows_the_error_and_its_line_but_no_local_variable(printed: Printed) -> None:
    def handler(event: Any, context: Any) -> Any:
        password = "-".join(["hunter", "two"])
        raise ValueError("out of lanterns" if password else "")

    text = printed(handler)
    assert "\nValueError: out of lanterns\n" in text
    assert 'raise ValueError("out of lanterns" if password else "")' in text
    assert "hunter-two" not in text
    assert text.splitlines()[-1].startswith("GET /  500")


def test_a_long_path_stays_whole(printed: Printed, tmp_path: Path) -> None:
    path = tmp_path / ("long " * 40) / "app.py"
    program = "def handler(event, context):\n    raise ValueError('out of lanterns')\n"
    module: dict[str, Callable[[Any, Any], Any]] = {}
    exec(compile(program, path, "exec"), module)
    assert f'File "{path}", line 2, in handler\n' in printed(module["handler"])


def test_it_begins_in_the_handler(printed: Printed) -> None:
    @with_session(store=MemoryStore())
    def handler(event: Any, context: Any) -> Any:
        raise ValueError("out of lanterns")

    @with_session(store=MemoryStore())
    async def async_handler(event: Any, context: Any) -> Any:
        await asyncio.sleep(0)
        raise ValueError("out of lanterns")

    assert places(printed(handler)) == ["test_tracebacks.py handler"]
    assert places(printed(async_handler)) == ["test_tracebacks.py async_handler"]


def add(session: Session | AsyncSession, thing: object) -> None:
    session.set("cart", [thing])


def test_a_refusal_of_the_library_ends_where_it_was_called(printed: Printed) -> None:
    @with_session(store=MemoryStore())
    def handler(event: Any, context: Any, session: Session) -> Any:
        add(session, object())

    @with_session(store=WatchedStore(MemoryStore()))
    async def async_handler(event: Any, context: Any, session: AsyncSession) -> Any:
        await session.load("no id")

    text = printed(handler)
    assert places(text) == ["test_tracebacks.py handler", "test_tracebacks.py add"]
    assert "UnsupportedValue: cart[0]: a value of type object" in text
    assert places(printed(async_handler)) == ["test_tracebacks.py async_handler"]


def test_an_error_of_the_store_ends_where_it_was_called_and_names_its_cause(
    printed: Printed, tmp_path: Path
) -> None:
    path = tmp_path / "no folder" / "sessions.db"
    path.parent.write_text("a file")

    @with_session(store=f"sqlite:///{path}", config=RAISE)
    def handler(event: Any, context: Any, session: Session) -> Any:
        session.get("k")

    text = printed(handler)
    cause, _, error = text.partition("The above exception was the direct cause")
    assert len(places(cause)) == 1
    assert "NotADirectoryError" in cause
    assert places(error) == ["test_tracebacks.py handler"]


def test_an_error_out_of_the_handlers_function_skips_the_library_between(printed: Printed) -> None:
    @with_session(store=MemoryStore())
    def handler(event: Any, context: Any, session: Session) -> Any:
        session.modify("n", divided, 1)

    def divided(n: int) -> float:
        return n / 0

    assert places(printed(handler)) == ["test_tracebacks.py handler", "test_tracebacks.py divided"]


def test_an_error_not_meant_for_the_handler_shows_where_it_was_raised(printed: Printed) -> None:
    @with_session(store=MemoryStore())
    def handler(event: Any, context: Any, session: Session) -> Any:
        return session["missing"]

    text = printed(handler)
    assert places(text) == ["test_tracebacks.py handler", "session.py __getitem__"]


def test_a_failure_of_the_library_itself_is_shown_whole(
    printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    @with_session(store=MemoryStore())
    def handler(event: Any, context: Any, session: Session) -> Any:
        session.set("k", 1)
        return {"statusCode": 200}

    monkeypatch.setattr("serverless_sessions.arrival.cookies.issue", None)
    shown = places(printed(handler))
    assert shown[0] == "gateway.py _invoke"
    assert shown[-1] == "arrival.py issue"
    assert len(shown) > 4


def test_a_bug_in_a_store_of_anothers_is_shown_where_it_is(printed: Printed) -> None:
    store = WatchedStore(MemoryStore())

    def bug(operation: str) -> None:
        raise KeyError(operation)

    store.before = bug

    @with_session(store=store, config=RAISE)
    async def handler(event: Any, context: Any, session: AsyncSession) -> Any:
        await session.get("k")

    cause, _, error = printed(handler).partition("The above exception was the direct cause")
    assert places(cause)[-1] == "test_tracebacks.py bug"
    assert places(error) == ["test_tracebacks.py handler"]


def test_the_errors_of_a_group_are_shortened_each(printed: Printed) -> None:
    @with_session(store=MemoryStore())
    async def handler(event: Any, context: Any, session: AsyncSession) -> Any:
        async with asyncio.TaskGroup() as group:
            group.create_task(setting(session))

    async def setting(session: AsyncSession) -> None:
        add(session, object())

    text = printed(handler)
    assert "test_tracebacks.py" in text
    assert text.count("UnsupportedValue") == 1
    assert "intents.py" not in text


@pytest.mark.parametrize("explicit", [True, False])
def test_an_error_that_led_to_the_handlers_own_is_shortened_as_well(
    printed: Printed, explicit: bool
) -> None:
    @with_session(store=MemoryStore())
    def handler(event: Any, context: Any, session: Session) -> Any:
        try:
            add(session, object())
        except TypeError as error:
            if explicit:
                raise RuntimeError("no more room") from error
            raise RuntimeError("no more room")  # noqa: B904  (the other case)

    text = printed(handler)
    assert places(text) == [f"test_tracebacks.py {name}" for name in ("handler", "add", "handler")]


def test_a_message_cannot_steer_the_terminal(printed: Printed) -> None:
    def handler(event: Any, context: Any) -> Any:
        raise ValueError("\x1b[2J[bold]red\x07\nsecond \ud800 line")

    text = printed(handler)
    assert r"ValueError: \x1b[2J[bold]red\x07" in text
    assert r"second \ud800 line" in text


def test_a_very_long_chain_is_printed(printed: Printed) -> None:
    def handler(event: Any, context: Any) -> Any:
        error = ValueError("0")
        for n in range(3000):
            after = ValueError(str(n))
            after.__context__ = error
            error = after
        raise error

    assert "ValueError: 2999" in printed(handler)
