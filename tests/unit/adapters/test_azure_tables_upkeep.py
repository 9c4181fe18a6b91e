"""Azure Tables beside the five operations: a user's sessions, cleaning up, making and looking."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial

import pytest

from serverless_sessions import ids
from serverless_sessions.errors import ConfigurationError
from serverless_sessions.purging import purge_expired
from serverless_sessions.store import DELETED, MARKER_SECONDS, Change, Finding, Record
from serverless_sessions.testing.cases.base import (
    created,
    entries,
    fresh_key,
    key_beside,
    loaded,
    rotated,
    session,
    texts,
)
from serverless_sessions.testing.clock import FrozenClock
from serverless_sessions_adapters._azure_client import Account
from serverless_sessions_adapters.azure_tables import AzureTablesStore, _removed
from servers.azurite import Azurite
from support.azure import account, by_hand, empty_table, opened


@pytest.fixture
def time() -> Iterator[FrozenClock]:
    with FrozenClock() as frozen:
        yield frozen


@pytest.fixture
def store(azurite: Azurite) -> Iterator[AzureTablesStore]:
    with empty_table(azurite) as store:
        yield store


def rows(store: AzureTablesStore) -> list[str]:
    return [row["RowKey"] for row in store.client.client.list_entities(select="RowKey")]


def in_small_pages(store: AzureTablesStore) -> None:
    client = store.client.client
    client.query_entities = partial(client.query_entities, results_per_page=3)


def test_cleaning_up_leaves_nothing_of_what_has_ended(
    store: AzureTablesStore, time: FrozenClock
) -> None:
    for user in (None, "ann"):
        created(store, session(user=user, idle=10))
        created(store, session(user=user, absolute=10))
        store.delete(created(store, session(user=user)))
        store.delete(rotated(store, created(store, session(user=user)), grace=5))
    living = created(store, session(user="ann"))
    time.advance(MARKER_SECONDS)
    while store.purge():
        pass
    assert sorted(row[-64:] for row in rows(store)) == [living, living]
    assert isinstance(store.load(living), Record)
    assert store.list_user("ann") == [living]


@pytest.mark.parametrize("user", [None, "ann"])
def test_many_rows_go_together(
    store: AzureTablesStore, time: FrozenClock, user: str | None
) -> None:
    first = fresh_key()
    for _ in range(110):
        store.create(key_beside(store, first), session({}, user=user, idle=10))
    time.advance(10)
    assert store.purge(105) == 105
    rest = list(iter(store.purge, 0))
    assert 105 + sum(rest) == (110 if user is None else 2 * 110)
    assert rows(store) == []


def test_a_timer_cleans_up_in_turns(store: AzureTablesStore, time: FrozenClock) -> None:
    for _ in range(4):
        created(store, session(user="ann", idle=10))
    living = created(store, session())
    time.advance(10)
    assert purge_expired(store, limit=3) == 3
    assert purge_expired(store, seconds=0) == 0
    while purge_expired(store):
        pass
    assert rows(store) == [living]


def test_what_came_back_to_life_meanwhile_stays(store: AzureTablesStore, time: FrozenClock) -> None:
    keys = [created(store, session(idle=10))]
    keys += [key_beside(store, keys[0]) for _ in range(3)]
    for key in keys[1:]:
        store.create(key, session(idle=10))
    ended = [loaded(store, key).rev for key in keys]
    time.advance(10)
    store.create(keys[1], session())
    assert store.purge(1) == 1
    gone = next(key for key in keys if key not in rows(store))

    (removal,) = by_hand(store, _removed(ended))  # type: ignore[arg-type]  # a rev is what was read
    assert removal.finish() == 2
    assert gone != keys[1]
    assert rows(store) == [keys[1]]
    assert isinstance(store.load(keys[1]), Record)


def test_everything_is_found_however_it_is_paged(
    store: AzureTablesStore, time: FrozenClock
) -> None:
    user = ids.draw_handle()
    keys = {created(store, session(user=user)) for _ in range(20)}
    ending = {created(store, session(user=user, absolute=10)) for _ in range(10)}
    in_small_pages(store)
    assert set(store.list_user(user)) == keys | ending
    assert set(dict(store.scan())) == keys | ending
    time.advance(10)
    assert set(store.list_user(user)) == keys
    assert set(dict(store.scan())) == keys
    assert store.purge() == 20
    assert set(dict(store.scan())) == keys


def test_what_other_programs_add_to_a_session_does_no_harm(store: AzureTablesStore) -> None:
    key = created(store, session({"a": "1"}))
    foreign = {"k0": 1.5, "note": b"x", "seen": datetime.now(UTC), "id": uuid.uuid4(), "ok": True}
    store.client.client.update_entity({"PartitionKey": key[0], "RowKey": key, **foreign})
    store.update(key, Change(set=entries(b="2")))
    store.update(key, Change(set=entries(c="3"), seen=loaded(store, key).rev))
    assert texts(loaded(store, key)) == {"a": "1", "b": "2", "c": "3"}
    store.update(key, Change(clear=True))
    assert store.delete(key) is DELETED


def test_a_listing_does_not_mix_users_up(store: AzureTablesStore) -> None:
    key = created(store, session(user="ann"))
    assert store.list_user("ann") == [key]
    assert store.list_user("an") == []
    assert store.list_user("ANN") == []


def test_a_table_is_made_and_removed(azurite: Azurite) -> None:
    with opened(account(azurite), "madeandremoved") as store:
        for _ in range(2):
            store.provision()
            key = created(store)
            assert isinstance(store.load(key), Record)
            store.deprovision()
            store.deprovision()
            with pytest.raises(ConfigurationError, match="there is no such table"):
                store.load(key)


def test_a_look_at_a_sound_table_leaves_nothing(store: AzureTablesStore) -> None:
    findings = store.check()
    assert [finding.ok for finding in findings] == [True] * 5
    assert [finding.what for finding in findings][:2] == [
        f"the table {store.table!r} can be read",
        f"the table {store.table!r} can be changed",
    ]
    assert rows(store) == []


def test_a_look_sees_that_nobody_cleans_up(store: AzureTablesStore, time: FrozenClock) -> None:
    created(store, session(idle=10))
    time.advance(10 + 86_399)
    assert not _unmet_beside_the_clock(store)
    time.advance(1)
    (finding,) = _unmet_beside_the_clock(store)
    assert finding.remedy == "run purge() from a timer, or now `serverless-sessions purge`"


def _unmet_beside_the_clock(store: AzureTablesStore) -> list[Finding]:
    return [each for each in store.check() if not (each.ok or "the clock of" in each.what)]


def test_a_look_at_what_cannot_be_used_says_what_to_do(azurite: Azurite) -> None:
    stranger = account(azurite)
    assert stranger.key is not None
    stranger.key.update(azurite.account, "d3Jvbmc=")
    unreachable = Account("http://127.0.0.1:9/devstoreaccount1", account(azurite).key)
    for place, remedy in (
        (account(azurite), "provision()"),
        (stranger, "grant the role 'Storage Table Data Contributor'"),
        (unreachable, "whether the account has that name"),
    ):
        with closing(AzureTablesStore(place, "nowhere")) as store:
            findings = store.check()
        assert len(findings) == 3
        assert not any(finding.ok for finding in findings)
        assert all(remedy in finding.remedy for finding in findings)
