"""The cart, unchanged, on each field store: one environment variable names another."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from platforms.serving import PATIENCE, Server, serving
from support.places import KINDS, Place


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest) -> Place:
    kind = KINDS[request.param]
    server = request.getfixturevalue(kind.server)
    return kind.place(server, server.port)


@pytest.fixture(scope="module")
def server(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with place.opened(), serving(tmp_path_factory.mktemp("cart"), **place.variables) as running:
        yield running


def cart_count(server: Server, session_id: str) -> int:
    found = re.search(r"Cart <b>(\d+)</b>", server.get("/", session_id).body)
    assert found
    return int(found[1])


def test_shopping_logging_in_and_logging_out(server: Server) -> None:
    anonymous = server.post("/cart/add", sku="mug").session_id
    assert anonymous
    server.post("/cart/change", anonymous, sku="mug", step="1")
    assert cart_count(server, anonymous) == 2

    user = server.post("/login", anonymous, name="Ada").session_id
    assert user not in (None, "", anonymous)
    assert cart_count(server, user) == 2
    assert cart_count(server, anonymous) == 0

    assert server.post("/logout", user).session_id == ""
    assert cart_count(server, user) == 0


def test_parallel_requests_that_set_different_keys_keep_both(server: Server) -> None:
    session_id = server.post("/cart/add", sku="mug").session_id
    assert session_id
    slow = [
        threading.Thread(target=server.post, args=("/slow", session_id), kwargs=form)
        for form in ({"key": "left", "seconds": "0.5"}, {"key": "right", "seconds": "0.6"})
    ]
    for thread in slow:
        thread.start()
    for thread in slow:
        thread.join(PATIENCE)
    body = server.get("/facts", session_id).body
    assert "<dt>left</dt>" in body
    assert "<dt>right</dt>" in body


def test_a_session_outlives_the_process_that_made_it(
    server: Server, place: Place, tmp_path: Path
) -> None:
    session_id = server.post("/cart/add", sku="mug").session_id
    assert session_id
    with serving(tmp_path, **place.variables) as another:
        assert cart_count(another, session_id) == 1
