"""The cart as ``make demo`` serves it: a real server, a real store, raw HTTP."""

from __future__ import annotations

import re
import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from platforms.serving import CART, COOKIE, PATIENCE, Answer, Server, log_of, serving, start, stop


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("demo")) as running:
        yield running


def visitor(server: Server) -> str:
    """The id of a new session with a mug in its cart."""
    session_id = server.post("/cart/add", sku="mug").session_id
    assert session_id
    return session_id


def cart_count(server: Server, session_id: str) -> int:
    found = re.search(r"Cart <b>(\d+)</b>", server.get("/", session_id).body)
    assert found
    return int(found[1])


def is_open(server: Server, session_id: str) -> bool:
    return "<dt>Handle</dt><dd>none yet</dd>" not in server.get("/facts", session_id).body


def test_a_request_that_leaves_the_session_alone_costs_nothing(server: Server) -> None:
    session_id = visitor(server)
    for path in ("/about", "/style.css"):
        answer = server.get(path, session_id)
        assert answer.status == 200
        assert answer.session_id is None
        assert "Vary" not in answer.headers
        server.logged(rf"^GET {path}  200  [\d.]+ ms  0 store calls$")
    server.logged(r"^POST /cart/add  303  [\d.]+ ms  2 store calls in [\d.]+ ms  created$")


def test_a_new_visitor_gets_a_cookie_with_the_first_change(server: Server) -> None:
    first = server.get("/")
    assert first.session_id is None
    added = server.post("/cart/add", sku="mug")
    assert (added.status, added.headers["location"]) == (303, "/")
    assert re.fullmatch(
        rf"{COOKIE}=[A-Za-z0-9_-]{{43}}; Path=/; Secure; HttpOnly; SameSite=Lax",
        added.headers["set-cookie"],
    )
    assert added.headers["cache-control"] == "no-store"


def test_shopping_logging_in_and_logging_out(server: Server) -> None:
    anonymous = visitor(server)
    server.post("/cart/change", anonymous, sku="mug", step="1")
    assert cart_count(server, anonymous) == 2

    user = server.post("/login", anonymous, name="Ada").session_id
    assert user
    assert user != anonymous
    assert cart_count(server, user) == 2
    assert not is_open(server, anonymous)

    out = server.post("/logout", user)
    assert out.session_id == ""
    assert out.headers["location"] == "/goodbye"
    assert not is_open(server, user)


DAWDLES = """
import time
from pathlib import Path

from cart.aws_lambda import handler

pause = time.sleep


def until_told(_):
    print("dawdles", flush=True)
    while not Path("go on").exists():
        pause(0.01)


time.sleep = until_told
"""


@pytest.fixture
def dawdling(tmp_path: Path) -> Iterator[Server]:
    """The cart, whose slow requests say when they have read their session, and then wait until
    there is a file ``go on``."""
    (tmp_path / "dawdling.py").write_text(DAWDLES)
    with serving(tmp_path, target="dawdling:handler") as running:
        yield running
        (tmp_path / "go on").touch()


@contextmanager
def meanwhile(server: Server, session_id: str, *keys: str) -> Iterator[list[Answer]]:
    """The block runs while a slow request for each key dawdles; their answers come after it."""
    answers: list[Answer] = []

    def dawdle(key: str) -> None:
        answers.append(server.post("/slow", session_id, key=key, seconds="1"))

    slow = [threading.Thread(target=dawdle, args=(key,)) for key in keys]
    for thread in slow:
        thread.start()
    server.logged("(?s)" + ".*".join(["dawdles"] * len(keys)))
    yield answers
    assert answers == []
    (server.log.parent / "go on").touch()
    for thread in slow:
        thread.join(PATIENCE)


def test_parallel_requests_that_set_different_keys_keep_both(dawdling: Server) -> None:
    session_id = visitor(dawdling)
    with meanwhile(dawdling, session_id, "left", "right"):
        pass
    body = dawdling.get("/facts", session_id).body
    assert "<dt>left</dt><dd>set after 1 s</dd>" in body
    assert "<dt>right</dt><dd>set after 1 s</dd>" in body


