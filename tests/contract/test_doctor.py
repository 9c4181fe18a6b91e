"""``doctor`` against set-ups on real servers, good ones and broken ones."""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result

from serverless_sessions import SessionStore, clock, ids
from serverless_sessions.cli.commands import commands
from serverless_sessions.store import DELETED, Change
from serverless_sessions.testing.cases.base import created, entries, fresh_key, loaded, session
from serverless_sessions_adapters.dynamodb import DynamoDBStore
from serverless_sessions_adapters.redis import RIGHTS
from servers.azurite import Azurite
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.faults import Fault, http_answer
from servers.lockstep import speak_http, speak_redis
from servers.moto_server import DynamoDBServer
from servers.redis_server import RedisServer
from servers.upstash_bridge import Upstash
from support.azure import fresh_table
from support.dynamodb import CREDENTIALS, client_of
from support.places import KINDS, Place


def doctor(place: Place, *arguments: str, **variables: str) -> Result:
    told = {**place.variables, **variables}
    return CliRunner(env=told).invoke(commands, ["doctor", *arguments])


def findings(place: Place, **variables: str) -> tuple[int, list[dict[str, str]]]:
    done = doctor(place, "--json", **variables)
    answer = json.loads(done.stdout)
    assert answer["ok"] is (done.exit_code == 0)
    return done.exit_code, answer["findings"]


def wrong(place: Place, **variables: str) -> tuple[str, str]:
    """All that is wrong, and all that mends it."""
    code, found = findings(place, **variables)
    assert code == 1
    bad = [finding for finding in found if finding["level"] == "error"]
    assert all(finding["remedy"] for finding in bad)
    return "\n".join(one["what"] for one in bad), "\n".join(one["remedy"] for one in bad)


@pytest.fixture(params=KINDS)
def good(request: pytest.FixtureRequest) -> Iterator[Place]:
    kind = KINDS[request.param]
    server: Any = request.getfixturevalue(kind.server)
    place = kind.place(server, server.port)
    with place.opened():
        yield place


def test_a_good_set_up_is_told_to_be_one_at_once(good: Place) -> None:
    began = time.process_time()
    done = doctor(good)
    spent = time.process_time() - began
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "All is well.")
    assert "can be reached and read" in done.stdout
    assert spent < 3


@pytest.fixture
def table(moto_server: DynamoDBServer) -> Iterator[tuple[DynamoDBStore, Place]]:
    """A table that nobody made yet, and how it is named."""
    name = f"sessions-{uuid.uuid4()}"
    with client_of(moto_server.endpoint) as client:
        url = f"dynamodb://{name}?region=eu-west-1&endpoint={moto_server.endpoint}"
        yield DynamoDBStore(client, name), Place(url, CREDENTIALS)


def made(store: DynamoDBStore, key: str = "id") -> None:
    store.client.create_table(
        TableName=store.table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
    )


def carried_out(place: Place, remedy: str) -> None:
    """The first command that the remedy names, with the variables that doctor had."""
    command = re.search(r"`serverless-sessions (.+?)`", remedy)
    assert command
    done = CliRunner(env=place.variables).invoke(commands, command[1].split())
    assert done.exit_code == 0, done.output


def test_a_missing_table_and_one_in_another_region(table: tuple[DynamoDBStore, Place]) -> None:
    _, place = table
    what, remedy = wrong(place)
    assert "there is no such table in this region" in what
    assert len(what.splitlines()) == 1, "what follows from it is not told beside it"
    carried_out(place, remedy)
    assert findings(place)[0] == 0
    elsewhere = place._replace(url=place.url.replace("eu-west-1", "us-east-1"))
    what, remedy = wrong(elsewhere)
    assert "there is no such table in this region" in what
    assert "?region=" in remedy


def test_a_table_with_another_key(table: tuple[DynamoDBStore, Place]) -> None:
    store, place = table
    made(store, key="pk")
    what, remedy = wrong(place)
    assert "the key of the table" in what
    assert "'pk' (HASH, S)" in what
    assert len(what.splitlines()) == 1
    assert "infra/aws" in remedy
    refused = CliRunner(env=place.variables).invoke(commands, ["provision"])
    assert (refused.exit_code, what in refused.output) == (2, True)
    store.deprovision()
    carried_out(place, remedy)
    assert findings(place)[0] == 0


def test_a_table_without_ttl(table: tuple[DynamoDBStore, Place]) -> None:
    store, place = table
    made(store)
    what, remedy = wrong(place)
    assert (
        what == "TTL is not on for the attribute 'ttl': sessions that have ended are never removed"
    )
    assert f"aws dynamodb update-time-to-live --table-name {store.table}" in remedy
    assert 'ttl { attribute_name = "ttl", enabled = true }' in remedy


