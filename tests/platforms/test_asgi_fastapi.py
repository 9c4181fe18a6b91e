"""FastAPI on uvicorn: dependencies, endpoints in threads, and WebSockets with a real client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException, WebSocket, WebSocketDisconnect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from serverless_sessions import (
    AsyncSession,
    MemoryStore,
    Session,
    SessionConfig,
    current_async_session,
    current_session,
)
from serverless_sessions.errors import Unsupported
from serverless_sessions.handlers.asgi import SessionMiddleware
from serverless_sessions.testing.watched import WatchedStore
from servers.uvicorn_server import uvicorn_server
from support.failures import down

CONFIG = SessionConfig(cookie_secure=False)
STORE = WatchedStore(MemoryStore())

Visitor = Annotated[AsyncSession, Depends(current_async_session)]
BlockingVisitor = Annotated[Session, Depends(current_session)]

app = FastAPI()
app.add_middleware(SessionMiddleware, store=STORE, config=CONFIG)


@app.post("/cart/{sku}")
async def add(sku: str, session: Visitor) -> list[str]:
    cart: list[str] = await session.modify("cart", lambda cart: [*cart, sku], default=[])
    return cart


@app.post("/blocking/{sku}")
def add_in_a_thread(sku: str, session: BlockingVisitor) -> list[str]:
    session["cart"] = [*session.get("cart", []), sku]
    cart: list[str] = session["cart"]
    return cart


@app.post("/login/{user}")
def log_in(user: str, session: BlockingVisitor) -> str | None:
    session.bind(user)
    return session.user


def known_user(session: BlockingVisitor) -> str:
    if session.user is None:
        raise HTTPException(403, "log in first")
    return session.user


@app.get("/me")
async def me(user: Annotated[str, Depends(known_user)], session: Visitor) -> dict[str, Any]:
    return {"user": user, "cart": await session.get("cart")}


@app.websocket("/socket")
async def socket(websocket: WebSocket) -> None:
    session: Any = websocket.session
    if (before := websocket.query_params.get("before")) is not None:
        session.set("before", before)
    await websocket.accept()
    try:
        while True:
            words = await websocket.receive_text()
            try:
                session.set("said", words)
                if words == "save":
                    await session.save()
                await websocket.send_text(json.dumps(await session.get("cart")))
            except Unsupported:
                session.delete("said")
                await websocket.send_text("unsupported")
            if words == "bye":
                await websocket.close()
                return
    except WebSocketDisconnect:
        session.set("left", True)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with uvicorn_server(app) as port:
        yield port


@pytest.fixture
def client(port: int) -> Iterator[httpx.Client]:
    STORE.before = lambda _: None
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        yield client


@pytest.fixture
def visitor(client: httpx.Client) -> httpx.Client:
    """Somebody with a mug in the cart."""
    client.post("/cart/mug")
    return client


def open_socket(client: httpx.Client, query: str = "") -> ClientConnection:
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in client.cookies.items())}
    return connect(
        f"ws://127.0.0.1:{client.base_url.port}/socket{query}",
        additional_headers=headers if client.cookies else {},
        proxy=None,
    )


def stored(client: httpx.Client) -> dict[str, str]:
    """What the client's own session holds: the one with its cart."""
    session_id = client.cookies["session"]
    from serverless_sessions import ids

    record: Any = STORE.inner.load(ids.stored_key(session_id))
    return {name: entry.text for name, entry in record.entries.items()}


def test_a_dependency_gives_the_session(visitor: httpx.Client) -> None:
    assert visitor.post("/cart/kettle").json() == ["mug", "kettle"]
    assert visitor.post("/blocking/candle").json() == ["mug", "kettle", "candle"]
    assert visitor.get("/me").status_code == 403
    before = visitor.cookies["session"]
    assert visitor.post("/login/ann").json() == "ann"
    assert visitor.cookies["session"] != before
    assert visitor.get("/me").json() == {"user": "ann", "cart": ["mug", "kettle", "candle"]}


def test_the_documentation_of_the_api_does_not_ask_for_a_session(client: httpx.Client) -> None:
    operation = client.get("/openapi.json").json()["paths"]["/cart/{sku}"]["post"]
    assert [parameter["name"] for parameter in operation["parameters"]] == ["sku"]
    assert "requestBody" not in operation


@pytest.mark.parametrize("path", ["/cart/tea", "/blocking/tea", "/login/ann"])
def test_an_error_of_the_store_is_a_503(visitor: httpx.Client, path: str) -> None:
    STORE.before = down
    answer = visitor.post(path)
    assert (answer.status_code, answer.headers.get("retry-after")) == (503, "1")


def test_a_socket_reads_and_saves_the_session(visitor: httpx.Client) -> None:
    with open_socket(visitor) as connection:
        connection.send("save")
        assert json.loads(connection.recv()) == ["mug"]
        assert stored(visitor)["said"] == '["save"]'
        connection.send("bye")
        connection.recv()
        with pytest.raises(Exception, match="1000"):
            connection.recv()
        assert stored(visitor)["said"] == '["bye"]'


def test_a_client_that_leaves_ends_the_socket_with_a_save(visitor: httpx.Client) -> None:
    with open_socket(visitor) as connection:
        connection.send("hello")
        connection.recv()
    for _ in range(500):
        if "left" in stored(visitor):
            break
        visitor.get("/me")
    assert stored(visitor)["said"] == '["hello"]'


def test_a_new_session_goes_out_with_the_accept_or_not_at_all(client: httpx.Client) -> None:
    with open_socket(client, "?before=1") as connection:
        (cookie,) = connection.response.headers.get_all("set-cookie")  # type: ignore[union-attr]
        assert cookie.startswith("session=")
    with open_socket(client) as connection:
        assert connection.response.headers.get_all("set-cookie") == []  # type: ignore[union-attr]
        connection.send("save")
        assert connection.recv() == "unsupported"


def test_a_store_that_fails_denies_the_socket(visitor: httpx.Client) -> None:
    STORE.before = down
    with pytest.raises(InvalidStatus) as refused:
        open_socket(visitor, "?before=1")
    assert refused.value.response.status_code == 503
    assert refused.value.response.headers["retry-after"] == "1"
