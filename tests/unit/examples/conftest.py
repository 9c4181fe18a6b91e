from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

import pytest

from serverless_sessions import MemoryStore, Session, SessionConfig, SessionManager
from serverless_sessions.arrival import Request

Result = TypeVar("Result")

EXAMPLES = Path(__file__).parents[3] / "examples"
if str(EXAMPLES) not in sys.path:
    sys.path.insert(0, str(EXAMPLES))

if TYPE_CHECKING:
    from cart.web import Answer


@dataclass
class Browser:
    """Sends requests to the shop and keeps the session cookie."""

    store: MemoryStore = field(default_factory=MemoryStore)
    cookie: str | None = None

    def __post_init__(self) -> None:
        self.sessions = SessionManager(self.store, SessionConfig())

    def get(self, path: str = "/") -> Answer:
        return self.send("GET", path)

    def post(self, path: str, **form: str) -> Answer:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send("POST", path, headers, urlencode(form).encode())

    def send(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        from cart import shop
        from cart.web import Request

        request = Request(method, path, headers or {}, body)
        return self._visit(lambda session: shop.answer(request, session))

    def look(self, key: str) -> object:
        return self._visit(lambda session: session.get(key))

    def _visit(self, call: Callable[[Session], Result]) -> Result:
        invocation = self.sessions.begin(Request.with_cookies(*filter(None, [self.cookie])))
        result = call(invocation.session)
        invocation.finish(failed=False)
        set_cookie = invocation.outcome().set_cookie
        invocation.close()
        if set_cookie is not None:
            pair = set_cookie.partition(";")[0]
            self.cookie = None if pair.endswith("=") else pair
        return result


@pytest.fixture
def browser() -> Browser:
    return Browser()
