"""What the stores over Redis ask of the server: how often, in how many bytes, and cut off."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from serverless_sessions import clock, codec, ids, open_store
from serverless_sessions.errors import Conflict, CorruptRecord, Moved, SessionGone
from serverless_sessions.sansio import Asking
from serverless_sessions.store import ABSENT, DELETED, Change, Entry, Record
from serverless_sessions.testing.cases.base import (
    created,
    entries,
    fresh_key,
    key_beside,
    loaded,
    renewed,
    session,
    texts,
)
from serverless_sessions_adapters.redis import RedisStore
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.lockstep import speak_redis
from servers.process import HOST
from servers.redis_server import RedisServer
from support.interleaving import Stepped, cut_off_after, in_every_order


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[FaultProxy]:
    with fault_proxy(redis_server.port, speak_redis) as proxy:
        yield proxy


@pytest.fixture
def store(proxy: FaultProxy) -> Iterator[RedisStore]:
    opened = open_store(f"redis://{HOST}:{proxy.port}?prefix=test-{secrets.token_hex(4)}")
    assert isinstance(opened, RedisStore)
    with closing(opened):
        warm_up(opened)
        yield opened


def warm_up(store: RedisStore) -> None:
    """Have the server learn the scripts, and the connection made."""
    key = created(store, session(user="warm"))
    store.update(key, Change(set=entries(a="1")))
    new = key_beside(store, key)
    record = loaded(store, key)
    store.rotate(key, new, renewed(record), record.rev, clock.now())
    store.delete(new)


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (None, {"create": 1, "load": 1, "update": 1, "rotate": 1, "delete": 1}),
        ("ann", {"create": 2, "load": 1, "update": 1, "rotate": 3, "delete": 2}),
    ],
)
def test_requests_of_each_operation(
    store: RedisStore, proxy: FaultProxy, user: str | None, expected: dict[str, int]
) -> None:
    def requests(call: Callable[[], object]) -> int:
        before = proxy.traffic.requests
        call()
        return proxy.traffic.requests - before

    key = fresh_key()
    new = key_beside(store, key)
    change = Change(set=entries(a="1"), idle=clock.now() + 50, nonce="n")
    counted = {
        "create": requests(lambda: store.create(key, session(user=user))),
        "update": requests(lambda: store.update(key, change)),
        "load": requests(lambda: store.load(key)),
    }
    seen = loaded(store, key)
    rotation = partial(store.rotate, key, new, renewed(seen), seen.rev, clock.now())
    counted["rotate"] = requests(rotation)
    counted["delete"] = requests(lambda: store.delete(new))
    assert counted == expected


def test_changing_one_key_of_a_large_session_sends_that_key_alone(
    store: RedisStore, proxy: FaultProxy
) -> None:
    key = created(store, session({f"k{n}": "x" * 2000 for n in range(100)}))
    before = proxy.traffic
    store.update(key, Change(set=entries(small="y" * 20), nonce=ids.draw_nonce()))
    assert (proxy.traffic - before).sent < 2000


def test_a_server_that_forgot_the_scripts_is_told_them_again(
    store: RedisStore, proxy: FaultProxy
) -> None:
    key = created(store)
    store.client.script_flush()
    store.update(key, Change(set=entries(a="1")))
    assert texts(loaded(store, key)) == {"first": "1", "a": "1"}


@pytest.mark.parametrize("foreign", ["hunter2", "hunter2:", "-1:hunter2", ""])
def test_a_value_of_another_program_is_corrupt_until_it_is_set(
    store: RedisStore, foreign: str
) -> None:
    key = created(store, session({"a": "1", "b": "2"}))
    store.client.hset(store.operations.place_of(key), "k:a", foreign)
    assert texts(loaded(store, key)) == {"a": "", "b": "2"}
    with pytest.raises(CorruptRecord):
        codec.loads(loaded(store, key).entries["a"].text)

    store.update(key, Change(set=entries(b="3")))
    with pytest.raises(Conflict):
        store.update(key, Change(set=entries(a="4"), expect={"a": "1"}))
    store.update(key, Change(set=entries(a="4")))
    assert texts(loaded(store, key)) == {"a": "4", "b": "3"}


def test_creation_cut_off_after_its_first_request_leaves_no_session(store: RedisStore) -> None:
    key = fresh_key()
    assert cut_off_after(
        1, Stepped(store.client, store.operations.create(key, session(user="ann")))
    )
    assert store.load(key) is None
    assert store.list_user("ann") == [key]


def test_rotation_cut_off_leaves_exactly_one_session_that_is_listed(store: RedisStore) -> None:
    for requests in range(1, 9):
        key = created(store, session(user="ann"))
        record, new = loaded(store, key), key_beside(store, key)
        rotating = store.operations.rotate(key, new, renewed(record), record.rev, clock.now())
        cut = cut_off_after(requests, Stepped(store.client, rotating))
        alive = [k for k in (key, new) if isinstance(store.load(k), Record)]
        assert alive == ([key] if requests == 1 else [new])
        assert set(alive) <= set(store.list_user("ann"))
        if not cut:
            assert key not in store.list_user("ann")
            return
    pytest.fail("a rotation makes no end of requests")


def test_deletion_cut_off_after_its_first_request_has_ended_the_session(store: RedisStore) -> None:
    key = created(store, session(user="ann"))
    assert cut_off_after(1, Stepped(store.client, store.operations.delete(key)))
    assert store.load(key) is None
    assert store.list_user("ann") == [key]


def raced(
    store: RedisStore, rival: Callable[[str], Asking[Any]]
) -> Iterator[tuple[str, str, Any, Any]]:
    """Old and new key, and the outcomes of a rotation and its rival, in each order there is."""
    keys: list[tuple[str, str]] = []

    def start() -> list[Stepped]:
        key = created(store, session(user="ann"))
        record, new = loaded(store, key), key_beside(store, key)
        keys.append((key, new))
        rotation = store.operations.rotate(key, new, renewed(record), record.rev, clock.now())
        return [Stepped(store.client, rotation), Stepped(store.client, rival(key))]

    for rotated, answer in in_every_order(start):
        yield *keys[-1], rotated, answer
    assert len(keys) > 2


def test_no_order_of_requests_lets_a_rotation_outlive_a_log_out(store: RedisStore) -> None:
    for key, new, rotated, answer in raced(store, store.operations.delete):
        if isinstance(answer, Moved):
            assert rotated is None
            assert texts(loaded(store, new)) == {"first": "1"}
            assert new in store.list_user("ann")
            assert store.delete(answer.to) is DELETED
        else:
            assert answer is DELETED
            assert isinstance(rotated, SessionGone)
        assert store.load(key) is None
        assert store.load(new) is None


def test_no_order_of_requests_loses_an_update_that_a_rotation_meets(store: RedisStore) -> None:
    change = Change(set=entries(a="1"))
    for key, new, rotated, updated in raced(
        store, lambda key: store.operations.update(key, change)
    ):
        if rotated is None:
            assert isinstance(updated, SessionGone)
            assert store.delete(new) is DELETED
        else:
            assert isinstance(rotated, Conflict)
            assert updated is None
            assert texts(loaded(store, key)) == {"first": "1", "a": "1"}
            assert store.delete(key) is DELETED


def test_no_order_of_requests_leaves_out_a_session_begun_again_under_its_key(
    store: RedisStore,
) -> None:
    """As one of a trusted id, which is the platform's, is begun while another request logs out."""
    user, keys, begun = f"user {secrets.token_hex(4)}", list[str](), 0

    def start() -> list[Stepped]:
        keys.append(key := created(store, session(user=user)))
        again = store.operations.create(key, session(user=user))
        return [Stepped(store.client, asking) for asking in (store.operations.delete(key), again)]

    for _ in in_every_order(start):
        if isinstance(store.load(keys[-1]), Record):
            begun += 1
            assert keys[-1] in store.list_user(user)
            assert store.delete(keys[-1]) is DELETED
            assert keys[-1] not in store.list_user(user)
    assert begun > 2


def test_a_user_who_never_logs_out_is_not_listed_for_ever(store: RedisStore) -> None:
    user = f"user {secrets.token_hex(4)}"
    place = store.operations.place_of_user(user)
    now = clock.now()
    for n in range(20):
        created(store, session(user=user, absolute=n - 1000))
    assert store.client.zcard(place) <= 2
    last = created(store, session(user=user, absolute=500))
    assert store.list_user(user) == [last]
    assert store.client.expiretime(place) >= now + 500


def test_entries_that_have_ended_make_room(store: RedisStore) -> None:
    limit = store.guarantees.max_bytes
    assert limit is not None
    now = clock.now()
    ended, lasting = Entry("x" * (limit // 2), now - 1), Entry("y" * (limit // 3))
    key = created(store, session({}))
    store.update(key, Change(set={"ended": ended, "lasting": lasting}))
    store.update(key, Change(set=entries(new="z" * (limit // 3))))
    assert set(loaded(store, key).entries) == {"lasting", "new"}
    assert store.delete(key) is DELETED
    assert store.delete(key) is ABSENT