@contextmanager
def in_front_of(place: Place, port: int) -> Iterator[tuple[FaultProxy, Place]]:
    speak = speak_redis if place.url.startswith("redis") else speak_http
    with fault_proxy(port, speak) as proxy:
        moved = place.url.replace(f":{port}", f":{proxy.port}")
        variables = {
            name: value.replace(f":{port}", f":{proxy.port}")
            for name, value in place.environment.items()
        }
        yield proxy, Place(moved, variables)


@pytest.mark.parametrize("action", ["GetItem", "UpdateItem", "DescribeTimeToLive"])
def test_a_permission_that_is_missing(
    table: tuple[DynamoDBStore, Place], moto_server: DynamoDBServer, action: str
) -> None:
    store, place = table
    store.provision()
    denial = http_answer(400, {"__type": "com.amazon.coral#AccessDeniedException", "message": ""})
    with in_front_of(place, moto_server.port) as (proxy, through):
        proxy.inject(denial, times=None, when=lambda request: f".{action}".encode() in request)
        what, remedy = wrong(through)
    assert f"must be valid and allow dynamodb:{action}" in what
    assert len(what.splitlines()) == 1
    mends = "an operator's credentials" if "Describe" in action else f"allow dynamodb:{action} on"
    assert mends in remedy


def test_a_function_may_not_look_at_its_table_and_is_told_its_other_permissions(
    table: tuple[DynamoDBStore, Place], moto_server: DynamoDBServer
) -> None:
    store, place = table
    store.provision()
    denial = http_answer(400, {"__type": "com.amazon.coral#AccessDeniedException", "message": ""})
    with in_front_of(place, moto_server.port) as (proxy, through):
        proxy.inject(denial, times=None, when=lambda request: b".Describe" in request)
        _, found = findings(through)
    bad = [one["remedy"] for one in found if one["level"] == "error"]
    assert ["operator's credentials" in remedy for remedy in bad] == [True, True]
    assert sum("is allowed" in one["what"] for one in found) == 5


