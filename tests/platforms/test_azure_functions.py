"""A function app in Microsoft's own Python runtime, as Azure's worker runs it."""

from __future__ import annotations

import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from conversations.visitor import Answer, HttpDoor
from serverless_sessions import clock, ids
from serverless_sessions.store import Facts, Record
from serverless_sessions_adapters.sqlite import SqliteStore
from servers.azure_functions_host import FunctionApp, azure_functions
from servers.fixtures import Servers

APP = Path(__file__).with_name("azure_app")
TIMER = "/admin/functions/purge"
SESSION = "__Host-session"
AT_ONCE = 8


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("azure") / "sessions.db"


@pytest.fixture(scope="module")
def azure_app(servers: Servers, database: Path) -> FunctionApp:
    variables = {
        "SESSION_STORE": f"sqlite:///{database}",
        "PYTHON_THREADPOOL_THREAD_COUNT": str(AT_ONCE),
    }
    return servers.start("azure_app", azure_functions(APP, variables))


class Visitor:
    def __init__(self, app: FunctionApp) -> None:
        self._door = HttpDoor(app.port)
        self.cookie = ""

    def post(self, path: str) -> Answer:
        headers = [("Cookie", self.cookie)] if self.cookie else []
        answer = self._door.send("POST", path, headers)
        for line in answer.values("set-cookie"):
            if line.startswith(f"{SESSION}="):
                self.cookie = line.partition(";")[0]
        return answer


@pytest.fixture
def visitor(azure_app: FunctionApp) -> Visitor:
    return Visitor(azure_app)


def test_a_visitor_is_recognised_by_def_and_async_def(visitor: Visitor) -> None:
    first = visitor.post("/api/visits")
    assert first.values("set-cookie") == [
        f"{visitor.cookie}; path=/; secure; samesite=lax; httponly"
    ]
    assert first.values("cache-control") == ["no-store"]
    second = visitor.post("/api/visits/async")
    assert (second.status, second.body, second.values("set-cookie")) == (200, "2", [])
    assert second.values("content-type") == ["text/plain; charset=utf-8"]
    assert visitor.post("/api/visits").body == "3"


def test_a_log_out_clears_the_cookie(visitor: Visitor) -> None:
    visitor.post("/api/visits")
    (line,) = visitor.post("/api/logout").values("set-cookie")
    gone = f"{SESSION}=; expires=Thu, 01 Jan 1970 00:00:00 GMT; max-age=0; path=/"
    assert line == f"{gone}; secure; samesite=lax; httponly"


def test_several_cookies_leave_and_a_partitioned_one_does_not(visitor: Visitor) -> None:
    """Which is why ours is refused when it is to be partitioned."""
    answer = visitor.post("/api/cookies/ann")
    assert (answer.status, answer.values("content-type")) == (201, ["text/html; charset=utf-8"])
    assert answer.values("set-cookie") == [
        "theme=dark; path=/",
        "lang=en; max-age=60; path=/",
        f"{visitor.cookie}; path=/; secure; samesite=lax; httponly",
    ]


def test_other_bindings_and_the_context_reach_the_function(visitor: Visitor) -> None:
    assert visitor.post("/api/bindings").body == "bindings"
    assert visitor.cookie


@pytest.mark.parametrize("path", ["/api/fails", "/api/nothing"])
def test_a_function_that_fails_saves_nothing(visitor: Visitor, path: str) -> None:
    visitor.post("/api/visits")
    assert visitor.post(path).status == 500
    assert visitor.post("/api/visits").body == "2"


def test_requests_at_once_in_one_process_share_nothing(azure_app: FunctionApp) -> None:
    visitors = [Visitor(azure_app) for _ in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for met in ("1", "2"):
            answers = list(threads.map(lambda visitor: visitor.post("/api/together"), visitors))
            assert [answer.body for answer in answers] == [met] * AT_ONCE
    assert len({visitor.cookie for visitor in visitors}) == AT_ONCE


def test_a_timer_purges_what_has_expired(visitor: Visitor, database: Path) -> None:
    visitor.post("/api/visits")
    long_ago = clock.now() - 7200
    with closing(SqliteStore(database)) as store, clock.replaced(lambda: long_ago):
        facts = Facts(ids.draw(), long_ago, long_ago + 3600)
        store.create(ids.stored_key(ids.draw()), Record({}, facts, long_ago + 60))
    assert expired(database) == 1
    assert visitor.post(TIMER).status == 202
    assert expired(database) == 0
    assert visitor.post("/api/visits").body == "2"


def expired(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        query = "SELECT count(*) FROM sessions WHERE ends <= ?"
        (count,) = connection.execute(query, [clock.now()]).fetchone()
        return int(count)


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        (
            "@app.blob_input(arg_name='session', path='a/b', connection='c')",
            "declared as bindings but are not present in Python: {'session'}",
        ),
        ("@with_session", "move it below @app.route"),
    ],
)
def test_a_mistake_stops_the_app_when_it_is_loaded(
    azure_app: FunctionApp, tmp_path: Path, mistake: str, told: str
) -> None:
    program = f"""
import azure.functions as func
from serverless_sessions.handlers.azure_functions import with_session

app = func.FunctionApp()

{mistake}
@app.route("visits")
@with_session(store="memory://")
def visits(req: func.HttpRequest, session):
    return "ok"
"""
    (tmp_path / "function_app.py").write_text(program)
    app = azure_functions(tmp_path, {})
    with pytest.raises(RuntimeError, match=re.escape(told)):
        app.__enter__()
