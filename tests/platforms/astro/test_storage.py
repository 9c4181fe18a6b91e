"""What is in the store: order and manner of writes, what stays, damage, and a store that is out."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from platforms.astro.conftest import Shared
from serverless_sessions.values import UNDEFINED, devalue
from serverless_sessions_adapters.file import FileStore
from servers.redis_server import RedisServer
from support.shared_visitor import Refused, SharedVisitor, at_once

# What two writers of Astro's that met left of one file: the end of the longer text is still there.
IN_PIECES = '[["Map",1,2],"a",{"data":3,"expires":-1},1]],"b",{"data":5,"expires":-1},2]'


def begun(shared: Shared) -> SharedVisitor:
    visitor = shared.visitor()
    visitor.function(["set", "a", "[1]"])
    return visitor


def act(visitor: SharedVisitor, side: str, *steps: list[object]) -> None:
    (visitor.astro if side == "astro" else visitor.function)(*steps)


@contextmanager
def commands(server: Any) -> Iterator[list[str]]:
    """The commands that Redis carries out meanwhile, those of scripts included."""
    seen: list[str] = []
    with server.monitor() as monitor:
        yield seen
        server.echo("the end")
        for command in monitor.listen():
            if command["command"].startswith("ECHO"):
                break
            seen.append(command["command"])


@pytest.mark.parametrize("side", ["astro", "function"])
def test_a_new_id_is_written_before_the_old_one_goes(over_redis: Shared, side: str) -> None:
    """Astro's way round, a request that is cut short has lost the session."""
    visitor = begun(over_redis)
    old = over_redis.records.key(visitor.id)
    server = over_redis.records.redis
    assert server is not None
    with commands(server) as seen:
        act(visitor, side, ["regenerate"])
    new = over_redis.records.key(visitor.id)
    writes = [c.split()[:2] for c in seen if c.split()[0].upper() in ("SET", "UNLINK", "DEL")]
    keys = [key for _, key in writes if key in (old, new)]
    assert keys[0] == (old if side == "astro" else new)
    assert set(keys) == {old, new}


@pytest.mark.parametrize("side", ["astro", "function"])
def test_a_file_is_replaced_as_a_whole(over_files: Shared, side: str) -> None:
    """Who has opened the file goes on reading what was there; Astro writes into it."""
    visitor = begun(over_files)
    path = over_files.records.path(visitor.id)
    before = path.read_text("utf-8")
    with path.open(encoding="utf-8") as reader:
        act(visitor, side, ["set", "b", "[2]"])
        assert (reader.read() == before) is (side == "function")
    assert visitor.function_reads("b") in (2, [2])
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir() if p.name.endswith(".new")] == []


def test_a_record_in_pieces_is_an_error_and_stays_until_it_is_ended(shared: Shared) -> None:
    visitor = begun(shared)
    for text in (IN_PIECES, '{"not": "a session"}', "[[5]]"):
        shared.records.write(visitor.id, text)
        for steps in ([["get", "a"]], [["set", "b", "[2]"]], [["get", "a"], ["set", "b", "[2]"]]):
            with pytest.raises(Refused, match="500"):
                visitor.again().function(*steps)
            assert shared.records.read(visitor.id) == text
    ended = visitor.again()
    visitor.function(["destroy"])
    assert shared.records.read(ended.id) is None


def test_what_writers_of_astros_left_of_a_file_is_read_or_an_error(over_files: Shared) -> None:
    """Texts of different lengths, written in place at the same time: some of them end in pieces,
    which Astro removes where it meets them itself."""
    sizes = (0, 4_000, 8_000, 12_000)
    for _ in range(10):
        visitor = begun(over_files)
        writers = [["set", f"k{size}", f"'{'x' * size}'"] for size in sizes]
        written = at_once([partial(visitor.again().astro, writer) for writer in writers])
        (outcome,) = at_once([partial(visitor.function, ["get", "a"])])
        if over_files.records.read(visitor.id) is None:
            assert any(isinstance(each, Refused) for each in written)
        else:
            assert outcome == ["[1]"] or isinstance(outcome, Refused)


def test_astro_removes_a_record_in_pieces(shared: Shared) -> None:
    visitor = begun(shared)
    shared.records.write(visitor.id, IN_PIECES)
    with pytest.raises(Refused, match="500"):
        visitor.astro(["get", "a"])
    assert shared.records.read(visitor.id) is None


def test_a_record_that_cannot_be_read_is_no_empty_session(over_files: Shared) -> None:
    visitor = begun(over_files)
    path = over_files.records.path(visitor.id)
    path.unlink()
    path.mkdir()
    with pytest.raises(Refused, match="503"):
        visitor.again().function(["get", "a"])
    with pytest.raises(Refused, match="503"):
        visitor.again().function(["set", "a", "[2]"])
    assert visitor.again().astro_reads("a") is UNDEFINED
    path.rmdir()


def test_a_record_in_redis_expires_unless_astro_wrote_last(over_redis: Shared) -> None:
    visitor = over_redis.visitor()
    server = over_redis.records.redis
    assert server is not None
    lives = []
    for side in ("astro", "function", "astro", "function"):
        act(visitor, side, ["set", "a", "[1]"])
        lives.append(server.ttl(over_redis.records.key(visitor.id)) > 0)
    assert lives == [False, True, False, True]


def test_a_session_of_the_functions_ends_for_astro_when_it_is_purged(over_files: Shared) -> None:
    visitor = begun(over_files)
    facts = "_sls.facts"
    stored = devalue.loads(over_files.records.read(visitor.id) or "")
    stored[facts]["data"]["idle"] = stored[facts]["data"]["absolute"] = int(time.time()) - 1
    over_files.records.write(visitor.id, devalue.dumps(stored))
    assert visitor.function_reads("a") is UNDEFINED
    assert visitor.astro_reads("a") == 1
    assert FileStore(over_files.records.path(visitor.id).parent).purge() == 1
    assert visitor.astro_reads("a") is UNDEFINED


def test_an_outage_of_redis_is_no_empty_session(
    over_redis: Shared, redis_server: RedisServer
) -> None:
    """Redis answers nothing; the function waits no longer than it may."""
    visitor = begun(over_redis)
    os.kill(redis_server.pid, signal.SIGSTOP)
    try:
        with pytest.raises(Refused, match="503"):
            visitor.again().function(["get", "a"])
    finally:
        os.kill(redis_server.pid, signal.SIGCONT)
    assert visitor.function_reads("a") == visitor.astro_reads("a") == 1
