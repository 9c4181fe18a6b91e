"""Functions in Google's functions framework as a process: in its threads, and in its event loop."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from conversations.visitor import Answer, HttpDoor
from servers.functions_framework import Framework, functions_framework

SOURCE = Path(__file__).with_name("cloud_function.py")
SESSION = "__Host-session"
AT_ONCE = 16
TARGETS = ("function", "async_function")


class Visitor:
    def __init__(self, framework: Framework, name: str = SESSION) -> None:
        self._door = HttpDoor(framework.port)
        self._name = name
        self.cookie = ""

    def post(self, path: str) -> Answer:
        headers = [("Cookie", self.cookie)] if self.cookie else []
        answer = self._door.send("POST", path, headers)
        for line in answer.values("set-cookie"):
            if line.startswith(f"{self._name}="):
                self.cookie = line.partition(";")[0]
        return answer


@contextmanager
def running(target: str, folder: Path, **environment: str) -> Iterator[Framework]:
    store = {"SESSION_STORE": f"sqlite:///{folder / 'sessions.db'}", "THREADS": str(AT_ONCE)}
    with functions_framework(SOURCE, target, {**store, **environment}) as framework:
        yield framework


@pytest.fixture(scope="module", params=TARGETS)
def framework(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Framework]:
    with running(request.param, tmp_path_factory.mktemp("cloud")) as framework:
        yield framework


@pytest.fixture(scope="module")
def threads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Framework]:
    """Under another name of the cookie: the one that passes Firebase Hosting."""
    folder = tmp_path_factory.mktemp("firebase")
    with running("function", folder, SESSION_COOKIE_NAME="__session") as framework:
        yield framework


def test_a_visitor_is_recognised(framework: Framework) -> None:
    visitor = Visitor(framework)
    first = visitor.post("/visits")
    assert first.values("set-cookie") == [
        f"{visitor.cookie}; Path=/; Secure; HttpOnly; SameSite=Lax"
    ]
    second = visitor.post("/visits")
    assert (second.status, second.body, second.values("set-cookie")) == (200, "2", [])
    (gone,) = visitor.post("/logout").values("set-cookie")
    assert gone.startswith(f"{SESSION}=; Max-Age=0;")


def test_a_function_that_fails_saves_nothing(framework: Framework) -> None:
    visitor = Visitor(framework)
    visitor.post("/visits")
    assert visitor.post("/elsewhere").status in (500, 503)
    assert visitor.post("/visits").body == "2"


def test_sixteen_requests_at_once_share_a_process_and_nothing_else(framework: Framework) -> None:
    visitors = [Visitor(framework) for _ in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for met in ("1", "2"):
            answers = list(pool.map(lambda visitor: visitor.post("/together"), visitors))
            (told,) = {answer.body for answer in answers}
            assert told.partition(" ")[0] == met
    assert len({visitor.cookie for visitor in visitors}) == AT_ONCE


def test_streams_cookies_and_redirects_pass_and_firebases_cookie_is_the_only_one_needed(
    threads: Framework,
) -> None:
    visitor = Visitor(threads, "__session")
    stream = visitor.post("/stream")
    assert (stream.body, stream.values("transfer-encoding")) == ("one two", ["chunked"])
    assert stream.values("cache-control") == ["no-store"]
    assert visitor.post("/visits").body == "11"
    several = Visitor(threads, "__session")
    assert several.post("/cookies").values("set-cookie") == [
        "theme=dark; Path=/",
        "lang=en",
        f"{several.cookie}; Path=/; Secure; HttpOnly; SameSite=Lax",
    ]
    before = visitor.cookie
    login = visitor.post("/login")
    assert (login.status, login.values("location")) == (303, ["/visits"])
    assert visitor.cookie not in ("", before)
    assert visitor.post("/visits").body == "12"