def test_a_logout_that_overtakes_a_slow_request_stays_a_logout(dawdling: Server) -> None:
    session_id = visitor(dawdling)
    with meanwhile(dawdling, session_id, "left") as answers:
        assert dawdling.post("/logout", session_id).session_id == ""
    assert [answer.session_id for answer in answers] == [None]
    assert not is_open(dawdling, session_id)
    dawdling.logged(r"^POST /slow  303 .*\blost$")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (b"A" * 43, r"1 store call in [\d.]+ ms  missed"),
        (b"x" * 10_000, "0 store calls  refused_id"),
        (b"\x01\x1b[31m\x7f" + b"B" * 40, "0 store calls  refused_id"),
        (b"..%2f" + b"C" * 38, "0 store calls  refused_id"),
        (b"\xff\xfe" + b"D" * 41, "0 store calls  refused_id"),
    ],
    ids=["made up", "10 kB", "control characters", "percent-encoded", "not UTF-8"],
)
def test_an_id_that_we_did_not_issue_is_no_session(server: Server, value: bytes, told: str) -> None:
    before = len(server.log.read_text())
    answer = server.raw(f"Cookie: {COOKIE}=".encode() + value)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"set-cookie" not in head.lower()
    assert b"<dt>Handle</dt><dd>none yet</dd>" in body
    server.logged(rf"^GET /facts  200  [\d.]+ ms  {told}$", before)
    assert value[-40:] not in answer
    assert value[-40:] not in server.log.read_bytes()


@pytest.mark.parametrize(
    ("line", "opens"),
    [
        (b"Cookie: %s=%s", True),
        (b"Cookie: a=b; \t%s=%s\t;c=d", True),
        (b"Cookie: \xe2\x80\x80%s=%s", False),
        (b"Cookie: a=b; \xc2\xa0%s=%s", False),
        (b"Cookie: a=b; \xe2\x80\x80%s=%s", False),
        (b'Cookie: %s="%s"', False),
        (b"Cookie: x%s=%s", False),
        (b"X-Session: %s=%s", False),
    ],
)
def test_no_other_spelling_passes_for_the_cookie(server: Server, line: bytes, opens: bool) -> None:
    session_id = visitor(server)
    answer = server.raw(line % (COOKIE.encode(), session_id.encode()))
    assert (b"<dt>Handle</dt><dd>none yet</dd>" not in answer) == opens
    assert session_id.encode() not in answer


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_of_another_site_changes_nothing(server: Server, site: str) -> None:
    session_id = visitor(server)
    assert server.post_from(site, "/cart/add", session_id, sku="mug").status == 403
    assert server.post_from(site, "/logout", session_id).status == 403
    assert cart_count(server, session_id) == 1
    assert server.post_from("same-origin", "/cart/add", session_id, sku="mug").status == 303
    assert cart_count(server, session_id) == 2


def test_nothing_secret_is_in_the_log(server: Server) -> None:
    session_id = visitor(server)
    secret = secrets.token_hex(8)
    server.get(f"/about?token={secret}", session_id)
    server.post("/login", session_id, name=secret)
    server.get("/nope/last")
    server.logged(r"^GET /nope/last  404")
    log = server.log.read_text()
    assert secret not in log
    assert session_id not in log


@pytest.mark.parametrize("front_door", ["function-url", "rest", "alb", "alb-multi"])
def test_the_cart_is_served_as_behind_every_front_door(tmp_path: Path, front_door: str) -> None:
    with serving(tmp_path, "--event", front_door) as server:
        session_id = visitor(server)
        assert cart_count(server, session_id) == 1
        assert server.post("/logout", session_id).session_id == ""
        assert not is_open(server, session_id)


def test_insecure_cookies_are_for_browsers_that_refuse_the_others(tmp_path: Path) -> None:
    with serving(tmp_path, "--insecure-cookies") as server:
        line = server.post("/cart/add", sku="mug").headers["set-cookie"]
        assert re.fullmatch(r"session=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax", line)


@pytest.mark.parametrize("options", [(), ("--reload",)], ids=["plain", "reload"])
def test_ctrl_c_ends_it_cleanly(tmp_path: Path, options: tuple[str, ...]) -> None:
    # A parent that ignores the signal, as a shell's background job does, would hand that on.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = start(tmp_path, CART, "--port", "0", *options)
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        server = Server(process, log_of(tmp_path))
        assert server.get("/about").status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
        assert server.log.read_text().splitlines()[-1] == "Ended."
        with pytest.raises(ConnectionRefusedError):
            server.get("/about")
    finally:
        stop(process)