def test_nobody_has_signed_in(
    table: tuple[DynamoDBStore, Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, place = table
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    nobody = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    what, remedy = wrong(place._replace(environment={**nobody, "AWS_CONFIG_FILE": os.devnull}))
    assert len(what.splitlines()) == 1
    assert "no AWS credentials were found" in what
    assert remedy.startswith("sign in")


def test_a_redis_that_does_not_know_the_user(redis_server: RedisServer) -> None:
    what, remedy = wrong(Place(f"redis://joe:hunter2@127.0.0.1:{redis_server.port}", {}))
    assert len(what.splitlines()) == 1
    assert "user name or password in SESSION_STORE is wrong" in what
    assert remedy.startswith("sign in")


def all_that_functions_do(store: SessionStore) -> None:
    key, new, facts = created(store, session(user="jo")), fresh_key(), session(user="jo")
    store.update(key, Change(set=entries(cart="1"), nonce=ids.draw_nonce()))
    store.rotate(key, new, facts, loaded(store, key).rev, 0)
    assert store.list_user("jo") == [new]
    assert list(dict(store.scan())) == [new]
    assert store.delete(new) is DELETED


@pytest.mark.parametrize("missing", ["+@hash", "+@scripting", "+info", "~prefix:*"])
def test_a_redis_whose_user_may_not_do_all(redis_server: RedisServer, missing: str) -> None:
    name = f"user-{uuid.uuid4()}"
    place = Place(f"redis://{name}:hunter2@127.0.0.1:{redis_server.port}?prefix=prefix", {})
    rights = ["on", ">hunter2", "~prefix:*", *RIGHTS.split()]
    client: Any = redis.Redis(port=redis_server.port)
    with closing(client):
        client.execute_command("ACL", "SETUSER", name, *(r for r in rights if r != missing))
        try:
            what, _ = wrong(place)
            client.execute_command("ACL", "SETUSER", name, missing)
            assert findings(place)[0] == 0
            with place.opened() as store:
                all_that_functions_do(store)
        finally:
            client.execute_command("ACL", "DELUSER", name)
    assert len(what.splitlines()) == 1
    assert f"the user may not do this, which takes {RIGHTS}" in what


def test_what_a_store_wants_besides_its_url(upstash: Upstash) -> None:
    place = KINDS["upstash"].place(upstash, upstash.port)
    what, remedy = wrong(place, UPSTASH_REDIS_REST_TOKEN="")
    assert "UPSTASH_REDIS_REST_TOKEN is not set" in what
    assert "the variable that is named" in remedy


def test_a_folder_that_is_missing_and_one_that_others_can_read(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    place = Place(f"file://{folder}", {})
    what, remedy = wrong(place)
    assert (what, folder.exists()) == (f"the folder {folder} is not there", False)
    carried_out(place, remedy)
    assert findings(place)[0] == 0
    folder.chmod(0o755)
    assert wrong(place) == ("others can read it", f"chmod go-rwx {folder}")


@pytest.mark.parametrize("kind", ["dynamodb", "redis", "azure-tables", "upstash"])
def test_a_server_that_is_down(kind: str, request: pytest.FixtureRequest) -> None:
    server: Any = request.getfixturevalue(KINDS[kind].server)
    place = KINDS[kind].place(server, server.port)
    with in_front_of(place, server.port) as (proxy, through), proxy.refusing():
        code, found = findings(through)
    assert code == 1
    (only,) = [finding for finding in found if finding["level"] == "error"]
    assert "cannot be reached" in only["what"]
    assert "whether the server runs" in only["remedy"]


def test_a_server_that_does_not_answer(redis_server: RedisServer) -> None:
    place = KINDS["redis"].place(redis_server, redis_server.port)
    with in_front_of(place, redis_server.port) as (proxy, through):
        proxy.inject(Fault.HANG, times=None)
        what, _ = wrong(through)
    assert "cannot be reached" in what


def test_a_redis_that_ends_sessions_at_will(redis_server: RedisServer) -> None:
    place = KINDS["redis"].place(redis_server, redis_server.port)
    with place.opened() as store:
        client: Any = store.client  # type: ignore[attr-defined]  # of the store over redis-py
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("maxmemory", "1gb")
        try:
            what, remedy = wrong(place)
        finally:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", "0")
    assert what == "maxmemory-policy is allkeys-lru"
    assert "config set maxmemory-policy noeviction" in remedy


def test_an_azure_table_that_is_missing_and_one_that_nobody_purges(azurite: Azurite) -> None:
    place = KINDS["azure-tables"].place(azurite, azurite.port)
    place = place._replace(url=f"azure-tables:///{fresh_table()}")
    what, remedy = wrong(place)
    assert "there is no such table" in what
    assert len(what.splitlines()) == 1
    carried_out(place, remedy)
    with place.opened() as store:
        with clock.replaced(lambda: time.time() - 10 * 86_400):
            store.create("0" * 64, session())
        what, remedy = wrong(place)
        assert what == "sessions that ended a day ago or earlier are still there"
        carried_out(place, remedy)
        assert findings(place)[0] == 0


@pytest.mark.parametrize("seconds", [-600, 600])
def test_a_clock_that_is_wrong(good: Place, seconds: int) -> None:
    with clock.replaced(lambda: time.time() + seconds):
        what, remedy = wrong(good)
    assert f"seconds {'ahead of' if seconds > 0 else 'behind'} that of the store's server" in what
    assert "chronyc" in remedy


def test_each_wrong_setting_is_named_beside_the_store(tmp_path: Path) -> None:
    place = Place(f"sqlite:////{tmp_path.relative_to('/')}/a.db", {})
    what, _ = wrong(place, SESSION_IDLE_TIMEOUT="soon", SESSION_COOKIE_SAMESITE="lax-ish")
    assert "SESSION_IDLE_TIMEOUT" in what
    assert "SESSION_COOKIE_SAMESITE" in what
    code, found = findings(place, SESSION_COKIE_NAME="shop", SESSION_COOKIE_SECURE="off")
    assert code == 0
    warnings = [one for one in found if one["level"] == "warning"]
    assert [one["what"].split(" ")[0] for one in warnings] == ["SESSION_COKIE_NAME", "the"]
    assert "SESSION_COOKIE_NAME?" in warnings[0]["remedy"]
    assert doctor(place, "--strict", SESSION_COOKIE_SECURE="off").exit_code == 1


def test_no_secret_is_shown(redis_server: RedisServer) -> None:
    place = Place(f"redis://joe:hunter2@127.0.0.1:{redis_server.port}", {})
    for arguments in ((), ("--json",)):
        done = doctor(place, *arguments, SESSION_ENCRYPTION_KEYS="key-material")
        assert done.exit_code == 1
        assert "SESSION_ENCRYPTION_KEYS" in done.output
        for secret in ("joe", "hunter2", "key-material"):
            assert secret not in done.output
